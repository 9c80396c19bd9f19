"""Receipts: a back end's signed word that it has imported a recording, without which a camera keeps its own.

Exit codes: 0 the receipt holds, or is made; 1 the recording is not intact; 2 the receipt does not hold.
"""

import argparse
from pathlib import Path

from lapel.clock import SystemClock, iso
from lapel.errors import EvidenceError
from lapel.evidence import password
from lapel.evidence.receipt import make_receipt
from lapel.evidence.receipt_files import (
    RECEIPT,
    closed_recording,
    read_back_end_key,
    read_back_ends,
    store_receipt,
    stored_receipt,
    write_receipt,
)
from lapel.evidence.trust import Trust
from lapel.evidence.verify import Verdict, verify_recording
from lapel.sanitize import plain

NAME = "receipt"
HELP = "make or check a back end's receipt for a recording"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The three actions: make, check, add."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    make = actions.add_parser("make", help="for back ends: verify an imported recording and sign a receipt for it")
    make.add_argument("recording", type=Path, help="folder of the recording")
    make.add_argument("--key", type=Path, required=True, metavar="PEM", help="the back end's Ed25519 or P-256 key")
    make.add_argument("--back-end", required=True, metavar="NAME", help="which system has imported the recording")
    make.add_argument("--category", default="", help="kind of incident; cameras keep some longer than others")
    make.add_argument(
        "--trust", type=Path, action="append", default=[], metavar="PEM", help="authority of the camera's certificate"
    )
    make.add_argument("--out", type=Path, metavar="FILE", help=f"instead of {RECEIPT} beside the recording")
    password.add_option(make)
    check = actions.add_parser("check", help="check the receipt beside a recording")
    add = actions.add_parser("add", help="check a receipt and put it beside its recording")
    for action in (check, add):
        action.add_argument("recording", type=Path, help="folder of the recording")
        action.add_argument(
            "--back-end",
            type=Path,
            action="append",
            required=True,
            metavar="PEM",
            help="public key or certificate of a back end; may be given several times",
        )
    add.add_argument("--receipt", type=Path, required=True, metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """Run the chosen action."""
    return {"make": _make, "check": _check, "add": _add}[options.action](options)


def _make(options: argparse.Namespace) -> int:
    """A back end confirms only what it has verified."""
    closed = closed_recording(options.recording)
    report = verify_recording(options.recording, Trust.read(options.trust))
    if report.verdict is Verdict.NOT_INTACT:
        proof = next(finding.message for finding in report.findings if finding.proves)
        print(f"not intact: {plain(proof)}; no receipt was made")
        return 1
    key = read_back_end_key(options.key, password.source(options.password_file, options.key))
    line = make_receipt(closed, options.back_end, iso(SystemClock().now().utc), key, options.category)
    write_receipt(options.out or options.recording / RECEIPT, line)
    print(f"{closed.recording}: receipt made, {closed.fragments} fragments with {closed.bytes} bytes")
    return 0


def _check(options: argparse.Namespace) -> int:
    receipt = stored_receipt(options.recording, read_back_ends(options.back_end))
    if receipt is None:
        raise EvidenceError(f"{options.recording / RECEIPT}: there is no receipt")
    print(f"{receipt.recording}: imported by {plain(receipt.back_end)} at {plain(receipt.received_at)}")
    return 0


def _add(options: argparse.Namespace) -> int:
    store_receipt(options.recording, options.receipt, read_back_ends(options.back_end))
    return _check(options)

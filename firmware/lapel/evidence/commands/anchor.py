"""Have a day of all cameras' audit logs witnessed by a time-stamping authority, and check later that none changed."""

import argparse
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
from cryptography import x509

from lapel.clock import SystemClock, iso
from lapel.errors import EvidenceError
from lapel.evidence import anchor_files
from lapel.evidence.anchor import Heads, is_proved, prove, statement_of
from lapel.evidence.anchor_files import StoredAnchor
from lapel.evidence.audit_lines import camera_folders, departure
from lapel.evidence.identity import read_certificates
from lapel.evidence.time_stamp import UnprovedTime, check, obtain, over_http
from lapel.sanitize import plain

NAME = "anchor"
HELP = "have the audit logs of a day witnessed by a third party, or check them against it"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The three actions: make, verify, prove."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    make = actions.add_parser("make", help="request a time stamp for the newest line of each camera's audit log")
    make.add_argument("cameras", type=Path, help="folder of cameras' evidence folders, or a JSON list of heads")
    make.add_argument("--authority", required=True, metavar="URL", help="of the time-stamping authority (RFC 3161)")
    make.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="new folder for the anchor")
    make.add_argument("--date", type=_day, help="the day that it stands for; today (UTC) when left out")
    make.add_argument("--timeout-s", type=float, default=30.0, help="seconds to wait for the authority; %(default)s")
    verify = actions.add_parser("verify", help="check an anchor, and cameras' audit logs against it; works offline")
    verify.add_argument("anchor", type=Path, help="folder of the anchor")
    verify.add_argument("--trust", type=Path, required=True, metavar="PEM", help="the authority's root certificate")
    verify.add_argument("--cameras", type=Path, help="folder of cameras' evidence folders to check against it")
    verify.add_argument("--proof", type=Path, help="check that this proof of one camera belongs to the anchor")
    proof = actions.add_parser("prove", help="print a proof for one camera that shows nothing of the others")
    proof.add_argument("anchor", type=Path, help="folder of the anchor")
    proof.add_argument("--camera", required=True, metavar="AGENCY/SITE/CAMERA")


def run(options: argparse.Namespace) -> int:
    """Run the chosen action."""
    actions = {"make": _make, "verify": _verify, "prove": _prove}
    return actions[options.action](options)


def _make(options: argparse.Namespace) -> int:
    day = options.date or SystemClock().now().utc.date()
    heads = anchor_files.read_heads(options.cameras)
    statement = statement_of(heads, day)
    anchor_files.require_new(options.out)
    token = obtain(statement.text().encode(), over_http(options.authority, options.timeout_s))
    anchor_files.write_anchor(options.out, statement, heads, token)
    print(f"{options.out}: {len(heads)} cameras anchored for {day}, root {statement.root}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    anchor = anchor_files.read_anchor(options.anchor)
    roots = [x509.load_der_x509_certificate(one) for one in read_certificates(options.trust)]
    failures = list(_failures(anchor, roots, options))
    for failure in failures:
        print(f"not intact: {plain(failure)}")
    return 1 if failures else 0


def _failures(anchor: StoredAnchor, roots: list[x509.Certificate], options: argparse.Namespace) -> Iterator[str]:
    try:
        stamp = check(anchor.statement.text().encode(), anchor.token, roots)
    except UnprovedTime as error:
        yield f"{anchor_files.TOKEN} {error}"
    else:
        who = plain(stamp.authority)
        print(f"{anchor.statement.day}: {anchor.statement.cameras} cameras, time-stamped {iso(stamp.at)} by {who}")
    if anchor.heads is not None and statement_of(anchor.heads, anchor.statement.day) != anchor.statement:
        yield f"{anchor_files.HEADS} is not the list that was time-stamped"
    if options.cameras is not None:
        yield from _departures(anchor, camera_folders(options.cameras))
    if options.proof is not None:
        yield from _unproved(anchor, options.proof)


def _departures(anchor: StoredAnchor, folders: dict[str, Path]) -> Iterator[str]:
    """Every camera of the anchor must be there: a log that was removed as a whole is one that departs, too."""
    for camera, head in sorted(_heads(anchor).items()):
        reason = "its audit log is missing" if camera not in folders else departure(folders[camera], head)
        if reason is None:
            print(f"{plain(camera)}: intact up to record {head.count}")
        else:
            yield f"{camera}: {reason}"


def _unproved(anchor: StoredAnchor, path: Path) -> Iterator[str]:
    proof = anchor_files.read_proof(path)
    if is_proved(proof, anchor.statement):
        print(f"{plain(proof.camera)}: record {proof.head.count} is part of the anchor, with hash {proof.head.hash}")
    else:
        yield f"{path} does not belong to this anchor"


def _heads(anchor: StoredAnchor) -> Heads:
    if anchor.heads is None:
        raise EvidenceError(f"the anchor has no {anchor_files.HEADS}, so it does not say which cameras it stands for")
    return anchor.heads


def _prove(options: argparse.Namespace) -> int:
    proof = prove(_heads(anchor_files.read_anchor(options.anchor)), options.camera)
    print(msgspec.json.format(msgspec.json.encode(proof)).decode())
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-27") from None

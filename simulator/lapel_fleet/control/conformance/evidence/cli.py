"""`lapel-fleet conformance --evidence`: its options, and the back end that they name."""

import argparse
import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapel.errors import ConfigError
from lapel_fleet.checkers.user_code import load_object

if TYPE_CHECKING:
    from lapel_fleet.control.conformance.evidence.subject import EvidenceSubject


def add_evidence_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name an evidence back end."""
    group = parser.add_argument_group("an evidence back end, instead of one on a broker")
    group.add_argument(
        "--evidence",
        metavar="URL",
        help="of its token service, https://HOST/auth/v1.0; or a Python object, FILE.py:NAME",
    )
    group.add_argument("--evidence-user", default="", metavar="NAME", help="the user name of a camera system")
    group.add_argument("--evidence-secret", type=Path, metavar="FILE", help="its first line is the secret")
    group.add_argument("--evidence-ca", default="", metavar="FILE", help="authority of the server's certificate")
    group.add_argument(
        "--evidence-probe", default="", metavar="URL",
        help="with {container} in it: returns {\"complete\": …, \"objects\": {NAME: MD5, …}} as JSON, or 404",
    )  # fmt: skip
    group.add_argument(
        "--receipt-key",
        action="append",
        default=[],
        type=Path,
        metavar="PEM",
        help="public key that signs its receipts",
    )


def suffix_of(options: argparse.Namespace) -> str:
    """What makes names new for a server that remembers earlier examinations; empty in memory."""
    return f"-{secrets.token_hex(2)}" if _is_url(options) else ""


@contextlib.contextmanager
def evidence_subject(options: argparse.Namespace) -> Iterator["EvidenceSubject"]:
    """The evidence back end that the options name. Raises ConfigError, EvidenceError."""
    from lapel.evidence.receipt_files import read_back_ends
    from lapel_fleet.control.conformance.evidence.subject import HttpEvidence, MemoryEvidence

    if not _is_url(options):
        yield MemoryEvidence(_made(load_object("--evidence", options.evidence)))
        return
    if not options.evidence_user or options.evidence_secret is None:
        raise ConfigError("--evidence with a URL: give --evidence-user and --evidence-secret, too")
    try:
        secret = options.evidence_secret.read_text().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--evidence-secret {options.evidence_secret}: cannot be read: {error}") from error
    subject = HttpEvidence(
        options.evidence, options.evidence_user, secret, options.evidence_ca, options.evidence_probe,
        read_back_ends(options.receipt_key),
    )  # fmt: skip
    with contextlib.closing(subject):
        yield subject


def _is_url(options: argparse.Namespace) -> bool:
    return str(options.evidence).startswith(("http://", "https://"))


def _made(found: Any) -> Any:
    return found() if callable(found) else found

"""What `day` and `why` have in common: the camera's folder, whom to trust, and the ledger that follows."""

import argparse
import sys
from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lapel.errors import EvidenceError
from lapel.evidence.audit_reader import ReadLog, read_log
from lapel.evidence.ledger import Ledger, ledger_of
from lapel.evidence.recorded_footage import footage_in
from lapel.evidence.trust import Trust


def add_camera_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a camera."""
    parser.add_argument("--camera", required=True, type=Path, metavar="DIR", help="the camera's evidence folder")
    parser.add_argument(
        "--trust", action="append", default=[], type=Path, metavar="CA.pem",
        help="certificate of the authority that vouches for the camera's key",
    )  # fmt: skip
    parser.add_argument("--zone", default="", metavar="ZONE", help="time zone (default: the camera's own)")


def ledger_from(options: argparse.Namespace) -> tuple[ReadLog, Ledger]:
    """The camera's log, and its ledger. Raises EvidenceError."""
    log = read_log(options.camera, Trust.read(options.trust))
    if not log.entries:
        raise EvidenceError(f"{options.camera}: its audit log has no entry that can be used")
    return log, ledger_of(log.entries, footage_in(options.camera))


def zone_of(options: argparse.Namespace, log: ReadLog) -> tzinfo:
    """The time zone to show times in. Raises EvidenceError for an unknown one."""
    own = [str(one.entry.detail.get("time_zone", "")) for one in log.entries if one.entry.event == "power-on"]
    name = options.zone or (own[-1] if own else "") or "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if not options.zone:
            offset = datetime.fromisoformat(f"2026-01-01T00:00:00{name}") if name[:1] in "+-" else None
            if offset is not None and offset.tzinfo is not None:
                return offset.tzinfo
        raise EvidenceError(f"--zone {name}: there is no such time zone; write one as in America/New_York") from error


def warnings_of(log: ReadLog) -> list[str]:
    """What the reader must know about the log itself."""
    lines = [f"{one.file}, line {one.line}: {one.reason}" for one in log.problems]
    return [*lines, *([log.untrusted] if log.untrusted else [])]


def report_problems(log: ReadLog) -> int:
    """Print what the reader must know about the log on standard error. Returns the command's exit code."""
    warnings = warnings_of(log)
    for warning in warnings:
        print(f"lapel-evidence: {warning}", file=sys.stderr)
    return 1 if warnings else 0

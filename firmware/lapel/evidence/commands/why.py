"""Why there is a recording of a moment, or why there is none, in words.

Exit codes: 0 the log is intact; 1 entries were removed or changed, or the signer is not trusted.
"""

import argparse
from datetime import datetime

from lapel.errors import EvidenceError
from lapel.evidence.commands.ledger_options import add_camera_options, ledger_from, report_problems, zone_of
from lapel.evidence.ledger import why

NAME = "why"
HELP = "say why there is a recording of a moment, or none"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_camera_options(parser)
    parser.add_argument(
        "--at", required=True, metavar="TIME", help="such as 2026-11-27T14:30:00, in the camera's time zone"
    )


def run(options: argparse.Namespace) -> int:
    """Print the answer."""
    log, ledger = ledger_from(options)
    try:
        at = datetime.fromisoformat(options.at)
    except ValueError as error:
        raise EvidenceError(f"--at {options.at}: write a time as in 2026-11-27T14:30:00") from error
    print(why(ledger, at if at.tzinfo else at.replace(tzinfo=zone_of(options, log))))
    return report_problems(log)

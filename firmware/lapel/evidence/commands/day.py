"""The ledger of a camera's day: what every second was spent on, and why.

Exit codes: 0 the log is intact; 1 entries were removed or changed, or the signer is not trusted.
"""

import argparse
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec

from lapel.errors import EvidenceError
from lapel.evidence.commands.ledger_options import (
    add_camera_options,
    ledger_from,
    report_problems,
    warnings_of,
    zone_of,
)
from lapel.evidence.ledger import day_of, sums_of
from lapel.evidence.ledger_sheet import csv_of, svg_of, text_of

NAME = "day"
HELP = "account for every second of a camera's day"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_camera_options(parser)
    parser.add_argument("--date", required=True, metavar="YYYY-MM-DD", help="the day, in the camera's time zone")
    parser.add_argument("--json", action="store_true", help="print spans, notes and sums as JSON")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the spans as a table, too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a picture of the day, too")


def run(options: argparse.Namespace) -> int:
    """Print the sheet."""
    day = _date(options.date)
    log, ledger = ledger_from(options)
    zone = zone_of(options, log)
    start, end = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + timedelta(days=1)))
    sheet = day_of(ledger, start, end)
    title = f"{log.camera}, {day:%Y-%m-%d} ({zone})"
    if options.csv is not None:
        _write(options.csv, csv_of(sheet, zone))
    if options.svg is not None:
        _write(options.svg, svg_of(sheet, title, zone))
    if options.json:
        print(msgspec.json.encode({"camera": log.camera, "spans": sheet.spans, "notes": sheet.notes,
                                   "sums_s": sums_of(sheet.spans), "problems": warnings_of(log)}).decode())  # fmt: skip
    else:
        print(text_of(sheet, title, zone))
    return report_problems(log)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise EvidenceError(f"--date {text}: write a day as in 2026-11-27") from error


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be written: {error.strerror}") from error

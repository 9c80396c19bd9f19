"""`lapel-fleet daily`: the report on a day, from the history of the page, as text, HTML and CSV."""

import argparse
import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lapel.clock import SystemClock
from lapel.errors import ConfigError, StorageError
from lapel.sanitize import plain, plain_cell
from lapel_fleet.operator.page.daily_report import DailyReport, DatedEvent, daily_report

if TYPE_CHECKING:
    from lapel_fleet.operator.page.history import History

_HEAD = ("time", "camera", "finding", "seconds", "recording", "reason")


def add_daily(parser: argparse.ArgumentParser) -> None:
    """Add the options of `daily`."""
    parser.add_argument("--agency", default="demo", metavar="NAME", help="agency of the cameras (default: %(default)s)")
    parser.add_argument(
        "--history", type=Path, metavar="FILE", help="as for `serve` (default: lapel-history-AGENCY.sqlite)"
    )
    parser.add_argument("--day", metavar="YYYY-MM-DD", help="in UTC (default: yesterday)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page, which loads nothing from elsewhere")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write every finding as a row")
    parser.set_defaults(command=_daily)


def _daily(options: argparse.Namespace) -> int:
    path = options.history or Path(f"lapel-history-{options.agency}.sqlite")
    if not path.is_file():
        raise ConfigError(f"--history {path}: there is no such file; `lapel-fleet serve` makes it")
    begin = _day(options.day)
    from lapel_fleet.operator.page.history import History

    history = History(path)
    try:
        report = report_on(history, options.agency, begin)
    finally:
        history.close()
    if options.html:
        _write(options.html, html(report))
    if options.csv:
        write_csv(options.csv, report)
    print(*text(report), sep="\n")
    return 0


def report_on(history: "History", agency: str, begin: datetime) -> DailyReport:
    """The report on the 24 hours from `begin` on."""
    rows = history.events_between(begin, begin + timedelta(days=1))
    events = (DatedEvent(camera, event, datetime.fromisoformat(received)) for camera, event, received in rows)
    return daily_report(agency, begin.date().isoformat(), events, history.last_states())


def text(report: DailyReport) -> list[str]:
    """The report in a screenful."""
    made, cameras = sum(one.recordings for one in report.sites), sum(one.cameras for one in report.sites)
    lines = [
        f"{report.day}, {plain(report.agency)}: {made} recordings by {cameras} cameras; {len(report.findings)} findings"
    ]
    for kind, count, seconds in report.by_kind:
        lines.append(f"  {kind:24} {count:6}{f'  {seconds:.0f} s' if seconds else ''}")
    causes = [f"  {count:6}  {kind}: {plain(cause)}" for kind, cause, count in report.by_cause(10)]
    if causes:
        lines += ["most frequent causes:", *causes]
    if report.silent:
        lines.append(f"{len(report.silent)} cameras sent no event: {_first(report.silent)}")
    return lines


def html(report: DailyReport) -> str:
    """The report as a page of its own."""
    from importlib.resources import files

    from markupsafe import Markup

    from lapel_fleet.operator.page.sections import environment

    style = (files("lapel_fleet.operator.page") / "static" / "page.css").read_text()
    return environment().get_template("daily.html").render(report=report, style=Markup(style))  # our own file


def write_csv(path: Path, report: DailyReport) -> None:
    """A row for each finding. Raises StorageError."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(_HEAD)
            for one in report.findings:
                seconds = "" if one.seconds is None else f"{one.seconds:.3f}"
                row = (one.time, one.camera, one.kind, seconds, one.recording, one.reason)
                writer.writerow(plain_cell(plain(value)) for value in row)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def _day(given: str | None) -> datetime:
    """The beginning of that day; of yesterday where none is given. Raises ConfigError."""
    if given is None:
        return SystemClock().now().utc.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    try:
        return datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(f"--day {given}: give a date such as 2026-11-24") from None


def _first(names: tuple[str, ...], most: int = 10) -> str:
    more = len(names) - most
    return ", ".join(map(plain, names[:most])) + (f" and {more} more" if more > 0 else "")

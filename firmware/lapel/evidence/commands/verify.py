"""Verify recordings: that their manifests are the cameras', that nothing is missing, that no file was changed.

Exit codes: 0 all are intact; 1 one is not intact; 2 one was interrupted, or it is not known who signed it.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import msgspec

from lapel.audit_entry import AuditPosition
from lapel.errors import EvidenceError
from lapel.evidence.audit_log import log_files
from lapel.evidence.disk import ACCOUNT, video_of
from lapel.evidence.manifest import MANIFEST
from lapel.evidence.trust import Trust
from lapel.evidence.verify import Finding, Report, Verdict, verify_recording
from lapel.evidence.verify_log import LOG, verify_log

NAME = "verify"
HELP = "check that recordings are complete and unchanged"
_DEPTH = 5
"""Folders below a given one in which recordings are looked for: agency, site, camera, evidence folder, recording."""
_EXIT = {Verdict.INTACT: 0, Verdict.NOT_INTACT: 1, Verdict.CANNOT_SAY: 2}
_WORST_FIRST = (Verdict.NOT_INTACT, Verdict.CANNOT_SAY, Verdict.INTACT)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a recording's folder, or one of many")
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        type=Path,
        metavar="CA.pem",
        help="certificate of the authority that vouches for the cameras' keys; may be given several times",
    )
    parser.add_argument(
        "--head",
        metavar="COUNT:HASH",
        help="where the audit log stood, from the camera's telemetry: it must lead there",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON array of reports")
    parser.add_argument("--quiet", action="store_true", help="list only recordings that are not intact")


def run(options: argparse.Namespace) -> int:
    """Verify the recordings that were named."""
    trust = Trust.read(options.trust)
    folders = [folder for path in options.paths for folder in recordings_in(path)]
    if not folders:
        raise EvidenceError(f"{options.paths[0]}: there is no recording in it; name an evidence folder or a recording")
    progress = _Progress(len(folders), sys.stderr)
    reports = _logs(folders, trust, options.head)
    for report in reports:
        if not options.json and not (options.quiet and report.verdict is Verdict.INTACT):
            print(text_of(report))
    for folder in folders:
        report = _verified(folder, trust)
        progress.advance(report.size_bytes)
        reports.append(report)
        if not options.json and not (options.quiet and report.verdict is Verdict.INTACT):
            progress.clear()
            print(text_of(report))
    progress.clear()
    print(msgspec.json.encode(reports).decode() if options.json else _summary(reports))
    return _EXIT[next(one for one in _WORST_FIRST if any(report.verdict is one for report in reports))]


def _logs(folders: list[Path], trust: Trust, head: str | None) -> list[Report]:
    """Reports on the audit logs beside the recordings. Raises EvidenceError when `head` is given and there is none."""
    roots = [root for root in dict.fromkeys(folder.parent for folder in folders) if log_files(root)]
    expected = _head(head) if head is not None else None
    if expected is not None and len(roots) != 1:
        raise EvidenceError(f"--head {head}: there are {len(roots)} audit logs here; name one camera's evidence folder")
    return [verify_log(root, trust, expected) for root in roots]


def _head(text: str) -> AuditPosition:
    count, _, digest = text.partition(":")
    if not count.isdigit() or not re.fullmatch("[0-9a-f]{64}", digest):
        raise EvidenceError(f"--head {text}: write COUNT:HASH, as `audit_head` in the camera's telemetry has them")
    return AuditPosition(int(count), digest)


def recordings_in(path: Path, depth: int = _DEPTH) -> Iterator[Path]:
    """The folders of recordings at or below `path`, in the order of their names. Raises EvidenceError."""
    try:
        if not path.is_dir():
            raise EvidenceError(f"{path}: is no folder; name an evidence folder or a recording's folder")
        if is_recording(path):
            yield path
        elif depth:
            for folder in sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith(".")):
                yield from recordings_in(folder, depth - 1)
    except OSError as error:
        if isinstance(error, EvidenceError):
            raise
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from error


def is_recording(folder: Path) -> bool:
    """Whether a folder holds a recording, or what is left of one."""
    return any((folder / name).exists() for name in (MANIFEST, ACCOUNT)) or video_of(folder) is not None


def _verified(folder: Path, trust: Trust) -> Report:
    try:
        return verify_recording(folder, trust)
    except OSError as error:
        finding = Finding("unreadable", f"{folder}: cannot be read: {error.strerror or error}", proves=False)
        return Report(recording=folder.name, folder=str(folder), verdict=Verdict.CANNOT_SAY, findings=[finding])


def text_of(report: Report) -> str:
    """A report as lines for people."""
    head = f"{report.verdict:<10}  {report.recording}"
    if report.camera:
        head += f"  {report.camera}  {report.start_time}  {report.duration_s:.1f} s"
    return "\n".join([head, *(f"            {_where(one)}{one.message}" for one in report.findings)])


def _where(finding: Finding) -> str:
    if finding.from_s is None:
        return ""
    until = f" to {finding.to_s:.3f} s" if finding.to_s is not None else " s on"
    return f"{finding.from_s:.3f}{until}: "


def _summary(reports: list[Report]) -> str:
    counts = [f"{sum(one.verdict is verdict for one in reports)} {verdict}" for verdict in Verdict]
    logs = sum(report.recording == LOG for report in reports)
    what = _counted(len(reports) - logs, "recording") + (f" and {_counted(logs, 'audit log')}" if logs else "")
    return f"{what}: {', '.join(counts)}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


class _Progress:
    """A line that shows how far a long verification is; nothing where no terminal is."""

    def __init__(self, total: int, out: TextIO) -> None:
        self._total, self._out, self._done, self._bytes = total, out, 0, 0
        self._is_shown = total > 1 and out.isatty()

    def advance(self, size_bytes: int) -> None:
        self._done, self._bytes = self._done + 1, self._bytes + size_bytes
        if self._is_shown:
            width = 30 * self._done // self._total
            bar = "█" * width + "·" * (30 - width)
            self._out.write(f"\r{bar} {self._done} of {self._total}, {self._bytes / 1e9:.2f} GB\x1b[K")
            self._out.flush()

    def clear(self) -> None:
        if self._is_shown:
            self._out.write("\r\x1b[K")
            self._out.flush()

"""The lines of a camera's audit log, as an anchor needs them: their numbers and hashes, not what they say."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lapel.errors import EvidenceError
from lapel.evidence.anchor import Head
from lapel.evidence.audit_log import AUDIT_FOLDER, log_files
from lapel.evidence.chain import DamagedLine, lines_in, parse_line
from lapel.files import reading


class DamagedLog(EvidenceError):
    """A line of an audit log is no record."""


class _Place(msgspec.Struct):
    number: int
    previous: str | None
    camera: str = ""


@dataclass(frozen=True, slots=True)
class _PlacedLine:
    head: Head
    previous: str | None
    camera: str
    """`agency/site/camera`, where the record says so: the first one of each session does."""


def camera_folders(root: Path) -> dict[str, Path]:
    """The evidence folders at and below `root` that have an audit log, by the camera that wrote it.

    Raises EvidenceError when there is none, or two are of the same camera.
    """
    found: dict[str, Path] = {}
    for folder in (audit.parent for audit in sorted(root.rglob(AUDIT_FOLDER)) if audit.is_dir()):
        camera = _camera_of(folder) or folder.relative_to(root).as_posix()
        if camera in found:
            raise EvidenceError(f"{folder} and {found[camera]}: both hold the audit log of {camera}")
        found[camera] = folder
    if not found:
        raise EvidenceError(f"{root}: no folder in it has a camera's audit log ({AUDIT_FOLDER})")
    return found


def newest_head(evidence: Path) -> Head:
    """The last complete line of a camera's log. Raises EvidenceError."""
    for path in reversed(log_files(evidence)):
        lines = list(_lines(path))
        if lines:
            return lines[-1].head
    raise EvidenceError(f"{evidence / AUDIT_FOLDER}: holds no record")


def departure(evidence: Path, anchored: Head) -> str | None:
    """How a log differs from the one that was anchored; None when it still leads to that line, record by record.

    Raises EvidenceError for a log whose earlier records are not there any more.
    """
    try:
        return _departure(evidence, anchored)
    except DamagedLog as error:
        return str(error)


def _departure(evidence: Path, anchored: Head) -> str | None:
    before: Head | None = None
    for line in (line for path in log_files(evidence) for line in _lines(path)):
        head = line.head
        if before is None and head.count > anchored.count:
            raise EvidenceError(f"{evidence}: begins with record {head.count}; record {anchored.count} was anchored")
        if before is not None and (head.count, line.previous) != (before.count + 1, before.hash):
            return f"record {head.count} does not follow record {before.count}"
        if head.count == anchored.count:
            return None if head == anchored else f"record {head.count} is not the one that was anchored"
        before = head
    return f"ends with record {before.count if before else 0}; {anchored.count} records were anchored"


def _camera_of(evidence: Path) -> str:
    return next((line.camera for path in log_files(evidence) for line in _lines(path)), "")


def _lines(path: Path) -> Iterator[_PlacedLine]:
    """The complete lines of a file. Raises EvidenceError, DamagedLog for a line that is no record."""
    try:
        with reading(path) as file:
            for number, line in enumerate(lines_in(file), 1):
                if line.endswith(b"\n"):
                    yield _placed(line, f"{path.name}, line {number}")
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from error


def _placed(line: bytes, where: str) -> _PlacedLine:
    try:
        parsed = parse_line(line)
        place = msgspec.json.decode(parsed.record, type=_Place)
    except (DamagedLine, msgspec.DecodeError) as error:
        raise DamagedLog(f"{where} {error}") from error
    return _PlacedLine(Head(place.number, parsed.sha256), place.previous, place.camera)

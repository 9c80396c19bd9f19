"""The lines of a camera's audit log (`EVIDENCE/.audit/audit-NNNNNN.jsonl`), as an anchor needs them."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from lapel.errors import EvidenceError
from lapel.evidence.anchor import Head
from lapel.evidence.chain import DamagedLine, parse_line
from lapel.files import reading

AUDIT_FOLDER = ".audit"
_LINE_MAX_BYTES = 1024 * 1024


class _Place(msgspec.Struct):
    number: int
    previous: str | None


def camera_folders(root: Path) -> dict[str, Path]:
    """The evidence folders below `root` that have an audit log, by their path from there. Raises EvidenceError."""
    found = {folder.parent.relative_to(root).as_posix(): folder.parent for folder in sorted(root.rglob(AUDIT_FOLDER))}
    if not found:
        raise EvidenceError(f"{root}: no camera's folder in it has an audit log ({AUDIT_FOLDER})")
    return found


def newest_head(evidence: Path) -> Head:
    """The last complete line of a camera's log. Raises EvidenceError."""
    head = None
    for path in reversed(_files(evidence)):
        head = next(reversed(list(_heads(path))), None)
        if head is not None:
            return head
    raise EvidenceError(f"{evidence / AUDIT_FOLDER}: holds no record")


def departure(evidence: Path, anchored: Head) -> str | None:
    """How a log differs from the one that was anchored; None when it still leads to that line, record by record.

    Raises EvidenceError for a log from which earlier records were removed up to there.
    """
    number, previous = 0, None
    for path in _files(evidence):
        for place, head in _placed_heads(path):
            if number == 0 and head.count > anchored.count:
                raise EvidenceError(
                    f"{evidence}: begins with record {head.count}; record {anchored.count} was anchored"
                )
            if number and (head.count, place.previous) != (number + 1, previous):
                return f"record {head.count} does not follow record {number}"
            if head.count == anchored.count:
                return None if head == anchored else f"record {head.count} is not the one that was anchored"
            number, previous = head.count, head.hash
    return f"ends with record {number}; {anchored.count} records were anchored"


def _files(evidence: Path) -> list[Path]:
    return sorted((evidence / AUDIT_FOLDER).glob("audit-*.jsonl"))


def _heads(path: Path) -> Iterator[Head]:
    return (head for _, head in _placed_heads(path))


def _placed_heads(path: Path) -> Iterator[tuple[_Place, Head]]:
    """The complete lines of a file. Raises EvidenceError for one that is no record."""
    try:
        with reading(path) as file:
            for line in iter(lambda: file.readline(_LINE_MAX_BYTES), b""):
                if line.endswith(b"\n"):
                    parsed = parse_line(line)
                    place = msgspec.json.decode(parsed.record, type=_Place)
                    yield place, Head(place.number, parsed.sha256)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from error
    except (DamagedLine, msgspec.DecodeError) as error:
        raise EvidenceError(f"{path}: one of its lines {error}") from error

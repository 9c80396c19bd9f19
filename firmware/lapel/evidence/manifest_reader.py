"""Reads a manifest: which records are signed and follow each other, and where they do not."""

import base64
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from lapel.errors import EvidenceError
from lapel.evidence.chain import LINE_MAX_BYTES, CutLine, DamagedLine, Link, line_hash, lines_in, parse_line
from lapel.evidence.records import FORMAT, Close, FragmentStored, ManifestRecord, Open, Recovered
from lapel.evidence.signing import is_signed, public_key
from lapel.files import reading

ProblemKind = Literal["record-cut", "record-damaged", "record-foreign", "records-missing", "record-out-of-order"]
_decoder = msgspec.json.Decoder(ManifestRecord)


@dataclass(frozen=True, slots=True)
class Problem:
    """A place where a manifest is not as its camera wrote it."""

    line: int
    """Counts from 1."""
    kind: ProblemKind
    reason: str
    after_record: int
    """Index in `records` of the last record before it."""


@dataclass(slots=True)
class ReadManifest:
    """What a manifest holds."""

    opened: Open
    key: EllipticCurvePublicKey
    """The one that signed the first record, and must have signed the others."""
    records: list[ManifestRecord] = field(default_factory=list)
    """All that are signed, in the order of the file; `opened` is the first."""
    problems: list[Problem] = field(default_factory=list)
    intact_records: int = 0
    """How many of them come before the first problem."""
    position: Link = field(default_factory=Link)
    """Where the chain stands after those."""
    intact_bytes: int = 0
    """Length of their lines."""

    @property
    def ending(self) -> Close | Recovered | None:
        """The record that ends the clip; None while there is none."""
        last = self.records[-1]
        return last if isinstance(last, Close | Recovered) else None

    @property
    def fragments(self) -> list[FragmentStored]:
        """The fragments that are on record."""
        return [record for record in self.records if isinstance(record, FragmentStored)]


def read_manifest(path: Path) -> ReadManifest:
    """What a manifest holds. Raises EvidenceError when its first record cannot be used, OSError when the disk does not
    give it.
    """
    with reading(path) as file:
        lines = list(lines_in(file))
    return read_lines(str(path), lines)


def read_lines(name: str, lines: Sequence[bytes]) -> ReadManifest:
    """The same for a manifest whose lines are in memory. Raises EvidenceError that begins with `name`."""
    manifest = _begin(name, lines[0] if lines else b"")
    _follow(manifest, lines[1:])
    return manifest


def _begin(name: str, line: bytes) -> ReadManifest:
    try:
        opened = _decoder.decode(parse_line(line).record)
    except (DamagedLine, msgspec.DecodeError) as error:
        raise EvidenceError(f"{name}: its first record {error}") from error
    if not isinstance(opened, Open) or opened.format != FORMAT or not opened.certificates:
        raise EvidenceError(f"{name}: does not begin with an open record of the format {FORMAT}")
    try:
        key = public_key(base64.b64decode(opened.certificates[0], validate=True))
    except ValueError as error:
        raise EvidenceError(f"{name}: its certificate cannot be used: {error}") from error
    manifest = ReadManifest(opened, key)
    if _record(line, key) is None or (opened.number, opened.previous) != (1, None):
        raise EvidenceError(f"{name}: its first record is not signed by the certificate that it names")
    manifest.records.append(opened)
    manifest.intact_records, manifest.intact_bytes = 1, len(line)
    manifest.position = Link(1, line_hash(line))
    return manifest


def _follow(manifest: ReadManifest, lines: Iterable[bytes]) -> None:
    """Read the lines after the first. After a problem the chain is taken up again where its numbers fit."""
    after, head_is_known = manifest.position, True
    for number, line in enumerate(lines, 2):
        problem, record = _read_line(line, manifest.key, after, head_is_known=head_is_known)
        if problem is not None:
            kind, reason = problem
            manifest.problems.append(Problem(number, kind, reason, len(manifest.records) - 1))
        if record is None:
            after, head_is_known = Link(after.count + 1, None), False
            continue
        manifest.records.append(record)
        after, head_is_known = Link(record.number, line_hash(line)), True
        if not manifest.problems:
            manifest.position = after
            manifest.intact_records += 1
            manifest.intact_bytes += len(line)


def _read_line(
    line: bytes, key: EllipticCurvePublicKey, after: Link, *, head_is_known: bool
) -> tuple[tuple[ProblemKind, str] | None, ManifestRecord | None]:
    """What is wrong with a line, and its record if that is signed."""
    try:
        record = _record(line, key)
    except (DamagedLine, msgspec.DecodeError) as error:
        kind: ProblemKind = "record-cut" if isinstance(error, CutLine) else "record-damaged"
        return (kind, f"record {after.count + 1} {error}"), None
    if record is None:
        return ("record-foreign", f"record {after.count + 1} is not signed by the camera, or was changed"), None
    return _misplaced(record, after, head_is_known=head_is_known), record


def _misplaced(record: ManifestRecord, after: Link, *, head_is_known: bool) -> tuple[ProblemKind, str] | None:
    expected = after.count + 1
    if record.number > expected:
        which = (
            f"record {expected} is"
            if record.number == expected + 1
            else f"records {expected} to {record.number - 1} are"
        )
        return "records-missing", f"{which} missing"
    if record.number < expected:
        return "record-out-of-order", f"record {record.number} stands where record {expected} belongs"
    if head_is_known and record.previous != after.head:
        return (
            "record-foreign",
            f"record {record.number} belongs to another manifest: it does not follow the one before",
        )
    return None


def _record(line: bytes, key: EllipticCurvePublicKey) -> ManifestRecord | None:
    """The record in a line; None when `key` has not signed it. Raises DamagedLine or DecodeError."""
    parsed = parse_line(line)
    if not is_signed(parsed.record, parsed.signature, key):
        return None
    record: ManifestRecord = _decoder.decode(parsed.record)
    return record


def last_ending(path: Path) -> Close | Recovered | None:
    """The record that ends the clip, if the file's last line is one. Its signature is not checked. Raises OSError."""
    with reading(path) as file:
        size_bytes = file.seek(0, os.SEEK_END)
        file.seek(max(0, size_bytes - LINE_MAX_BYTES))
        *_, last = file.read().splitlines(keepends=True) or [b""]
    return ending_in(last)


def ending_in(line: bytes) -> Close | Recovered | None:
    """The record that ends a clip, if the line holds one. Its signature is not checked."""
    try:
        record = _decoder.decode(parse_line(line).record)
    except (DamagedLine, msgspec.DecodeError):
        return None
    return record if isinstance(record, Close | Recovered) else None

"""Reads an audit log: its entries, and where the chain shows that entries were removed or changed."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from lapel.audit_entry import AuditEntry
from lapel.errors import EvidenceError
from lapel.evidence.audit_log import AUDIT_FOLDER, log_files
from lapel.evidence.chain import CutLine, DamagedLine, Line, Link, lines_in, parse_line
from lapel.evidence.records import AuditOpen, AuditRecord, LogRecord
from lapel.evidence.signing import is_signed, public_key
from lapel.evidence.trust import Trust
from lapel.files import reading

_MORE = ", and more"
_decoder = msgspec.json.Decoder(LogRecord)


@dataclass(frozen=True, slots=True)
class LogProblem:
    """A place where a log is not as its camera wrote it."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry, and whether entries before it are known to be missing or changed."""

    entry: AuditEntry
    follows_problem: str = ""
    """What is wrong between the entry before and this one; empty when this one follows it."""


@dataclass(slots=True)
class ReadLog:
    """What a log holds."""

    camera: str = ""
    entries: list[Logged] = field(default_factory=list)
    problems: list[LogProblem] = field(default_factory=list)
    untrusted: str = ""
    """Why the key of a session is not trusted; empty when each is, or no authority was given."""
    position: Link = field(default_factory=Link)
    """Number and hash of the last record."""
    hashes: dict[int, str] = field(default_factory=dict)
    """Hash of each record, by its number."""


def read_log(evidence: Path, trust: Trust) -> ReadLog:
    """The audit log in an evidence folder. Raises EvidenceError when there is none, or the disk does not give it."""
    files = log_files(evidence)
    if not files:
        raise EvidenceError(f"{evidence}: there is no audit log ({AUDIT_FOLDER}); name a camera's evidence folder")
    reader = _Reader(trust)
    for path in files:
        for number, line in enumerate(_lines(path), 1):
            reader.take(str(path), number, line, may_be_cut=path == files[-1])
    return reader.log


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with reading(path) as file:
            yield from lines_in(file)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from error


class _Reader:
    def __init__(self, trust: Trust) -> None:
        self.log = ReadLog()
        self._trust = trust
        self._key: EllipticCurvePublicKey | None = None
        self._problem = ""
        self._head_is_known = True

    def take(self, file: str, number: int, text: bytes, *, may_be_cut: bool) -> None:
        """Read the next line. `may_be_cut`: of the newest file, whose end its camera may be writing, or has not cut off
        yet since it lost its power.
        """
        try:
            line = parse_line(text)
            record = _decoder.decode(line.record)
        except (DamagedLine, msgspec.DecodeError) as error:
            if may_be_cut and isinstance(error, CutLine):
                return
            self._note(file, number, f"record {self.log.position.count + 1} {error}")
            self._skip()
            return
        before = self._key
        if isinstance(record, AuditOpen):
            self._begin_session(record)
        if self._key is None or not is_signed(line.record, line.signature, self._key):
            self._note(file, number, f"record {record.number} is not signed by the camera, or was changed")
            self._skip()
            return
        if before is not None and before != self._key:
            self._note(file, number, f"from record {record.number} on it is signed by another key")
        for reason in self._misplaced(record.number, record.previous):
            self._note(file, number, reason)
        self._accept(record, line)

    def _begin_session(self, record: AuditOpen) -> None:
        try:
            certificates = [base64.b64decode(one, validate=True) for one in record.certificates]
            self._key = public_key(certificates[0])
        except (EvidenceError, ValueError, IndexError):
            self._key = None  # then nothing that follows is signed
            return
        self.log.camera = record.camera
        if self._trust.authorities and not self.log.untrusted:
            self.log.untrusted = self._trust.refusal(certificates, self._last_utc()) or ""

    def _last_utc(self) -> datetime:
        """When the session began, roughly: certificates that cameras make have no end."""
        entries = self.log.entries
        return datetime.fromisoformat(entries[-1].entry.utc if entries else "2026-06-01T00:00:00Z")

    def _misplaced(self, number: int, previous: str | None) -> Iterator[str]:
        expected = self.log.position.count + 1
        if number > expected:
            yield (
                f"records {expected} to {number - 1} are missing"
                if number > expected + 1
                else f"record {expected} is missing"
            )
        elif number < expected:
            yield f"record {number} stands where record {expected} belongs"
        elif self._head_is_known and previous != self.log.position.head:
            yield f"record {number} does not follow the one before: it belongs to another log"

    def _accept(self, record: LogRecord, line: Line) -> None:
        self.log.position, self._head_is_known = Link(record.number, line.sha256), True
        self.log.hashes[record.number] = line.sha256
        if isinstance(record, AuditRecord):
            self.log.entries.append(Logged(record.entry, self._problem))
            self._problem = ""

    def _skip(self) -> None:
        self.log.position, self._head_is_known = Link(self.log.position.count + 1, None), False

    def _note(self, file: str, line: int, reason: str) -> None:
        self.log.problems.append(LogProblem(file, line, reason))
        self._problem = f"{self._problem.removesuffix(_MORE)}{_MORE}" if self._problem else reason

"""The audit log of a camera: a chain of signed entries in the evidence folder.

root/.audit/audit-000001.jsonl    only appended to; at `ROTATE_BYTES` the next file goes on with the same chain
"""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.clock import iso
from lapel.errors import StorageError
from lapel.evidence.append_file import AppendFile, Sync
from lapel.evidence.chain import ChainWriter, DamagedLine, Link, parse_line
from lapel.evidence.disk import storage_errors
from lapel.evidence.manifest import Sealing, encoded
from lapel.evidence.records import AUDIT_FORMAT, AuditOpen, AuditRecord, AuditTail, LogRecord
from lapel.evidence.tail import cut_tail
from lapel.files import PRIVATE_FOLDER, reading, sync_folder

AUDIT_FOLDER = ".audit"
ROTATE_BYTES = 8 * 1024 * 1024
"""Some 14,000 entries: a week of a busy camera."""
_decoder = msgspec.json.Decoder(LogRecord)


class AuditLog:
    """Writes the log. Every method blocks and raises StorageError. May be called from several threads: the audit trail
    and a deletion write to the same chain.
    """

    def __init__(self, root: Path, sync: Sync = os.fdatasync, rotate_bytes: int = ROTATE_BYTES) -> None:
        """Touches nothing until it is first used."""
        self._folder = root / AUDIT_FOLDER
        self._sync, self._rotate_bytes = sync, rotate_bytes
        self._file: AppendFile | None = None
        self._chain: ChainWriter | None = None
        self._busy = threading.RLock()

    def append(self, entries: Sequence[AuditEntry], sealing: Sealing) -> AuditPosition:
        """Append entries: all, or none."""
        with self._busy:
            try:
                with storage_errors(self._folder):
                    chain = self._opened(sealing)
                    chain.add(*(AuditRecord(entry=entry) for entry in entries))
            except StorageError:
                self.close()  # it is read anew the next time: the disk, or the card, may be another one
                raise
            return AuditPosition(chain.position.count, chain.position.head or "")

    def close(self) -> None:
        """Close the file. Harmless when closed."""
        with self._busy:
            if self._file is not None:
                self._file.close()
            self._file = self._chain = None

    def _opened(self, sealing: Sealing) -> ChainWriter:
        if self._file is not None and not self._file.is_in_place():
            self.close()  # another card, or the folder was removed
        if self._chain is None:
            self._chain = self._open_newest(sealing)
        elif self._file is not None and self._file.size_bytes >= self._rotate_bytes:
            self._begin_file(_number(self._file.path) + 1)
            self._chain.add(opened(sealing))
        return self._chain

    def _open_newest(self, sealing: Sealing) -> ChainWriter:
        if not self._folder.is_dir():
            self._folder.mkdir(PRIVATE_FOLDER)
            sync_folder(self._folder.parent)
        files = log_files(self._folder.parent)
        position, intact_bytes = Link(), 0
        for path in reversed(files):
            position, intact_bytes = _end_of(path)
            if position.count:
                break
        chain = ChainWriter(sealing.signer, self._write, position)
        if not files:
            self._begin_file(1)
            chain.add(opened(sealing))
            return chain
        tail = cut_tail(files[-1], intact_bytes if position.count and path == files[-1] else 0)
        self._file = AppendFile(files[-1], self._sync)
        chain.add(opened(sealing), *([AuditTail(tail=tail, utc=iso(sealing.now().utc))] if tail else []))
        return chain

    def _begin_file(self, number: int) -> None:
        if self._file is not None:
            self._file.close()
        self._file = AppendFile(self._folder / f"audit-{number:06}.jsonl", self._sync, is_new=True)
        sync_folder(self._folder)

    def _write(self, lines: bytes) -> None:
        if self._file is not None:
            self._file.append(lines)


def opened(sealing: Sealing) -> AuditOpen:
    """The record with which a session goes on in the log."""
    return AuditOpen(format=AUDIT_FORMAT, camera=sealing.camera, certificates=encoded(sealing.signer.certificates))


def log_files(root: Path) -> list[Path]:
    """The files of the audit log in an evidence folder, oldest first."""
    return sorted((root / AUDIT_FOLDER).glob("audit-*.jsonl"))


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _end_of(path: Path) -> tuple[Link, int]:
    """Where the chain stands after the last complete line of a file, and how many bytes lead there."""
    position, intact_bytes, size_bytes = Link(), 0, 0
    with reading(path) as file:
        for line in file:
            size_bytes += len(line)
            try:
                parsed = parse_line(line)
                record = _decoder.decode(parsed.record)
            except (DamagedLine, msgspec.DecodeError):
                continue
            position, intact_bytes = Link(record.number, parsed.sha256), size_bytes
    return position, intact_bytes

"""A storage card in memory: recordings of cameras whose clips are not needed as files. Implements `Storage`."""

import errno
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from lapel import mp4_boxes as boxes
from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.errors import StorageError
from lapel.evidence.chain import ChainWriter
from lapel.evidence.disk import storage_error
from lapel.evidence.manifest import Sealing
from lapel.evidence.records import AuditRecord
from lapel.evidence.recovery import interrupted
from lapel.fragment import ClipFragment
from lapel.recording import Account

CARD = "simulated card"
"""Stands in error messages where a real storage card has its folder."""
CARD_BYTES = 64_000_000_000
"""64 GB, the smaller of the usual sizes in body-worn cameras."""


class MemoryStorage:
    """Recordings in memory. Like a storage card it outlives the camera session that wrote to it."""

    def __init__(self, *, keeps_finished: bool = True, sealing: Sealing | None = None) -> None:
        """Without `keeps_finished` only the size of a finished clip's video is kept: a fleet makes thousands of clips,
        and their videos are never read. `sealing` signs manifests and the audit log; without it there are none.
        """
        self._accounts: dict[str, Account] = {}
        self._videos: dict[str, bytearray] = {}
        self._finished_bytes: int | None = None if keeps_finished else 0
        self._sealing = sealing
        self.audit_lines: list[bytes] = []
        self._audit = ChainWriter(sealing.signer, self.audit_lines.append) if sealing else None

    def check(self) -> None:
        """See `Storage.check`. Never fails."""

    def free_bytes(self) -> int:
        """What is left of 64 GB."""
        return CARD_BYTES - sum(map(len, self._videos.values())) - (self._finished_bytes or 0)

    def create(self, account: Account) -> "MemoryFiles":
        """See `Storage.create`. Raises StorageError when the recording's id exists."""
        if account.recording in self._accounts:
            raise storage_error(f"{CARD}: {account.recording}", OSError(errno.EEXIST, "exists"))
        files = MemoryFiles(account.recording, self._accounts, self._videos, self._finish)
        files.describe(account)
        return files

    def log(self, entries: Sequence[AuditEntry]) -> AuditPosition:
        """See `Storage.log`."""
        if self._audit is None:
            return AuditPosition(0, "")
        self._audit.add(*(AuditRecord(entry=entry) for entry in entries))
        return AuditPosition(self._audit.position.count, self._audit.position.head or "")

    def recover(self) -> list[Account]:
        """See `Storage.recover`."""
        unfinished = [account for account in self._accounts.values() if account.status == "recording"]
        found = [interrupted(one, boxes.extent(io.BytesIO(self._video(one.recording)))) for one in unfinished]
        self._accounts.update({account.recording: account for account in found})
        return found

    def listing(self) -> list[Account]:
        """The accounts of all clips, in the order in which they began."""
        return list(self._accounts.values())

    def close(self) -> None:
        """See `StorageCard.close`. There is nothing to release."""

    def video(self, recording: str) -> bytes:
        """The video of a clip. Raises StorageError when there is none."""
        if recording not in self._videos:
            raise StorageError(f"{CARD}: there is no video of {recording}")
        return self._video(recording)

    def file(self, recording: str) -> Path:
        """See `StorageCard.file`. Always raises StorageError: there are no files."""
        raise StorageError(f"{CARD}: {recording} is in memory only; cameras that film a clip keep files")

    def _video(self, recording: str) -> bytes:
        return bytes(self._videos.get(recording, b""))

    def _finish(self, recording: str) -> None:
        if self._finished_bytes is not None and self._accounts[recording].status != "recording":
            self._finished_bytes += len(self._videos.pop(recording, b""))


class MemoryFiles:
    """One clip in memory. Implements `RecordingFiles`."""

    def __init__(
        self,
        recording: str,
        accounts: dict[str, Account],
        videos: dict[str, bytearray],
        finish: Callable[[str], None],
    ) -> None:
        self._recording = recording
        self._accounts = accounts
        self._videos = videos
        self._finish = finish
        self._closed = False

    def append(self, fragments: Sequence[ClipFragment]) -> None:
        """See `RecordingFiles.append`. Raises StorageError once closed."""
        if self._closed:
            raise StorageError(f"{CARD}: {self._recording} is closed, nothing can be appended")
        self._videos.setdefault(self._recording, bytearray()).extend(
            b"".join(chunk for fragment in fragments for chunk in fragment.chunks)
        )

    def describe(self, account: Account) -> None:
        """See `RecordingFiles.describe`."""
        self._accounts[self._recording] = msgspec.structs.replace(account)

    def close(self) -> None:
        """See `RecordingFiles.close`."""
        if not self._closed:
            self._closed = True
            self._finish(self._recording)

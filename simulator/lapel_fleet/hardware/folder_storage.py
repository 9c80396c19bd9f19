"""A storage card in a folder: real files, for cameras that film a clip. Implements `Storage`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.evidence.store import EvidenceStore
from lapel.fragment import ClipFragment
from lapel.hardware.interfaces import RecordingFiles
from lapel.recording import Account
from lapel_fleet.checkers.records import ManifestSummary
from lapel_fleet.hardware.memory_storage import CARD_BYTES


class FolderStorage:
    """Files on a disk that many cameras share. Counts its own bytes, so that each camera has a card of 64 GB."""

    def __init__(self, store: EvidenceStore) -> None:
        """`store` is empty."""
        self._store = store
        self._used_bytes = 0

    def check(self) -> None:
        """See `Storage.check`."""
        self._store.check()

    def free_bytes(self) -> int:
        """What is left of 64 GB."""
        return CARD_BYTES - self._used_bytes

    def create(self, account: Account) -> RecordingFiles:
        """See `Storage.create`."""
        return _CountedFiles(self._store.create(account), self._count)

    def log(self, entries: Sequence[AuditEntry]) -> AuditPosition:
        """See `Storage.log`."""
        return self._store.log(entries)

    def recover(self) -> list[Account]:
        """See `Storage.recover`."""
        return self._store.recover()

    def listing(self) -> list[Account]:
        """The accounts of all clips."""
        return self._store.listing()

    def file(self, recording: str) -> Path:
        """The file with a clip's video. Raises StorageError when there is none."""
        return self._store.video(recording)

    @property
    def audit(self) -> None:
        """See `StorageCard.audit`. It is in a file."""

    def manifests(self) -> list[ManifestSummary]:
        """See `StorageCard.manifests`. They are in files, which `lapel-evidence` verifies."""
        return []

    def why(self, at: datetime) -> str:
        """See `StorageCard.why`."""
        return self._store.why(at)

    def close(self) -> None:
        """See `StorageCard.close`."""
        self._store.close()

    def _count(self, size_bytes: int) -> None:
        self._used_bytes += size_bytes


class _CountedFiles:
    """Implements `RecordingFiles`; counts the bytes that are appended."""

    def __init__(self, inner: RecordingFiles, count: Callable[[int], None]) -> None:
        self._inner, self._count = inner, count

    def append(self, fragments: Sequence[ClipFragment]) -> None:
        self._inner.append(fragments)
        self._count(sum(one.size_bytes for one in fragments))

    def describe(self, account: Account) -> None:
        self._inner.describe(account)

    def close(self) -> None:
        self._inner.close()

"""A storage card in a folder: real files, for cameras that film a clip. Implements `Storage`."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.errors import EvidenceError
from lapel.evidence.deletion import RecordingDeleter
from lapel.evidence.disk import SEALED
from lapel.evidence.manifest import Sealing
from lapel.evidence.outgoing import OutgoingFolder
from lapel.evidence.receipt import Closed, PublicKey
from lapel.evidence.receipt_files import closed_recording
from lapel.evidence.retention import RetentionRules
from lapel.evidence.store import EvidenceStore
from lapel.fragment import ClipFragment
from lapel.hardware.interfaces import RecordingFiles
from lapel.recording import Account, ExpiredRecording
from lapel_fleet.checkers.records import ClipContent, Deletion, ManifestSummary
from lapel_fleet.hardware.memory_storage import CARD_BYTES


class FolderStorage:
    """Files on a disk that many cameras share. Counts its own bytes, so that each camera has a card of 64 GB."""

    def __init__(self, store: EvidenceStore, sealing: Callable[[], Sealing]) -> None:
        """`store` is empty. `sealing`: what its clips are signed with."""
        self._store, self._sealing = store, sealing
        self._used_bytes = 0
        self._deleted: dict[str, ClipContent] = {}
        self.deletions: list[Deletion] = []
        """See `StorageCard.deletions`."""

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

    def contents(self) -> dict[str, ClipContent]:
        """See `StorageCard.contents`. The MD5 is not known: the videos are in files, which are not read again."""
        return {**self._deleted, **dict(self._contents())}

    def outgoing(self, back_ends: Sequence[PublicKey], rules: RetentionRules) -> "FolderOutgoing":
        """See `StorageCard.outgoing`."""
        return FolderOutgoing(self._store, back_ends, rules, self._sealing, self._on_deletion)

    def close(self) -> None:
        """See `StorageCard.close`."""
        self._store.close()

    def _contents(self) -> Iterator[tuple[str, ClipContent]]:
        for account in self._store.listing():
            folder = self._store.root / account.recording
            with contextlib.suppress(EvidenceError):  # it has not ended
                closed = closed_recording(folder)
                yield (
                    account.recording,
                    ClipContent(closed.bytes, closed.close, is_encrypted=(folder / SEALED).exists()),
                )

    def _on_deletion(self, closed: Closed) -> None:
        self._deleted[closed.recording] = ClipContent(closed.bytes, closed.close)
        self.deletions.append(Deletion(self._sealing().now().mono_s, closed.recording, closed.close))
        self._count(-closed.bytes)

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


class FolderOutgoing(OutgoingFolder):
    """What leaves the folder, and what may be deleted from it. Implements `lapel_fleet.hardware.storage.Outgoing`."""

    def __init__(
        self,
        store: EvidenceStore,
        back_ends: Sequence[PublicKey],
        rules: RetentionRules,
        sealing: Callable[[], Sealing],
        on_deletion: Callable[[Closed], None],
    ) -> None:
        """`on_deletion` receives what was deleted."""
        super().__init__(store, back_ends, sealing)
        self._root, self._deleter, self._on_deletion = (
            store.root,
            RecordingDeleter(store, rules, back_ends),
            on_deletion,
        )

    def expired(self, now: datetime) -> list[ExpiredRecording]:
        """See `Retention.expired`."""
        return self._deleter.expired(now)

    def delete(self, recording: str, now: datetime, entry: AuditEntry) -> None:
        """See `Retention.delete`."""
        closed = closed_recording(self._root / recording)
        self._deleter.delete(recording, now, entry)
        self._on_deletion(closed)

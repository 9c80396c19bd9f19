"""A storage card with faults: it fills up, fails, slows down or turns read-only at the outside world's command."""

import contextlib
import errno
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import msgspec

from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.clock import Clock
from lapel.errors import StorageError
from lapel.evidence.disk import storage_error
from lapel.evidence.receipt import PublicKey
from lapel.evidence.retention import RetentionRules
from lapel.fragment import ClipFragment
from lapel.hardware.interfaces import RecordingFiles, Retention, Storage
from lapel.outgoing import OutgoingRecordings
from lapel.recording import Account
from lapel.worker import Worker
from lapel_fleet.checkers.records import ClipContent, Deletion, ManifestSummary
from lapel_fleet.hardware.memory_storage import CARD, MemoryStorage

T = TypeVar("T")
OperationKind = Literal["check", "create", "append", "describe", "recover"]


class Outgoing(OutgoingRecordings, Retention, Protocol):
    """What leaves a card, and what may be deleted from it."""


class StorageCard(Storage, Protocol):
    """A storage card without faults. Implemented by `MemoryStorage` and `FolderStorage`."""

    def listing(self) -> list[Account]:
        """The accounts of all clips on it."""

    def file(self, recording: str) -> Path:
        """The file with a clip's video. Raises StorageError where there is none."""

    @property
    def audit(self) -> Sequence[AuditEntry] | None:
        """The entries of its audit log; None where they are not kept."""

    def manifests(self) -> list[ManifestSummary]:
        """What the manifests hold that were verified."""

    def why(self, at: datetime) -> str:
        """Why there is a recording of a moment, or why there is none. Raises EvidenceError without an audit log."""

    def contents(self) -> dict[str, ClipContent]:
        """What the clips that have ended hold, deleted ones too; empty where that is not known."""

    @property
    def deletions(self) -> Sequence[Deletion]:
        """The clips that were deleted."""

    def outgoing(self, back_ends: Sequence[PublicKey], rules: RetentionRules) -> Outgoing:
        """What leaves it, and what may be deleted. `back_ends`: the keys whose receipts count."""

    def close(self) -> None:
        """Release it, so that others can use it. Harmless when closed."""


class StorageOperation(msgspec.Struct, frozen=True):
    """One operation that the camera requested of its storage card, and its result."""

    what: OperationKind
    recording: str = ""
    size_bytes: int = 0
    error: str | None = None


class SimulatedStorage:
    """Implements `Storage` by another one, with faults.

    The outside world calls `fill`, `make_room`, `fail_writes`, `mend`, `read_only`, `slow`, `swap`. Being slow takes no
    time here; `StorageWorker` waits.
    """

    def __init__(self, inner: Storage | None = None, *, keeps_history: bool = True) -> None:
        """Without `keeps_history` the history stays empty: a day's is long, and a fleet has thousands of cards."""
        self.history: list[StorageOperation] = []
        """What the camera requested, in order."""
        self._keeps_history = keeps_history
        self._inner = inner or MemoryStorage()
        self._room_bytes: int | None = None
        self._error: OSError | None = None
        self._bytes_per_s: float | None = None
        self._delay_s = 0.0
        self._delay_lock = threading.Lock()

    # -- the outside world ---------------------------------------------------------------------------------------------

    def fill(self, room_bytes: int = 0) -> None:
        """Leave room for this many bytes of video. The write that needs more fails, and none of it is kept.

        As on a real card each clip holds a reserve: a full card still takes a clip's last account.
        """
        self._room_bytes = room_bytes

    def make_room(self) -> None:
        """Undo `fill`."""
        self._room_bytes = None

    def fail_writes(self, error: OSError) -> None:
        """Fail every write with this error, as in `fail_writes(OSError(errno.EIO, "failed"))`."""
        self._error = error

    def read_only(self) -> None:
        """Refuse every write, as a card with its lock switch set does."""
        self.fail_writes(OSError(errno.EROFS, "read-only"))

    def mend(self) -> None:
        """Undo `fail_writes` and `read_only`."""
        self._error = None

    def swap(self, inner: Storage) -> None:
        """Insert another card, which has no faults."""
        self._inner, self._room_bytes, self._error, self._bytes_per_s = inner, None, None, None

    def slow(self, bytes_per_s: float | None) -> None:
        """Write video no faster than this; None for no limit."""
        self._bytes_per_s = bytes_per_s

    def take_delay_s(self) -> float:
        """Seconds that the writes since the last call would have taken on a card this slow."""
        with self._delay_lock:
            delay_s, self._delay_s = self._delay_s, 0.0
        return delay_s

    # -- the camera ----------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """See `Storage.check`."""
        with self._in_history("check"):
            self._refuse_if_faulty()
            self._inner.check()

    def free_bytes(self) -> int:
        """See `Storage.free_bytes`."""
        return self._inner.free_bytes() if self._room_bytes is None else self._room_bytes

    def create(self, account: Account) -> "SimulatedFiles":
        """See `Storage.create`."""
        with self._in_history("create", account.recording):
            self._refuse_if_faulty()
            return SimulatedFiles(self, account.recording, self._inner.create(account))

    def log(self, entries: Sequence[AuditEntry]) -> AuditPosition:
        """See `Storage.log`. Not in the history: a camera logs all the time."""
        self._refuse_if_faulty(is_last_account=True)
        return self._inner.log(entries)

    def recover(self) -> list[Account]:
        """See `Storage.recover`."""
        with self._in_history("recover"):
            self._refuse_if_faulty()
            return self._inner.recover()

    def require_writable(self) -> None:
        """Raise StorageError where the card fails writes; a full one still takes a receipt."""
        self._refuse_if_faulty(is_last_account=True)

    def _append(self, files: RecordingFiles, fragments: Sequence[ClipFragment], size_bytes: int) -> None:
        self._refuse_if_faulty()
        if self._bytes_per_s is not None:
            with self._delay_lock:
                self._delay_s += size_bytes / self._bytes_per_s
        room_bytes = self._room_bytes
        if room_bytes is not None and size_bytes > room_bytes:
            self._room_bytes = 0
        self._refuse_if_faulty()
        files.append(fragments)
        if room_bytes is not None:
            self._room_bytes = room_bytes - size_bytes

    def _describe(self, files: RecordingFiles, account: Account) -> None:
        self._refuse_if_faulty(is_last_account=account.status != "recording")
        files.describe(account)

    def _refuse_if_faulty(self, *, is_last_account: bool = False) -> None:
        if self._error is not None:
            raise storage_error(CARD, self._error)
        if self._room_bytes == 0 and not is_last_account:
            raise storage_error(CARD, OSError(errno.ENOSPC, "full"))

    @contextlib.contextmanager
    def _in_history(self, what: OperationKind, recording: str = "", size_bytes: int = 0) -> Iterator[None]:
        """Append the operation in the block to the history, with its error."""
        error: str | None = None
        try:
            yield
        except StorageError as refusal:
            error = str(refusal)
            raise
        finally:
            if self._keeps_history:
                self.history.append(StorageOperation(what, recording, size_bytes, error))


class SimulatedFiles:
    """One clip's files on a card with faults. Implements `RecordingFiles`. After a failed write the video is closed, as
    on a real card.
    """

    def __init__(self, card: SimulatedStorage, recording: str, inner: RecordingFiles) -> None:
        self._card = card
        self._recording = recording
        self._inner = inner
        self._has_failed = False

    def append(self, fragments: Sequence[ClipFragment]) -> None:
        """See `RecordingFiles.append`. Raises StorageError when the card does not take all of it."""
        size_bytes = sum(one.size_bytes for one in fragments)
        with self._card._in_history("append", self._recording, size_bytes):
            if self._has_failed:
                raise StorageError(f"{CARD}: {self._recording} accepts no more video: a write failed")
            self._has_failed = True  # until the write has succeeded
            self._card._append(self._inner, fragments, size_bytes)
            self._has_failed = False

    def describe(self, account: Account) -> None:
        """See `RecordingFiles.describe`."""
        with self._card._in_history("describe", self._recording):
            self._card._describe(self._inner, account)

    def close(self) -> None:
        """See `RecordingFiles.close`."""
        self._inner.close()


class StorageWorker:
    """A worker whose jobs take as long, on the injected clock, as a slow card would make them take.

    Blocks no thread, so it serves virtual time as well as live time.
    """

    def __init__(self, worker: Worker, clock: Clock, card: SimulatedStorage) -> None:
        self._worker = worker
        self._clock = clock
        self._card = card

    async def run(self, job: Callable[[], T]) -> T:
        """What `job()` returns or raises, once the card has had its time."""
        try:
            return await self._worker.run(job)
        finally:
            delay_s = self._card.take_delay_s()
            if delay_s:
                await self._clock.sleep(delay_s)

"""A card that fills up, fails, slows down or turns read-only when told to. Over a real folder, or in memory."""

import contextlib
import errno
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from lapel import boxes
from lapel.clock import Clock
from lapel.errors import StorageError
from lapel.evidence.disk import storage_error
from lapel.evidence.recovery import interrupted
from lapel.evidence.store import EvidenceStore
from lapel.hardware.interfaces import RecordingFiles, Storage
from lapel.recording import Account
from lapel.worker import Worker

T = TypeVar("T")

CARD = "simulated card"
"""What its errors name where a real one would name a folder."""

CARD_BYTES = 64_000_000_000
"""64 GB, the smaller of the usual sizes in body-worn cameras."""


# -- in memory -------------------------------------------------------------------------------------------------------


class MemoryStorage:
    """Recordings kept in memory. Like a card it outlives the camera session that wrote to it."""

    def __init__(self, *, keeps_finished: bool = True) -> None:
        """Without `keeps_finished` only the size of a finished clip's video is kept: a fleet makes thousands of them,
        and nobody looks into one.
        """
        self._accounts: dict[str, Account] = {}
        self._videos: dict[str, bytearray] = {}
        self._finished_bytes: int | None = None if keeps_finished else 0

    def check(self) -> None:
        """There is always room."""

    def free_bytes(self) -> int:
        """What is left of 64 GB."""
        return CARD_BYTES - sum(map(len, self._videos.values())) - (self._finished_bytes or 0)

    def create(self, account: Account) -> "MemoryFiles":
        """A new clip. Raises StorageError when its id is taken."""
        if account.recording in self._accounts:
            raise storage_error(f"{CARD}: {account.recording}", OSError(errno.EEXIST, "exists"))
        files = MemoryFiles(account.recording, self._accounts, self._videos, self._finish)
        files.describe(account)
        return files

    def recover(self) -> list[Account]:
        """Mark what an earlier session left unfinished as *interrupted*."""
        unfinished = [account for account in self._accounts.values() if account.status == "recording"]
        found = [interrupted(one, boxes.extent(io.BytesIO(self._video(one.recording)))) for one in unfinished]
        self._accounts.update({account.recording: account for account in found})
        return found

    def listing(self) -> list[Account]:
        """The accounts of all clips, in the order they were begun."""
        return list(self._accounts.values())

    def close(self) -> None:
        """Nothing to close."""

    def video(self, recording: str) -> bytes:
        """The video of a clip. Raises StorageError when there is none."""
        if recording not in self._videos:
            raise StorageError(f"{CARD}: there is no video of {recording}")
        return self._video(recording)

    def file(self, recording: str) -> Path:
        """Raises StorageError: there is none."""
        raise StorageError(f"{CARD}: {recording} is in memory only; cameras that film a clip keep files")

    def _video(self, recording: str) -> bytes:
        return bytes(self._videos.get(recording, b""))

    def _finish(self, recording: str) -> None:
        if self._finished_bytes is not None and self._accounts[recording].status != "recording":
            self._finished_bytes += len(self._videos.pop(recording, b""))


class MemoryFiles:
    """One clip in memory."""

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

    def append(self, chunks: Sequence[bytes | bytearray]) -> None:
        """Add to the video. Raises StorageError once closed."""
        if self._closed:
            raise StorageError(f"{CARD}: {self._recording} takes no more, it was closed")
        self._videos.setdefault(self._recording, bytearray()).extend(b"".join(chunks))

    def describe(self, account: Account) -> None:
        """Replace the account."""
        self._accounts[self._recording] = msgspec.structs.replace(account)

    def close(self) -> None:
        """Take no more. Harmless when closed."""
        if not self._closed:
            self._closed = True
            self._finish(self._recording)


# -- in a folder -----------------------------------------------------------------------------------------------------


class FolderCard:
    """Real files on a disk that many cameras share: it counts what is its own, as a card would."""

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

    def recover(self) -> list[Account]:
        """See `Storage.recover`."""
        return self._store.recover()

    def listing(self) -> list[Account]:
        """The accounts of all clips."""
        return self._store.listing()

    def file(self, recording: str) -> Path:
        """The file with a clip's video. Raises StorageError when there is none."""
        return self._store.video(recording)

    def close(self) -> None:
        """Leave the folder to others."""
        self._store.close()

    def _count(self, size_bytes: int) -> None:
        self._used_bytes += size_bytes


class _CountedFiles:
    def __init__(self, inside: RecordingFiles, count: Callable[[int], None]) -> None:
        self._inside, self._count = inside, count

    def append(self, chunks: Sequence[bytes | bytearray]) -> None:
        self._inside.append(chunks)
        self._count(sum(map(len, chunks)))

    def describe(self, account: Account) -> None:
        self._inside.describe(account)

    def close(self) -> None:
        self._inside.close()


# -- the card and what may happen to it ------------------------------------------------------------------------------


OperationKind = Literal["check", "create", "append", "describe", "recover"]


class StorageOperation(msgspec.Struct, frozen=True):
    """One thing that a card was asked to do, and what came of it."""

    what: OperationKind
    recording: str = ""
    size_bytes: int = 0
    error: str | None = None


class SimulatedStorage:
    """A `Storage` that does what the one inside does, until the outside world has its way with it.

    The outside world calls `fill`, `make_room`, `fail_writes`, `mend`, `read_only`, `slow`, `swap`; `history` tells
    what the camera asked for. Being slow costs no real time here: see `CardWorker`.
    """

    def __init__(self, inside: Storage | None = None, *, remembers: bool = True) -> None:
        """Unless it `remembers` there is no history: a day of it is long, and a fleet has thousands of cards."""
        self.history: list[StorageOperation] = []
        self._remembers = remembers
        self._inside = inside or MemoryStorage()
        self._room_bytes: int | None = None
        self._error: OSError | None = None
        self._bytes_per_s: float | None = None
        self._owed_s = 0.0
        self._counting = threading.Lock()

    # the outside world

    def fill(self, room_bytes: int = 0) -> None:
        """Leave room for this many bytes of video; the write that needs more fails, and nothing of it stays.

        As on a real card each clip holds a reserve: a full card still takes its last account.
        """
        self._room_bytes = room_bytes

    def make_room(self) -> None:
        """Undo `fill`."""
        self._room_bytes = None

    def fail_writes(self, error: OSError) -> None:
        """Refuse every write with this error, as in `fail_writes(OSError(errno.EIO, "failed"))`."""
        self._error = error

    def read_only(self) -> None:
        """Refuse every write as a card with its lock switch set does."""
        self.fail_writes(OSError(errno.EROFS, "read-only"))

    def mend(self) -> None:
        """Undo `fail_writes` and `read_only`."""
        self._error = None

    def swap(self, inside: Storage) -> None:
        """Another card is put in, with nothing wrong with it."""
        self._inside, self._room_bytes, self._error, self._bytes_per_s = inside, None, None, None

    def slow(self, bytes_per_s: float | None) -> None:
        """Write video no faster than this; None for as fast as it can."""
        self._bytes_per_s = bytes_per_s

    def take_owed_s(self) -> float:
        """Seconds that the writes since the last call would have taken on a card this slow."""
        with self._counting:
            owed_s, self._owed_s = self._owed_s, 0.0
        return owed_s

    # the camera

    def check(self) -> None:
        """Raise StorageError when a recording could not be begun now."""
        with self._noted("check"):
            self._refuse_if_broken()
            self._inside.check()

    def free_bytes(self) -> int:
        """Room left for recordings."""
        return self._inside.free_bytes() if self._room_bytes is None else self._room_bytes

    def create(self, account: Account) -> "SimulatedFiles":
        """A new clip, with its first account."""
        with self._noted("create", account.recording):
            self._refuse_if_broken()
            return SimulatedFiles(self, account.recording, self._inside.create(account))

    def recover(self) -> list[Account]:
        """Mark what an earlier session left unfinished as *interrupted*."""
        with self._noted("recover"):
            self._refuse_if_broken()
            return self._inside.recover()

    def _append(self, files: RecordingFiles, data: bytes) -> None:
        self._refuse_if_broken()
        if self._bytes_per_s is not None:
            with self._counting:
                self._owed_s += len(data) / self._bytes_per_s
        room_bytes = self._room_bytes
        if room_bytes is not None and len(data) > room_bytes:
            self._room_bytes = 0
        self._refuse_if_broken()
        files.append([data])
        if room_bytes is not None:
            self._room_bytes = room_bytes - len(data)

    def _describe(self, files: RecordingFiles, account: Account) -> None:
        self._refuse_if_broken(is_last_account=account.status != "recording")
        files.describe(account)

    def _refuse_if_broken(self, *, is_last_account: bool = False) -> None:
        if self._error is not None:
            raise storage_error(CARD, self._error)
        if self._room_bytes == 0 and not is_last_account:
            raise storage_error(CARD, OSError(errno.ENOSPC, "full"))

    @contextlib.contextmanager
    def _noted(self, what: OperationKind, recording: str = "", size_bytes: int = 0) -> Iterator[None]:
        error: str | None = None
        try:
            yield
        except StorageError as refusal:
            error = str(refusal)
            raise
        finally:
            if self._remembers:
                self.history.append(StorageOperation(what, recording, size_bytes, error))


class SimulatedFiles:
    """One clip's files on a simulated card. After a failed write the video takes no more, as on a real one."""

    def __init__(self, card: SimulatedStorage, recording: str, inside: RecordingFiles) -> None:
        self._card = card
        self._recording = recording
        self._inside = inside
        self._broken = False

    def append(self, chunks: Sequence[bytes | bytearray]) -> None:
        """Write as much as the card takes; raise StorageError when that is not all."""
        data = b"".join(chunks)
        with self._card._noted("append", self._recording, len(data)):
            if self._broken:
                raise StorageError(f"{CARD}: {self._recording} takes no more, a write to it failed")
            self._broken = True  # until this call has done all it should
            self._card._append(self._inside, data)
            self._broken = False

    def describe(self, account: Account) -> None:
        """Replace the account."""
        with self._card._noted("describe", self._recording):
            self._card._describe(self._inside, account)

    def close(self) -> None:
        """Let go of the files. Harmless when closed."""
        self._inside.close()


class CardWorker:
    """A worker whose jobs last, on the injected clock, as long as a slow card would have made them last.

    Blocks nobody, so it serves virtual time as well as live.
    """

    def __init__(self, worker: Worker, clock: Clock, card: SimulatedStorage) -> None:
        self._worker = worker
        self._clock = clock
        self._card = card

    async def run(self, job: Callable[[], T]) -> T:
        """What `job()` returns or raises, once the card is through with it."""
        try:
            return await self._worker.run(job)
        finally:
            owed_s = self._card.take_owed_s()
            if owed_s:
                await self._clock.sleep(owed_s)

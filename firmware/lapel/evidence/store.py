"""The evidence folder: one folder per clip, written so that a power cut loses little.

    root/.lapel.lock                  held by the camera that records here
    root/<recording>/video.mp4        `video.mp4.part` until the first fragment is synced
    root/<recording>/recording.json   the clip's account; replaced atomically, never edited in place

    root/<recording>/.reserve         space for the last account on a full card, while the clip is written

Video is only ever appended to. The one exception: what a failed write left behind the last synced fragment is cut off,
since the account does not count it and players complain about it. Nothing in this package deletes video.
"""

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from lapel.errors import ClipLostError, StorageError
from lapel.evidence.disk import (
    PART,
    VIDEO,
    UnreadableAccount,
    hold_reserve,
    read_account,
    release_reserve,
    storage_errors,
    write_account,
)
from lapel.evidence.recovery import recovered
from lapel.files import PRIVATE, PRIVATE_FOLDER, is_regular_file, open_no_follow, reading, sync_folder, write
from lapel.mp4_boxes import NOTHING, Extent, extent
from lapel.own_files import DamageReports
from lapel.recording import Account

MIN_FREE_BYTES = 64 * 1024 * 1024
"""A minute at 8 Mb/s: below this no recording begins, so that there is room to finish what has begun."""

RESERVE_BYTES = 64 * 1024
"""Held by each clip while it is written, so that a full card still takes its last account: some 10 KB with gaps."""

_LOCK = ".lapel.lock"
_PROBE = ".lapel.probe"


class EvidenceStore:
    """A folder that holds recordings. Implements `hardware.interfaces.Storage`; every method blocks.

    Touches nothing until it is first used, so that a card which is missing at power-on may be put in later. The first
    `check`, `create` or `recover` takes the folder for this camera, until `close`: a second camera there would take
    the first one's live recording for an unfinished one. Reading (`listing`, `video`) needs no lock.
    """

    def __init__(
        self,
        root: Path,
        min_free_bytes: int = MIN_FREE_BYTES,
        *,
        sync: Callable[[int], None] = os.fdatasync,
        reserve_bytes: int = RESERVE_BYTES,
        damage: DamageReports | None = None,
    ) -> None:
        """`min_free_bytes`: room that must be left for a recording to begin. `damage` is where a damaged
        `recording.json` is reported.
        """
        self.root = root
        self._damage = damage or DamageReports()
        self._min_free_bytes = min_free_bytes
        self._sync, self._reserve_bytes = sync, reserve_bytes
        self._lock: int | None = None
        self._taking = threading.Lock()

    def check(self) -> None:
        """Raise StorageError when a recording could not begin now. It writes a file to find out."""
        self._take()
        self._probe()
        free, needed = self.free_bytes(), self._min_free_bytes
        if free < needed:
            raise StorageError(
                f"{self.root}: the disk is full ({free / 1e6:.1f} MB free, {needed / 1e6:.1f} MB needed to begin); "
                "offload recordings to make room"
            )

    def free_bytes(self) -> int:
        """Bytes that this user may still write."""
        with storage_errors(self.root):
            disk = os.statvfs(self.root)
        return disk.f_bavail * disk.f_frsize

    def create(self, account: Account) -> "ClipFiles":
        """A new folder named `account.recording`, synced, with its first `recording.json`."""
        self._take()
        folder = self._folder(account.recording)
        with storage_errors(folder):
            folder.mkdir(PRIVATE_FOLDER)
        try:
            write_account(folder, account)
            with storage_errors(self.root):
                sync_folder(self.root)
        except StorageError:
            with contextlib.suppress(OSError):
                folder.rmdir()  # succeeds only when nothing is inside
            raise
        return ClipFiles(folder, self._sync, reserve_bytes=self._reserve_bytes)

    def recover(self) -> list[Account]:
        """Mark what an earlier session left unfinished as *interrupted*, keep it, and return those clips."""
        self._take()
        return [account for folder in self._folders() if (account := recovered(folder, self._damage)) is not None]

    def listing(self) -> list[Account]:
        """The accounts of all clips, oldest trigger first; folders without a readable account are left out."""
        accounts = [account for folder in self._folders() if (account := _account_or_none(folder)) is not None]
        return sorted(accounts, key=lambda account: (account.trigger_time, account.start_time or "", account.recording))

    def video(self, recording: str) -> Path:
        """Path of a clip's video. Raises StorageError when there is no such clip or it has no frames."""
        folder = self._folder(recording)
        path = folder / VIDEO
        if folder.is_symlink() or not is_regular_file(path):
            raise StorageError(f"{path}: there is no such video; look for its id in the list of recordings")
        return path

    def close(self) -> None:
        """Release the folder for another camera. Harmless when closed."""
        with self._taking:
            self._release()

    def _folder(self, recording: str) -> Path:
        """The clip's folder. Ids also come from users: none may lead out of the root."""
        if not recording or recording.startswith(".") or "/" in recording or "\0" in recording:
            raise StorageError(f"{self.root}: {recording!r} is not the id of a recording")
        return self.root / recording

    def _folders(self) -> list[Path]:
        with storage_errors(self.root), os.scandir(self.root) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return [self.root / name for name in sorted(names) if not name.startswith(".")]

    def _probe(self) -> None:
        """Write, sync and remove a block: the root user passes every permission check, so only a real write shows."""
        path = self.root / _PROBE
        with storage_errors(self.root):
            try:
                with open_no_follow(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK) as descriptor:
                    write(descriptor, bytes(4096))
                    os.fsync(descriptor)
            finally:
                path.unlink(missing_ok=True)

    def _take(self) -> None:
        """Hold the lock file exclusively; lock it again when the card was changed."""
        path = self.root / _LOCK
        with self._taking, storage_errors(self.root):
            if self._lock is not None and _is_at(self._lock, path):
                return
            self._release()
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, PRIVATE)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._release()
                raise self._in_use() if error.errno == errno.EWOULDBLOCK else error from error

    def _in_use(self) -> StorageError:
        return StorageError(f"{self.root}: another camera records here; give each camera an evidence folder of its own")

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class ClipFiles:
    """The two files of one clip while it is written. Implements `hardware.interfaces.RecordingFiles`."""

    def __init__(self, folder: Path, sync: Callable[[int], None], *, reserve_bytes: int = 0) -> None:
        """`reserve_bytes` are held on the disk for the last account."""
        self._folder = folder
        self._sync = sync
        self._video: int | None = None
        self._synced_bytes = 0
        self._broken = False
        hold_reserve(folder, reserve_bytes)
        # A cancelled task leaves its write running in a worker's thread; `close` waits for it here.
        self._busy = threading.Lock()

    def append(self, chunks: Sequence[bytes | bytearray]) -> None:
        """Write and sync. After a failure nothing more is accepted, and a partly written chunk is cut off."""
        with self._busy:
            if self._broken:
                raise StorageError(f"{self._folder / VIDEO}: accepts no more video: closed, or a write failed")
            self._verify()
            self._broken = True  # until this call has succeeded
            try:
                if self._video is None:
                    self._begin(chunks)
                else:
                    with storage_errors(self._folder / VIDEO):
                        self._write_synced(self._video, chunks)
            except StorageError:
                self._cut_torn_tail()
                raise
            self._synced_bytes += sum(map(len, chunks))
            self._broken = False

    def describe(self, account: Account) -> None:
        """Replace `recording.json`, atomically and synced. On a full disk the last account uses the reserve.

        Raises ClipLostError for a *complete* account of a video that is not as it was written.
        """
        with self._busy:
            if account.status == "complete":
                self._verify()
            try:
                write_account(self._folder, account)
            except StorageError:
                if account.status == "recording" or not release_reserve(self._folder):
                    raise
                write_account(self._folder, account)

    def close(self) -> None:
        """Release the video and the reserve. Harmless when closed."""
        with self._busy:
            if self._video is not None:
                os.close(self._video)
            self._video, self._broken = None, True
            release_reserve(self._folder)

    def _verify(self) -> None:
        """Raise ClipLostError unless the video is still under its name, and as long as it was written."""
        if self._video is None:
            return
        path = self._folder / VIDEO
        with storage_errors(path):
            size_bytes = os.fstat(self._video).st_size
        if not _is_at(self._video, path):
            replaced = os.path.lexists(path)
            what = "was replaced by another file" if replaced else "was removed, or its folder was,"
            raise ClipLostError(f"{path}: {what} while it was being recorded; find out which program did it", NOTHING)
        if size_bytes != self._synced_bytes:
            raise ClipLostError(
                f"{path}: has {size_bytes} bytes where {self._synced_bytes} were written; another program changed it",
                _extent_of(path),
            )

    def _begin(self, chunks: Sequence[bytes | bytearray]) -> None:
        part = self._folder / PART
        with storage_errors(part):
            self._video = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE)
            self._write_synced(self._video, chunks)
            part.rename(self._folder / VIDEO)
            sync_folder(self._folder)

    def _cut_torn_tail(self) -> None:
        """Truncate the video to what the account describes. Where the disk rejects even this, the tail stays."""
        if self._video is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._video, self._synced_bytes)
                os.fsync(self._video)

    def _write_synced(self, video: int, chunks: Sequence[bytes | bytearray]) -> None:
        for chunk in chunks:
            write(video, chunk)
        self._sync(video)


def _account_or_none(folder: Path) -> Account | None:
    try:
        return read_account(folder)
    except (UnreadableAccount, OSError):
        return None


def _extent_of(path: Path) -> Extent:
    with storage_errors(path), reading(path) as file:
        return extent(file)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether `path` still names the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False

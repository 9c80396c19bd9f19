"""What is on disk: one folder per clip with `video.mp4` and `recording.json`, written so that a power cut costs little.

    root/.lapel.lock                  held by the camera that records here
    root/<recording>/video.mp4        has its name only once a whole fragment is synced; before that `video.mp4.part`
    root/<recording>/recording.json   the clip's account; replaced atomically, never edited in place

Video is only ever appended to. Nothing in this module shortens, alters or deletes it.
"""

import contextlib
import errno
import fcntl
import logging
import os
import stat
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import BinaryIO

import msgspec

from lapel import boxes
from lapel.clock import iso
from lapel.errors import StorageError
from lapel.fragment import TICKS_PER_S
from lapel.recording import Account, Cause

VIDEO = "video.mp4"
ACCOUNT = "recording.json"
_PART = "video.mp4.part"
_LOCK = ".lapel.lock"
_PROBE = ".lapel.probe"

MIN_FREE_BYTES = 64 * 1024 * 1024
"""A minute at 8 Mb/s: below this no recording begins, so that what has begun can still be finished."""

_UNKNOWN = "unknown"
_log = logging.getLogger(__name__)

_TROUBLE = {
    errno.ENOENT: "does not exist; create it or name another evidence folder",
    errno.ENOTDIR: "is not a folder; name a folder for evidence",
    errno.EROFS: "is on a read-only disk; remount it writable or name another evidence folder",
    errno.EACCES: "may not be written; give this user the right or name another evidence folder",
    errno.EPERM: "may not be written; give this user the right or name another evidence folder",
    errno.ENOSPC: "the disk is full; offload recordings to make room",
    errno.EDQUOT: "this user's share of the disk is full; offload recordings to make room",
    errno.EFBIG: "the file is as long as this disk or user may have it; record shorter clips",
    errno.EIO: "the disk failed; check it and replace the card before recording again",
    errno.ELOOP: "is a symbolic link; evidence is kept in real folders and files only",
    errno.EEXIST: "exists already; every recording needs an id of its own",
}


def storage_error(path: object, error: OSError) -> StorageError:
    """An operating system's error as one line that names the file and says what to do."""
    advice = _TROUBLE.get(error.errno or 0, f"{error.strerror or error}; check the disk")
    return StorageError(f"{path}: {advice}")


@contextlib.contextmanager
def _told_of(path: Path) -> Iterator[None]:
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error


class EvidenceStore:
    """A folder that holds recordings. Implements `hardware.interfaces.Storage`; every method blocks.

    Touches nothing until it is first used, so that a folder which is missing at power-on may appear later. The first
    `check`, `create` or `recover` takes the folder for this camera, until `close`: a second camera there would take
    the first one's live recording for an unfinished one. Reading (`listing`, `video`) needs no lock.
    """

    def __init__(
        self, root: Path, min_free_bytes: int = MIN_FREE_BYTES, *, sync: Callable[[int], None] = os.fdatasync
    ) -> None:
        self.root = root
        self._min_free_bytes = min_free_bytes
        self._sync = sync
        self._lock: int | None = None
        self._taking = threading.Lock()

    def check(self) -> None:
        """Raise StorageError when a recording could not be begun now: found out by writing, not by asking."""
        self._take()
        self._probe()
        free = self.free_bytes()
        if free < self._min_free_bytes:
            raise StorageError(
                f"{self.root}: the disk is full ({_mb(free)} free, {_mb(self._min_free_bytes)} needed to begin); "
                "offload recordings to make room"
            )

    def free_bytes(self) -> int:
        """Room that this user may still fill."""
        with _told_of(self.root):
            disk = os.statvfs(self.root)
        return disk.f_bavail * disk.f_frsize

    def create(self, account: Account) -> "ClipFiles":
        """A new folder named `account.recording`, synced, with its first `recording.json`."""
        self._take()
        folder = self._folder(account.recording)
        with _told_of(folder):
            folder.mkdir()
        files = ClipFiles(folder, self._sync)
        try:
            files.describe(account)
            with _told_of(self.root):
                _sync_folder(self.root)
        except StorageError:
            with contextlib.suppress(OSError):
                folder.rmdir()  # succeeds only when nothing is inside
            raise
        return files

    def recover(self) -> list[Account]:
        """Mark what an earlier session left unfinished as *interrupted*, and say which clips those are.

        A folder that cannot be read or marked is logged and left as it is for the next start.
        """
        self._take()
        return [account for folder in self._folders() if (account := _recovered(folder)) is not None]

    def listing(self) -> list[Account]:
        """The accounts of all clips, oldest trigger first; folders without a readable account are left out."""
        accounts = [account for folder in self._folders() if (account := _read_quietly(folder)) is not None]
        return sorted(accounts, key=lambda account: (account.trigger_time, account.start_time or "", account.recording))

    def video(self, recording: str) -> Path:
        """Where the video of a clip is. Raises StorageError when there is no such clip or it holds no pictures."""
        folder = self._folder(recording)
        path = folder / VIDEO
        if folder.is_symlink() or not _is_file(path):
            raise StorageError(f"{path}: there is no such video; see the list of recordings for their ids")
        return path

    def close(self) -> None:
        """Give the folder free for another camera. Harmless when closed."""
        with self._taking:
            self._release()

    def _folder(self, recording: str) -> Path:
        """Ids come from users too: none may lead out of the root."""
        if not recording or recording.startswith(".") or "/" in recording or "\0" in recording:
            raise StorageError(f"{self.root}: {recording!r} is not the id of a recording")
        return self.root / recording

    def _folders(self) -> list[Path]:
        with _told_of(self.root), os.scandir(self.root) as entries:
            names = [
                entry.name
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            ]
        return [self.root / name for name in sorted(names)]

    def _probe(self) -> None:
        """Write, sync and remove a block: root owns every right, so only a real write tells."""
        path = self.root / _PROBE
        with _told_of(self.root):
            try:
                with _opened(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as descriptor:
                    _write(descriptor, bytes(4096))
                    os.fsync(descriptor)
            finally:
                path.unlink(missing_ok=True)

    def _take(self) -> None:
        """Hold the lock file exclusively; take it anew when the card was swapped under it."""
        path = self.root / _LOCK
        with self._taking, _told_of(self.root):
            if self._lock is not None and _is_at(self._lock, path):
                return
            self._release()
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(lock)
                if error.errno != errno.EWOULDBLOCK:
                    raise
                raise StorageError(
                    f"{self.root}: another camera records here; give each camera an evidence folder of its own"
                ) from error
            self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class ClipFiles:
    """The two files of one clip while it is written. Implements `hardware.interfaces.RecordingFiles`."""

    def __init__(self, folder: Path, sync: Callable[[int], None]) -> None:
        self._folder = folder
        self._sync = sync
        self._video: int | None = None
        self._broken = False
        # A cancelled task leaves its write running in a worker's thread; `close` waits for it here.
        self._busy = threading.Lock()

    def append(self, chunks: Sequence[bytes | bytearray]) -> None:
        """Write and sync. After a failure nothing more is taken: what reached the disk is unknown from there on."""
        with self._busy:
            if self._broken:
                raise StorageError(f"{self._folder / VIDEO}: an earlier write failed; nothing more is added to it")
            self._broken = True
            if self._video is None:
                self._begin_video(chunks)
            else:
                with _told_of(self._folder / VIDEO):
                    self._append_synced(self._video, chunks)
            self._broken = False

    def describe(self, account: Account) -> None:
        """Replace `recording.json`: whoever reads it, at any instant, finds the old one or the new one, whole."""
        with self._busy:
            _write_account(self._folder, account)

    def close(self) -> None:
        """Let go of the video file. Harmless when closed."""
        with self._busy:
            if self._video is not None:
                os.close(self._video)
            self._video, self._broken = None, True

    def _begin_video(self, chunks: Sequence[bytes | bytearray]) -> None:
        part = self._folder / _PART
        with _told_of(part):
            self._video = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
            self._append_synced(self._video, chunks)
            part.rename(self._folder / VIDEO)
            _sync_folder(self._folder)

    def _append_synced(self, video: int, chunks: Sequence[bytes | bytearray]) -> None:
        for chunk in chunks:
            _write(video, chunk)
        self._sync(video)


def interrupted(account: Account, found: boxes.Extent) -> Account:
    """`account` as the next start tells it: what the file is found to hold, whatever the lost session had in mind."""
    duration_s = round(found.end_ticks / TICKS_PER_S, 3)
    begun = account.start_time if found.fragments else None
    told = msgspec.structs.replace(
        account,
        status="interrupted",
        stop=Cause("camera", "power or process was lost while recording"),
        start_time=begun,
        end_time=None if begun is None else iso(datetime.fromisoformat(begun) + timedelta(seconds=duration_s)),
        duration_s=duration_s,
        frames=found.frames,
        fragments=found.fragments,
        video_bytes=found.whole_bytes if found.fragments else 0,
        torn_bytes=found.torn_bytes if found.fragments else found.whole_bytes + found.torn_bytes,
    )
    return told if account.prebuffer_saved else _with_part_of_the_pre_event(told)


def _with_part_of_the_pre_event(account: Account) -> Account:
    """What there is from before the trigger, when the session was lost before it could tell."""
    actual_s = 0.0
    if account.start_time is not None:
        before_s = _seconds_between(account.start_time, account.trigger_time)
        gaps_s = sum(min(gap.duration_s, before_s - gap.start_s) for gap in account.gaps if gap.start_s < before_s)
        actual_s = round(max(0.0, min(before_s, account.duration_s) - gaps_s), 3)
    short = actual_s < account.prebuffer_configured_s
    reason = "interrupted before the pre-event part was on disk" if short else None
    return msgspec.structs.replace(account, prebuffer_actual_s=actual_s, prebuffer_shortfall=reason)


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


# -- recovery --------------------------------------------------------------------------------------------------------


class _Unreadable(Exception):
    """A `recording.json` that is missing, empty, or not an account."""


def _recovered(folder: Path) -> Account | None:
    """The clip's account, if it had to be marked interrupted. One broken folder never stops the others."""
    try:
        unfinished = _unfinished(folder)
        return None if unfinished is None else _mark_interrupted(folder, unfinished)
    except (OSError, ValueError, LookupError, struct.error) as error:
        _log.warning("%s: cannot be recovered and is left as it is: %s", folder, error)
        return None


def _unfinished(folder: Path) -> Account | None:
    """The account to be marked, or None when this folder needs nothing."""
    try:
        account = _read_account(folder)
    except _Unreadable:
        return _rebuilt(folder.name) if _video_of(folder) is not None else None
    return account if account is not None and account.status == "recording" else None


def _mark_interrupted(folder: Path, account: Account) -> Account:
    told = interrupted(account, _extent(folder))
    if told.fragments and not _is_file(folder / VIDEO):
        (folder / _PART).rename(folder / VIDEO)  # synced, but the lost session did not come to name it
    try:
        _set_aside_unless_account(folder)
        _write_account(folder, told)
    except OSError as error:
        _log.warning("%s: is interrupted, which could not be written down: %s", folder, error)
    return told


def _rebuilt(recording: str) -> Account:
    """An account for a video that lost its own: the folder's name is all that is known."""
    return Account(
        recording=recording,
        agency=_UNKNOWN,
        site=_UNKNOWN,
        camera=_UNKNOWN,
        session=_UNKNOWN,
        firmware=_UNKNOWN,
        clock_quality=_UNKNOWN,
        trigger_time=_UNKNOWN,
        start=Cause(_UNKNOWN, f"{ACCOUNT} was missing or not readable"),
        prebuffer_configured_s=0.0,
    )


def _extent(folder: Path) -> boxes.Extent:
    path = _video_of(folder)
    if path is None:
        return boxes.Extent(0, 0, 0, 0, 0)
    with _reading(path) as file:
        return boxes.extent(file)


def _video_of(folder: Path) -> Path | None:
    """The clip's video, under its name or still without one."""
    return next((path for name in (VIDEO, _PART) if _is_file(path := folder / name)), None)


def _read_quietly(folder: Path) -> Account | None:
    try:
        return _read_account(folder)
    except (_Unreadable, OSError):
        return None


def _read_account(folder: Path) -> Account | None:
    """The clip's account; None when it is in a format of another firmware, which is not for this one to judge."""
    try:
        with _reading(folder / ACCOUNT) as file:
            text = file.read()
    except FileNotFoundError as error:
        raise _Unreadable from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR):
            raise _Unreadable from error
        raise
    try:
        return msgspec.json.decode(text, type=Account)
    except msgspec.DecodeError as error:
        if _is_of_another_format(text):
            return None
        raise _Unreadable from error


class _Format(msgspec.Struct):
    format: str


def _is_of_another_format(text: bytes) -> bool:
    try:
        return msgspec.json.decode(text, type=_Format).format != Account.__struct_defaults__[0]
    except msgspec.DecodeError:
        return False


def _set_aside_unless_account(folder: Path) -> None:
    """Keep an unreadable `recording.json` under a name that no earlier one has."""
    path = folder / ACCOUNT
    try:
        _read_account(folder)
    except _Unreadable:
        if os.path.lexists(path):
            names = (f"{ACCOUNT}.corrupt{'' if number == 1 else f'.{number}'}" for number in count(1))
            path.rename(next(folder / name for name in names if not os.path.lexists(folder / name)))


# -- files -----------------------------------------------------------------------------------------------------------


def _write_account(folder: Path, account: Account) -> None:
    path, temporary = folder / ACCOUNT, folder / f"{ACCOUNT}.tmp"
    text = msgspec.json.format(msgspec.json.encode(account), indent=2) + b"\n"
    with _told_of(path):
        try:
            with _opened(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as descriptor:
                _write(descriptor, text)
                os.fsync(descriptor)
            temporary.rename(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(folder)


def _write(descriptor: int, data: bytes | bytearray) -> None:
    """All of `data`. A disk that fills up takes a part first; asking on brings out the reason."""
    rest = memoryview(data)
    while rest:
        written = os.write(descriptor, rest)
        if written == 0:
            raise OSError(errno.EIO, "the disk took nothing")
        rest = rest[written:]


def _sync_folder(folder: Path) -> None:
    """Names live in the folder: without this a power cut can take back a file that itself was synced."""
    with _opened(folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        os.fsync(descriptor)


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """A regular file, opened without following a link and without waiting for the other end of a pipe."""
    with _opened(path, os.O_RDONLY | os.O_NONBLOCK) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EISDIR, "is not a file")
        with open(descriptor, "rb", closefd=False) as file:
            yield file


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether `path` still names the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"

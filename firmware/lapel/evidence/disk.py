"""Reads and writes the files of a clip, safe against power cuts, full disks and stray links. Every call blocks."""

import contextlib
import errno
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from lapel import files, own_files
from lapel.errors import DamagedFileError, StorageError
from lapel.recording import FORMAT, Account

VIDEO = "video.mp4"
SEALED = "video.sealed"
"""The video of a clip whose fragments are encrypted."""
PART = ".part"
"""Follows the video's name until its first fragment is synced."""
ACCOUNT = "recording.json"
DELETED = ".deleted"
"""Folder for what stays of recordings that were deleted: their manifests."""
UNKNOWN = "unknown"
"""Value of fields of a rebuilt account that only the lost account contained."""
RESERVE = ".reserve"
"""Space that a clip holds while it is written."""

NO_INODES = "the disk can hold no more files (no free inodes); remove files or folders that are no recordings"
_TROUBLE = {
    errno.ENOENT: "does not exist; create it or name another evidence folder",
    errno.ENOTDIR: "is not a folder; name a folder for evidence",
    errno.EROFS: "is on a read-only disk; remount it writable or name another evidence folder",
    errno.EACCES: "may not be written; give this user the right or name another evidence folder",
    errno.EPERM: "may not be written; give this user the right or name another evidence folder",
    errno.ENOSPC: "the disk is full; offload recordings to make room",
    errno.EDQUOT: "this user's share of the disk is full; offload recordings to make room",
    errno.EFBIG: "the file is as long as this disk or user may have it; record shorter clips",
    errno.EMFILE: "this process has no file descriptor left; restart the camera and report it",
    errno.ENFILE: "this machine has no file descriptor left; end other programs",
    errno.EIO: "the disk failed; check it and replace the card before recording again",
    errno.ELOOP: "is a symbolic link; evidence is kept in real folders and files only",
    errno.EEXIST: "exists already; every recording needs an id of its own",
}


_VIDEOS = (VIDEO, SEALED, VIDEO + PART, SEALED + PART)


class UnreadableAccount(Exception):
    """A `recording.json` that is missing, empty, or not an account."""


def storage_error(path: object, error: OSError) -> StorageError:
    """An operating system's error as one line that names the file and what to do."""
    advice = _TROUBLE.get(error.errno or 0, f"{error.strerror or error}; check the disk")
    if error.errno == errno.ENOSPC and _has_no_inodes(path):
        advice = NO_INODES
    return StorageError(f"{path}: {advice}")


def _has_no_inodes(path: object) -> bool:
    """Whether the disk that holds `path` has free blocks, but cannot hold another file."""
    with contextlib.suppress(OSError):
        folder = next(folder for folder in (Path(str(path)), *Path(str(path)).parents) if folder.exists())
        return free_inodes(folder) == 0
    return False


def free_inodes(folder: Path) -> int | None:
    """How many more files the disk can hold; None where it has no such limit. Raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_favail if disk.f_files else None


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Raise every OSError of this block as a StorageError about `path`."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error


def hold_reserve(folder: Path, size_bytes: int) -> None:
    """Allocate space in a clip's folder for its last account. Where this fails there is no reserve."""
    if size_bytes:
        with (
            contextlib.suppress(OSError),
            files.open_no_follow(folder / RESERVE, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK) as descriptor,
        ):
            os.posix_fallocate(descriptor, 0, size_bytes)


def release_reserve(folder: Path) -> bool:
    """Free the reserved space. Returns whether there was any."""
    try:
        (folder / RESERVE).unlink()
    except OSError:
        return False
    return True


def video_of(folder: Path) -> Path | None:
    """A clip's video, under its final or its temporary name."""
    return next((folder / name for name in _VIDEOS if files.is_regular_file(folder / name)), None)


def name_video(folder: Path, account: Account) -> None:
    """Give a video with a whole fragment its final name, which the lost session had not done yet. Raises OSError."""
    path = video_of(folder)
    if account.fragments and path is not None and path.suffix == PART:
        path.rename(path.with_suffix(""))
        files.sync_folder(folder)


def write_account(folder: Path, account: Account) -> None:
    """Replace `recording.json`: at any instant a reader finds either the old or the new one, complete."""
    path = folder / ACCOUNT
    with storage_errors(path):
        own_files.write(path, account)


def read_account(folder: Path) -> Account | None:
    """The clip's account; None when another firmware wrote it in a format that this one cannot judge.

    Raises UnreadableAccount, and OSError when the disk fails.
    """
    path = folder / ACCOUNT
    try:
        account = own_files.read(path, Account)
        _check(account)
    except FileNotFoundError as error:
        raise UnreadableAccount("there is none") from error
    except DamagedFileError as error:
        if _is_of_another_format(path):
            return None
        raise UnreadableAccount(str(error)) from error
    except ValueError as error:
        raise UnreadableAccount(str(error)) from error
    return account


def _check(account: Account) -> None:
    """Raises ValueError for an account that can be decoded and makes no sense."""
    for time in (account.trigger_time, account.start_time, account.end_time):
        if time is not None and time != UNKNOWN:
            datetime.fromisoformat(time)


class _Format(msgspec.Struct):
    format: str


def _is_of_another_format(path: Path) -> bool:
    try:
        return own_files.read(path, _Format).format != FORMAT
    except OSError:
        return False

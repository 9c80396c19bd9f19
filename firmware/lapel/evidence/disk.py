"""Reading and writing files so that a power cut, a full disk or a stray link does no harm. Every call blocks."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from lapel import files
from lapel.errors import StorageError
from lapel.recording import FORMAT, Account

VIDEO = "video.mp4"
PART = "video.mp4.part"
"""The video until its first fragment is synced."""
ACCOUNT = "recording.json"
RESERVE = ".reserve"
"""Space that a clip holds while it is written."""

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


class UnreadableAccount(Exception):
    """A `recording.json` that is missing, empty, or not an account."""


def storage_error(path: object, error: OSError) -> StorageError:
    """An operating system's error as one line that names the file and says what to do."""
    advice = _TROUBLE.get(error.errno or 0, f"{error.strerror or error}; check the disk")
    return StorageError(f"{path}: {advice}")


@contextlib.contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Whatever the operating system refuses in here is raised as a StorageError about `path`."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error


@contextlib.contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """A regular file to read; does not wait for the other end of a pipe in its place."""
    with files.open_no_follow(path, os.O_RDONLY | os.O_NONBLOCK) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EISDIR, "is not a file")
        with open(descriptor, "rb", closefd=False) as file:
            yield file


def hold_reserve(folder: Path, size_bytes: int) -> None:
    """Allocate space in a clip's folder for its last account. Where that is impossible there is no reserve."""
    if size_bytes:
        with (
            contextlib.suppress(OSError),
            files.open_no_follow(folder / RESERVE, os.O_WRONLY | os.O_CREAT) as descriptor,
        ):
            os.posix_fallocate(descriptor, 0, size_bytes)


def release_reserve(folder: Path) -> bool:
    """Free that space. Whether there was any."""
    try:
        (folder / RESERVE).unlink()
    except OSError:
        return False
    return True


def is_file(path: Path) -> bool:
    """Whether `path` is a regular file itself, not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def write_account(folder: Path, account: Account) -> None:
    """Replace `recording.json`: a reader finds, at any instant, the old one or the new one, whole."""
    path = folder / ACCOUNT
    text = msgspec.json.format(msgspec.json.encode(account), indent=2) + b"\n"
    with told_of(path):
        files.replace(path, text)


def read_account(folder: Path) -> Account | None:
    """The clip's account; None when another firmware wrote it in a format that is not for this one to judge.

    Raises UnreadableAccount, and OSError when the disk does not give it.
    """
    try:
        with reading(folder / ACCOUNT) as file:
            text = file.read()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.EISDIR):
            raise UnreadableAccount from error
        raise
    try:
        return msgspec.json.decode(text, type=Account)
    except msgspec.DecodeError as error:
        if _is_of_another_format(text):
            return None
        raise UnreadableAccount from error


class _Format(msgspec.Struct):
    format: str


def _is_of_another_format(text: bytes) -> bool:
    try:
        return msgspec.json.decode(text, type=_Format).format != FORMAT
    except msgspec.DecodeError:
        return False

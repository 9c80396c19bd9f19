"""Writes files safely: against power cuts, full disks and symbolic links. Every call blocks and raises OSError."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
"""Mode of every file that a camera writes: recordings, settings and secrets are for its own user only."""
PRIVATE_FOLDER = 0o700
"""Mode of every folder that it makes."""


@contextlib.contextmanager
def open_no_follow(path: Path, flags: int, mode: int = PRIVATE) -> Iterator[int]:
    """Open a file descriptor, but not through a symbolic link, and close it at the end of the block."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW, mode)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_regular_file(path: Path) -> bool:
    """Whether `path` is a regular file itself, not a link to one. Raises OSError other than for a missing file."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def is_at(descriptor: int, path: Path) -> bool:
    """Whether `path` still names the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


@contextlib.contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """A regular file to read. A pipe in its place is an error at once, not a wait for its other end."""
    with open_no_follow(path, os.O_RDONLY | os.O_NONBLOCK) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EISDIR, "is not a file")
        with open(descriptor, "rb", closefd=False) as file:
            yield file


def read_regular_file(path: Path, limit_bytes: int) -> bytes:
    """The first `limit_bytes` of a regular file."""
    with reading(path) as file:
        return file.read(limit_bytes)


def write(descriptor: int, data: bytes | bytearray) -> None:
    """Write all of `data`. A disk that fills up first writes a part; the next attempt raises the reason."""
    rest = memoryview(data)
    while rest:
        written = os.write(descriptor, rest)
        if written == 0:
            raise OSError(errno.EIO, "nothing was written")
        rest = rest[written:]


def sync_folder(folder: Path) -> None:
    """Sync a folder: without it a power cut can undo the creation or renaming of a file that itself was synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Replace a file atomically: a reader finds the old or the new content, complete, and the new one has `mode`."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # a leftover of a crash may have another mode
        with open_no_follow(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode) as descriptor:
            write(descriptor, data)
            os.fsync(descriptor)
        temporary.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)

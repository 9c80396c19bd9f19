"""Writes files safely: against power cuts, full disks and symbolic links. Every call blocks and raises OSError."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def open_no_follow(path: Path, flags: int, mode: int = 0o644) -> Iterator[int]:
    """Open a file descriptor, but not through a symbolic link, and close it at the end of the block."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW, mode)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


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


def replace(path: Path, data: bytes, mode: int = 0o644) -> None:
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

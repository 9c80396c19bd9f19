"""Writing files so that a power cut, a full disk or a stray link does no harm. Every call blocks and raises OSError."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def opened(path: Path, flags: int, mode: int = 0o644) -> Iterator[int]:
    """A file descriptor; never through a symbolic link."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW, mode)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write(descriptor: int, data: bytes | bytearray) -> None:
    """All of `data`. A disk that fills up takes a part first; asking on brings out the reason."""
    rest = memoryview(data)
    while rest:
        written = os.write(descriptor, rest)
        if written == 0:
            raise OSError(errno.EIO, "the disk took nothing")
        rest = rest[written:]


def sync_folder(folder: Path) -> None:
    """Names live in the folder: without this a power cut can take back a file that itself was synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace the file: whoever reads it, at any instant, finds the old one or the new one, whole, with that `mode`."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # one that a crash left may have another mode
        with opened(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode) as descriptor:
            write(descriptor, data)
            os.fsync(descriptor)
        temporary.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)

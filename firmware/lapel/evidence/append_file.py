"""A file that only grows, synced after each write: the video of a clip, its manifest, the audit log."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from lapel.errors import StorageError
from lapel.evidence.disk import storage_errors
from lapel.files import PRIVATE, is_at, sync_folder, write

Sync = Callable[[int], None]
"""Syncs an open file, as `os.fdatasync` does."""


class AppendFile:
    """An open file. Every method blocks and raises StorageError.

    After a sync that failed nothing more is accepted: it may have lost anything since the last one.
    """

    def __init__(self, path: Path, sync: Sync = os.fdatasync, *, is_new: bool = False) -> None:
        """Opens the file to append to it; `is_new`: creates it, and there must be none."""
        self.path = path
        self._sync = sync
        self._is_broken = False
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | (os.O_CREAT | os.O_EXCL if is_new else 0)
        with storage_errors(path):
            self._descriptor: int | None = os.open(path, flags, PRIVATE)
            self.size_bytes = os.lseek(self._descriptor, 0, os.SEEK_END)
            """Length of what is written and synced."""

    def append(self, *chunks: bytes | bytearray) -> None:
        """Write and sync. What a failed write left behind is cut off, where the disk permits even this."""
        descriptor = self._open_descriptor()
        if self._is_broken:
            raise StorageError(f"{self.path}: accepts nothing more: the disk failed to sync it")
        try:
            with storage_errors(self.path):
                for chunk in chunks:
                    write(descriptor, chunk)
                self._is_broken = True  # until the sync has succeeded
                self._sync(descriptor)
                self._is_broken = False
        except StorageError:
            self.cut(self.size_bytes)
            raise
        self.size_bytes += sum(map(len, chunks))

    def cut(self, size_bytes: int) -> None:
        """Truncate. Never raises: where the disk rejects it, the tail stays."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, size_bytes)
                os.lseek(self._descriptor, size_bytes, os.SEEK_SET)
                os.fsync(self._descriptor)
            self.size_bytes = size_bytes

    def rename(self, path: Path) -> None:
        """Give it another name in the same folder, and sync the folder."""
        with storage_errors(self.path):
            self.path.rename(path)
            self.path = path
            sync_folder(path.parent)

    def is_in_place(self) -> bool:
        """Whether its path still names this file."""
        return self._descriptor is not None and is_at(self._descriptor, self.path)

    def actual_bytes(self) -> int:
        """Its length on disk, which another program may have changed."""
        with storage_errors(self.path):
            return os.fstat(self._open_descriptor()).st_size

    def close(self) -> None:
        """Close it. Harmless when closed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise StorageError(f"{self.path}: accepts nothing more: it was closed")
        return self._descriptor

"""What was done at the console, on record: one line of JSON each, only ever appended to.

A signed audit log can take its place: whoever writes something down knows `ConsoleLog.put` and nothing more.
"""

import asyncio
import os
from collections import deque
from pathlib import Path
from typing import Protocol

import msgspec

from lapel.clock import Clock, iso
from lapel.files import opened, write
from lapel.worker import Worker

_KEPT_MAX = 1_000


class ConsoleLog(Protocol):
    """Where it is put on record. Never raises: a full card must not keep a technician from mending it."""

    async def put(self, kind: str, **detail: str | float | bool | None) -> None:
        """Return once it is on disk, or once it is certain that it cannot be for now."""

    @property
    def trouble(self) -> str:
        """Why the newest entries are in memory only; empty while they are on disk."""


class FileConsoleLog:
    """A file of JSON lines. What cannot be written is kept, and written before the next."""

    def __init__(self, path: Path, clock: Clock, worker: Worker) -> None:
        self._path, self._clock, self._worker = path, clock, worker
        self._waiting: deque[bytes] = deque(maxlen=_KEPT_MAX)
        self._writing = asyncio.Lock()
        self.trouble = ""

    async def put(self, kind: str, **detail: str | float | bool | None) -> None:
        """Written and synced when this returns, unless `trouble` says why not."""
        now = self._clock.now()
        said = {"at": iso(now.utc), "mono_s": round(now.mono_s, 3), "kind": kind}
        said |= {key: value for key, value in detail.items() if value is not None}
        self._waiting.append(msgspec.json.encode(said) + b"\n")
        flushing = asyncio.ensure_future(self._flush())
        try:
            await asyncio.shield(flushing)  # a hang-up in mid-write must not write a line twice
        except asyncio.CancelledError:
            await asyncio.wait({flushing})
            raise

    async def _flush(self) -> None:
        async with self._writing:
            batch = list(self._waiting)
            if not batch:
                return
            try:
                await self._worker.run(lambda: _append(self._path, b"".join(batch)))
            except OSError as error:
                self.trouble = f"{self._path}: {error.strerror}"
                return
            self.trouble = ""
            for _ in batch:
                self._waiting.popleft()


def _append(path: Path, lines: bytes) -> None:
    """A line that a power cut or a full card tore is left as it is, and ended, so that the next one is whole."""
    path.parent.mkdir(exist_ok=True)
    with opened(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600) as descriptor:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        write(descriptor, (b"\n" if torn else b"") + lines)
        os.fsync(descriptor)

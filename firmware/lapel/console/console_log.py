"""The console log: logins, commands and notes, one line of JSON each, only ever appended to.

It is for technicians, who read and copy it; `AuditedConsoleLog` notes each entry in the camera's audit log as well.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from lapel.clock import Clock, iso
from lapel.files import PRIVATE, PRIVATE_FOLDER, open_no_follow, write
from lapel.worker import Worker

_PENDING_MAX = 1_000
NoteAudit = Callable[[str, Mapping[str, str | float | bool | None]], None]
"""Notes an event and its detail in the camera's audit log."""


class ConsoleLog(Protocol):
    """The console's log. Its methods never raise: a full disk must not keep a technician from repairing it."""

    async def append(self, kind: str, **detail: str | float | bool | None) -> None:
        """Append an entry. Returns once it is on disk, or once writing it has failed for now."""

    @property
    def write_error(self) -> str:
        """Why the newest entries are in memory only; empty while all are on disk."""


class AuditedConsoleLog:
    """Implements `ConsoleLog` by another one; each entry is noted in the camera's signed audit log, too."""

    def __init__(self, inner: ConsoleLog, note: NoteAudit) -> None:
        """`note` takes the kind of an entry, with `console-` before it, and its detail. It must not block or raise."""
        self._inner, self._note = inner, note

    async def append(self, kind: str, **detail: str | float | bool | None) -> None:
        """See `ConsoleLog.append`."""
        self._note(f"console-{kind}", detail)
        await self._inner.append(kind, **detail)

    @property
    def write_error(self) -> str:
        """See `ConsoleLog.write_error`."""
        return self._inner.write_error


class FileConsoleLog:
    """A file of JSON lines. Entries that cannot be written are kept in memory and written before the next one."""

    def __init__(self, path: Path, clock: Clock, worker: Worker) -> None:
        self._path, self._clock, self._worker = path, clock, worker
        self._pending: deque[bytes] = deque(maxlen=_PENDING_MAX)
        self._writing = asyncio.Lock()
        self.write_error = ""

    async def append(self, kind: str, **detail: str | float | bool | None) -> None:
        """Append an entry: written and synced on return, unless `write_error` is set."""
        now = self._clock.now()
        entry = {"at": iso(now.utc), "mono_s": round(now.mono_s, 3), "kind": kind}
        entry |= {key: value for key, value in detail.items() if value is not None}
        self._pending.append(msgspec.json.encode(entry) + b"\n")
        flushing = asyncio.ensure_future(self._flush())
        try:
            await asyncio.shield(flushing)  # a hang-up during the write must not write an entry twice
        except asyncio.CancelledError:
            await asyncio.wait({flushing})
            raise

    async def _flush(self) -> None:
        async with self._writing:
            batch = list(self._pending)
            if not batch:
                return
            try:
                await self._worker.run(lambda: _append(self._path, b"".join(batch)))
            except OSError as error:
                self.write_error = f"{self._path}: {error.strerror}"
                return
            self.write_error = ""
            for _ in batch:
                self._pending.popleft()


def _append(path: Path, lines: bytes) -> None:
    """Append and sync. A line that a power loss or a full disk cut off is ended first, so that the next is whole."""
    path.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    with open_no_follow(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK) as descriptor:
        os.fchmod(descriptor, PRIVATE)  # earlier versions let others read it
        size = os.fstat(descriptor).st_size
        cut_off = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        write(descriptor, (b"\n" if cut_off else b"") + lines)
        os.fsync(descriptor)

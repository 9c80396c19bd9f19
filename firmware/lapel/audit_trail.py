"""The camera's side of its audit log: takes note of what happens, and has it written in order, off the event loop.

What the disk does not take is kept in memory and written later; beyond a limit it is counted, and the count is written.
"""

from collections.abc import Mapping
from functools import partial

from lapel.audit_entry import AuditEntry, AuditPosition, Value
from lapel.clock import Clock, iso
from lapel.errors import StorageError
from lapel.hardware.interfaces import Storage
from lapel.light_event import LightEvent
from lapel.worker import Worker

UNWRITTEN_MAX = 1_000
"""Entries that memory keeps while the disk does not take them: hours of an idle camera."""


class AuditTrail:
    """The audit log of one camera. Only `run` and `close` wait for the disk; none of its methods raises."""

    __slots__ = ("_clock", "_is_closing", "_lost", "_lost_utc", "_noted", "_noted_s", "_session", "_storage", "_wake",
                 "_worker", "heartbeat_s", "position")  # fmt: skip

    def __init__(self, storage: Storage, worker: Worker, clock: Clock, session: str, heartbeat_s: float) -> None:
        """`heartbeat_s`: seconds without an entry after which `heartbeat` notes one."""
        self._storage, self._worker, self._clock, self._session = storage, worker, clock, session
        self.heartbeat_s = heartbeat_s
        self._noted: list[AuditEntry] = []
        self._lost, self._lost_utc = 0, ""
        self._wake = LightEvent()
        self._is_closing = False
        self._noted_s = clock.mono_s()
        self.position: AuditPosition | None = None
        """What is written and synced; None before the first entry is."""

    def note(self, event: str, detail: Mapping[str, Value]) -> None:
        """Note something that happened just now."""
        entry = self.entry(event, detail)
        if len(self._noted) < UNWRITTEN_MAX:
            self._noted.append(entry)
        else:
            self._lost, self._lost_utc = self._lost + 1, self._lost_utc or entry.utc
        self._wake.set()

    def entry(self, event: str, detail: Mapping[str, Value]) -> AuditEntry:
        """An entry about something that happens just now, which the caller writes by itself."""
        now = self._clock.now()
        self._noted_s = now.mono_s
        return AuditEntry(
            event=event,
            detail=dict(detail),
            utc=iso(now.utc),
            mono_s=round(now.mono_s, 6),
            session=self._session,
            clock_quality=self._clock.quality(),
        )

    def heartbeat(self, state: str) -> None:
        """Note that the camera is alive, if nothing else was noted for a while. Entries that wait are tried again."""
        if self._clock.mono_s() - self._noted_s >= self.heartbeat_s:
            self.note("heartbeat", {"state": state})
        if self._noted:
            self._wake.set()

    async def run(self) -> None:
        """Write what is noted, until `close` or cancelled."""
        while not self._is_closing:
            await self._wake.wait()
            self._wake.clear()
            while self._noted and await self._write():
                pass

    def close(self) -> None:
        """Let `run` end, once it has tried to write what is noted."""
        self._is_closing = True
        self._wake.set()

    async def _write(self) -> bool:
        """Write what is noted. Returns whether the disk has taken it."""
        batch = self._noted[:]
        try:
            self.position = await self._worker.run(partial(self._storage.log, batch))
        except StorageError:
            return False
        del self._noted[: len(batch)]
        if self._lost:
            detail: dict[str, Value] = {"count": self._lost, "since": self._lost_utc}
            self._lost, self._lost_utc = 0, ""
            self.note("entries-lost", detail)
        return True

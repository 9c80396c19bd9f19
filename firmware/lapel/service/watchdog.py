"""Feeds the service manager's watchdog, for as long as every part of the camera reports alive."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from lapel.clock import Clock
from lapel.service.notify import ServiceManager
from lapel.worker import Worker

LIMIT_S = 30.0
"""Silence of a part that is not normal: a storage card may stall for seconds, and a stop wait 10 s for a keyframe."""


class Part(Protocol):
    """A part of the camera that can hang."""

    @property
    def name(self) -> str:
        """What a technician calls it."""

    def silent_s(self) -> float:
        """Seconds since it last showed that it is alive; 0 while it has nothing to do."""


class Watchdog:
    """Checks every part, twice as often as the service manager expects a message."""

    def __init__(
        self,
        manager: ServiceManager,
        clock: Clock,
        parts: Callable[[], Iterable[Part]],
        report: Callable[[str], None],
        limit_s: float = LIMIT_S,
    ) -> None:
        """`parts` are those of this moment; `report` gets a line when one hangs, and when it is back."""
        self._manager, self._clock, self._parts = manager, clock, parts
        self._report, self._limit_s = report, limit_s
        self._hung = ""

    async def run(self) -> None:
        """Feed until cancelled. Returns at once without a watchdog."""
        if self._manager.watchdog_s is None:
            return
        while True:
            self.check()
            await self._clock.sleep(self._manager.watchdog_s / 2)

    def check(self) -> None:
        """Feed the watchdog once, unless a part hangs."""
        hung = next((part for part in self._parts() if part.silent_s() > self._limit_s), None)
        name = hung.name if hung is not None else ""
        if name != self._hung:
            self._hung = name
            self._report(
                f"{name} has not answered for {self._limit_s:g} s; without it the service manager restarts the camera"
                if name
                else "every part answers again"
            )
        if hung is None:
            self._manager.notify(WATCHDOG="1")


@dataclass(frozen=True, slots=True)
class TimedPart:
    """A part that keeps the time of its last sign of life itself."""

    name: str
    silent_s: Callable[[], float]


class WorkerPart:
    """The threads for blocking work, probed with a job that does nothing. Belongs to the event loop."""

    name = "storage worker"

    def __init__(self, worker: Worker, clock: Clock) -> None:
        self._worker, self._clock = worker, clock
        self._probe: asyncio.Task[None] | None = None
        self._since_s = 0.0

    def silent_s(self) -> float:
        """How long the current probe has waited for a thread."""
        if self._probe is None or self._probe.done():
            self._since_s = self._clock.mono_s()
            self._probe = asyncio.create_task(self._ask(), name="watchdog")
            return 0.0
        return self._clock.mono_s() - self._since_s

    async def _ask(self) -> None:
        with contextlib.suppress(RuntimeError):  # it was closed: the camera has ended
            await self._worker.run(_nothing)


def _nothing() -> None:
    """A job that shows that there is a thread for it."""

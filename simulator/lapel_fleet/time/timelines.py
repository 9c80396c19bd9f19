"""Three kinds of time that a fleet can live in: *virtual*, the time of an event loop (`virtual_time`); *live*, real
time, faster by a factor if asked; *stepped*, which stands still until somebody moves it on. The last two leave the
event loop's own time real, for sockets.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Protocol

from lapel.clock import Clock, SystemClock


class Timeline(Protocol):
    """The monotonic time that all cameras of a run share."""

    is_shared: bool
    """Whether whoever sends them messages lives by it too, so that times of day can be compared."""

    def mono_s(self) -> float:
        """Seconds since the run began."""

    async def sleep(self, seconds: float) -> None:
        """Return after that many of them."""

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """Do it after that many of them, unless what is returned is called before. A task for it would take 1 KB."""


class LoopTimeline:
    """The event loop's own time: virtual on a VirtualLoop, where everybody lives by it."""

    is_shared = True

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def mono_s(self) -> float:
        """See `Timeline.mono_s`."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """See `Timeline.sleep`."""
        await asyncio.sleep(seconds)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """See `Timeline.later`."""
        return self._loop.call_later(seconds, act).cancel


class ScaledTimeline:
    """Real time, `speed` times as fast. Processes that are told the same beginning agree on it."""

    def __init__(self, speed: float = 1.0, began_s: float | None = None, clock: Clock | None = None) -> None:
        """`began_s`: the machine's monotonic time at 0; now, unless given."""
        self._clock = clock or SystemClock()
        self.began_s = self._clock.mono_s() if began_s is None else began_s
        self.speed = speed
        self.is_shared = speed == 1

    def mono_s(self) -> float:
        """See `Timeline.mono_s`."""
        return (self._clock.mono_s() - self.began_s) * self.speed

    async def sleep(self, seconds: float) -> None:
        """See `Timeline.sleep`."""
        await asyncio.sleep(seconds / self.speed)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """See `Timeline.later`."""
        return asyncio.get_running_loop().call_later(seconds / self.speed, act).cancel


class SteppedTimeline:
    """Stands still until `advance`. Sockets go on in real time meanwhile."""

    is_shared = False

    def __init__(self) -> None:
        self._now_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._turn = asyncio.Lock()

    def mono_s(self) -> float:
        """See `Timeline.mono_s`."""
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        """See `Timeline.sleep`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        await self._woken_after(seconds)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """See `Timeline.later`."""
        woken = self._woken_after(seconds)
        woken.add_done_callback(lambda _: woken.cancelled() or act())
        return woken.cancel

    def _woken_after(self, seconds: float) -> asyncio.Future[None]:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_s + seconds, next(self._numbers), woken))
        return woken

    async def advance(self, seconds: float, settle: Callable[[], Awaitable[None]]) -> None:
        """Move on, from one sleeper's waking to the next; `settle()` lets what was woken run before time goes on. Who
        asks meanwhile waits for his turn, and moves on from there.
        """
        async with self._turn:
            end_s = self._now_s + seconds
            while (due_s := self.next_waking_s()) is not None and due_s <= end_s:
                self._now_s = due_s
                while self._sleepers and self._sleepers[0][0] <= due_s:
                    _, _, woken = heapq.heappop(self._sleepers)
                    if not woken.done():
                        woken.set_result(None)
                await settle()
            self._now_s = end_s

    def next_waking_s(self) -> float | None:
        """When somebody wakes; None while nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None


_TURNS = 50


async def let_run() -> None:
    """A `settle` for `SteppedTimeline.advance`: enough turns of the event loop for every woken task to run, except
    those that wait for real I/O.
    """
    for _ in range(_TURNS):
        await asyncio.sleep(0)

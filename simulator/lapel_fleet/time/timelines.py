"""The monotonic time of a run, of three kinds: *virtual* is an event loop's time (`virtual_time`); *live* is real time
or a multiple of it; *stepped* stands still until it is advanced. With the last two the event loop's own time is real,
so that sockets work.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count
from typing import Any, Protocol

from lapel.clock import Clock, SystemClock


class Timeline(Protocol):
    """The monotonic time that all cameras of a run share."""

    is_shared: bool
    """Whether the senders of messages to the cameras use it too, so that times of day can be compared."""

    def mono_s(self) -> float:
        """Seconds since the run began."""

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds of it."""

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """Call `act` after that many seconds. Returns a function that cancels it. A task for it would take 1 KB."""


class LoopTimeline:
    """The event loop's own time: virtual time on a `VirtualLoop`, where everything uses it."""

    is_shared = True

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.mono_s = loop.time
        """See `Timeline.mono_s`. An attribute: it is read several times per event, and spares a call."""

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """See `Timeline.sleep`."""
        return asyncio.sleep(seconds)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """See `Timeline.later`."""
        return self._loop.call_later(seconds, act).cancel


class ScaledTimeline:
    """Real time, `speed` times as fast. Processes with the same `began_s` have the same time."""

    def __init__(self, speed: float = 1.0, began_s: float | None = None, clock: Clock | None = None) -> None:
        """`began_s`: the machine's monotonic time at 0; now by default."""
        self._clock = clock or SystemClock()
        self.began_s = self._clock.mono_s() if began_s is None else began_s
        self.speed = speed
        self.is_shared = speed == 1

    def mono_s(self) -> float:
        """See `Timeline.mono_s`."""
        return (self._clock.mono_s() - self.began_s) * self.speed

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """See `Timeline.sleep`."""
        return asyncio.sleep(seconds / self.speed)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """See `Timeline.later`."""
        return asyncio.get_running_loop().call_later(seconds / self.speed, act).cancel


class SteppedTimeline:
    """Stands still until `advance`. Sockets work in real time meanwhile."""

    is_shared = False

    def __init__(self) -> None:
        self._now_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._advancing = asyncio.Lock()

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
        """Advance, from one timer to the next; `settle()` lets the woken tasks run before time goes on. A concurrent
        call waits for the first to end and advances from there.
        """
        async with self._advancing:
            end_s = self._now_s + seconds
            while (due_s := self.next_timer_s()) is not None and due_s <= end_s:
                self._now_s = due_s
                while self._sleepers and self._sleepers[0][0] <= due_s:
                    _, _, woken = heapq.heappop(self._sleepers)
                    if not woken.done():
                        woken.set_result(None)
                await settle()
            self._now_s = end_s

    def next_timer_s(self) -> float | None:
        """When the next timer is due; None without timers."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None


_TURNS = 50


async def let_run() -> None:
    """A `settle` for `SteppedTimeline.advance`: yields often enough for every woken task to run, except those that wait
    for real I/O.
    """
    for _ in range(_TURNS):
        await asyncio.sleep(0)

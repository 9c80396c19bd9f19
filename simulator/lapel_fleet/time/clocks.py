"""Three kinds of time that a fleet can live in, and the wall clock that each camera has of its own.

*Virtual*: an event loop that never waits; where everybody sleeps, it jumps to the moment the first one wakes. Exact,
because the loop itself knows when nothing is ready. For programs without sockets and threads: what the outside world
needs real time for does not happen while no time passes, and is refused with an explanation.

*Live*: real time, faster by a factor if asked. *Stepped*: time stands still until somebody moves it on. Both leave the
event loop's own time real, for sockets.
"""

import asyncio
import heapq
import math
import selectors
from asyncio import TimerHandle
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol, TypeVar

from lapel.clock import Clock, Instant, Quality, SystemClock

T = TypeVar("T")

START = datetime(2026, 1, 1, 8, 0, 0, tzinfo=UTC)
"""A shift's beginning, unless a test says otherwise."""


class DeadlockError(RuntimeError):
    """Every task waits, and no timer will ever wake one."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual, begins at 0 and goes on in whole microseconds.

    What one camera lives through must not hang on who else is there: of timers that are due at one moment the one that
    was set first comes first, and what that moment is owes nothing to the rounding errors of those before it.
    """

    def __init__(self) -> None:
        self._virtual_s = 0.0
        self._numbers = count()
        super().__init__(_Jumper(self._jump))

    def time(self) -> float:
        """Virtual seconds."""
        return self._virtual_s

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> TimerHandle:  # type: ignore[override]
        """See `asyncio.loop.call_at`; at the next whole microsecond."""
        return super().call_at(_Moment(self._whole(when), next(self._numbers)), callback, *args, context=context)

    def run_in_executor(self, *_: Any) -> Any:  # type: ignore[override]  # takes anything, to refuse it
        """Refused: a thread's work takes real time, and there is none."""
        raise RuntimeError("no threads in virtual time: pass in an InlineWorker")

    def _jump(self, timeout_s: float | None) -> None:
        if timeout_s is None:
            raise DeadlockError("every task waits and no timer is set")
        self._virtual_s = round(self._virtual_s + timeout_s, 6)

    def _whole(self, when: float) -> float:
        """Never before `when`, and never now for what is to come later: who waits for a moment must get there."""
        whole = math.ceil(when * 1e6 - 1e-3) / 1e6
        return max(whole, round(self._virtual_s + 1e-6, 6)) if when > self._virtual_s else whole


class _Moment(float):
    """When a timer is due. Of two at one moment the lower number is less, where the loop's heap would take either."""

    __slots__ = ("number",)
    number: int

    def __new__(cls, when: float, number: int) -> "_Moment":
        one = super().__new__(cls, when)
        one.number = number
        return one

    def __lt__(self, other: float) -> bool:
        return self.number < other.number if isinstance(other, _Moment) and self == other else super().__lt__(other)


class _Jumper(selectors.SelectSelector):
    """Instead of waiting for sockets, of which there are none but the loop's own, lets time pass at once."""

    def __init__(self, jump: Callable[[float | None], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and (timeout is None or timeout > 0):
            self._jump(timeout)
        return ready


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


class SimulatedClock:
    """Implements `lapel.clock.Clock`: a camera's wall clock over a time line. It can be stepped, and drifts when it is
    told to; monotonic time does neither.
    """

    def __init__(self, line: Timeline, start: datetime = START) -> None:
        """`start`: what the wall clock shows at 0."""
        self._line, self._start = line, start
        self._stepped = timedelta()
        self._drift_ppm, self._drifts_since_s = 0.0, 0.0
        self.trusted: Quality = "synced"
        self.is_shared = line.is_shared  # so that it can stand for the line itself

    def mono_s(self) -> float:
        """Seconds of the time line."""
        return self._line.mono_s()

    def now(self) -> Instant:
        """This moment; reading it takes no time."""
        mono_s = self.mono_s()
        return Instant(mono_s, self._start + self._stepped + timedelta(seconds=mono_s + self._drifted_s()))

    def quality(self) -> Quality:
        """What `trusted` says."""
        return self.trusted

    def is_trusted(self) -> bool:
        """When it is synced, and others live by the same time."""
        return self.trusted == "synced" and self._line.is_shared

    async def sleep(self, seconds: float) -> None:
        """Sleep on the time line."""
        await self._line.sleep(seconds)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """See `Timeline.later`."""
        return self._line.later(seconds, act)

    def step(self, seconds: float) -> None:
        """The outside world corrects the wall clock."""
        self._stepped += timedelta(seconds=seconds)

    @property
    def wrong_by_s(self) -> float:
        """How far the wall clock is from the time of day at which the run began, and what has passed since."""
        return self._stepped.total_seconds() + self._drifted_s()

    def set_drift(self, ppm: float) -> None:
        """From now on the wall clock runs that much fast, in millionths; slow when negative. Quartzes do 10 to 100."""
        self._stepped += timedelta(seconds=self._drifted_s())
        self._drift_ppm, self._drifts_since_s = ppm, self.mono_s()

    def _drifted_s(self) -> float:
        return (self.mono_s() - self._drifts_since_s) * self._drift_ppm / 1e6


class VirtualClock(SimulatedClock):
    """A wall clock in virtual time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime = START) -> None:
        super().__init__(LoopTimeline(loop), start)


def run_virtual(program: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """What `program(clock)` returns, in virtual time from its first step to its last."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(program(VirtualClock(runner.get_loop())))

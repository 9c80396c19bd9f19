"""Virtual time: an event loop that never waits. Where everybody sleeps, it jumps to the moment the first one wakes.

Exact, because the loop itself knows when nothing is ready. For programs without sockets and threads: what the outside
world needs real time for does not happen while no time passes, and is refused with an explanation.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from lapel.clock import Instant, Quality

T = TypeVar("T")

START = datetime(2026, 1, 1, 8, 0, 0, tzinfo=UTC)
"""A shift's beginning, unless a test says otherwise."""


class DeadlockError(RuntimeError):
    """Every task waits, and no timer will ever wake one."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual and begins at 0."""

    def __init__(self) -> None:
        self._virtual_s = 0.0
        super().__init__(_Jumper(self._jump))

    def time(self) -> float:
        """Virtual seconds."""
        return self._virtual_s

    def run_in_executor(self, *_: Any) -> Any:  # type: ignore[override]  # takes anything, to refuse it
        """Refused: a thread's work takes real time, and there is none."""
        raise RuntimeError("no threads in virtual time: pass in an InlineWorker")

    def _jump(self, timeout_s: float | None) -> None:
        if timeout_s is None:
            raise DeadlockError("every task waits and no timer is set")
        self._virtual_s += timeout_s


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


class VirtualClock:
    """Implements `lapel.clock.Clock` on a VirtualLoop. Its wall clock can be stepped, and drifts when it is told to;
    monotonic time does neither.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime = START) -> None:
        self._loop, self._start = loop, start
        self._stepped = timedelta()
        self._drift_ppm, self._drifts_since_s = 0.0, 0.0
        self.trusted: Quality = "synced"

    def mono_s(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._loop.time()

    def now(self) -> Instant:
        """This moment; reading it takes no time."""
        mono_s = self.mono_s()
        return Instant(mono_s, self._start + self._stepped + timedelta(seconds=mono_s + self._drifted_s()))

    def quality(self) -> Quality:
        """What `trusted` says."""
        return self.trusted

    def is_trusted(self) -> bool:
        """When it is synced: everybody in a virtual world lives by the same time."""
        return self.trusted == "synced"

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)

    def step(self, seconds: float) -> None:
        """The outside world corrects the wall clock."""
        self._stepped += timedelta(seconds=seconds)

    def set_drift(self, ppm: float) -> None:
        """From now on the wall clock runs that much fast, in millionths; slow when negative. Quartzes do 10 to 100."""
        self._stepped += timedelta(seconds=self._drifted_s())
        self._drift_ppm, self._drifts_since_s = ppm, self.mono_s()

    def _drifted_s(self) -> float:
        return (self.mono_s() - self._drifts_since_s) * self._drift_ppm / 1e6


def run_virtual(program: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """What `program(clock)` returns, in virtual time from its first step to its last."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(program(VirtualClock(runner.get_loop())))

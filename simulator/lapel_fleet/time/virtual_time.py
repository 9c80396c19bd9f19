"""Virtual time: an event loop that never waits, its clock, and how a program is run in it."""

import asyncio
import math
import selectors
from asyncio import TimerHandle
from collections.abc import Callable, Coroutine
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

from lapel_fleet.time.simulated_clock import START, SimulatedClock
from lapel_fleet.time.timelines import LoopTimeline

T = TypeVar("T")


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


class VirtualClock(SimulatedClock):
    """A wall clock in virtual time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime = START) -> None:
        super().__init__(LoopTimeline(loop), start)


def run_virtual(program: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """What `program(clock)` returns, in virtual time from its first step to its last."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(program(VirtualClock(runner.get_loop())))

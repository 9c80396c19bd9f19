"""Virtual time: an event loop that never waits but jumps to the next timer, its clock, and `run_virtual`.

Exact, because the loop itself knows when no task is ready. Only for programs without sockets and threads: those take
real time, which does not pass here, and threads are refused with an explanation.
"""

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
_LOOK_EVERY = 100
"""So many turns of the loop come between two looks at its sockets."""


class DeadlockError(RuntimeError):
    """Every task waits, and no timer is set that could wake one."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual, begins at 0 and advances in whole microseconds.

    What happens to one camera must not depend on the others: timers that are due at the same moment run in the order
    in which they were set, and the moment does not carry rounding errors of earlier ones.
    """

    def __init__(self) -> None:
        self._virtual_s = 0.0
        self._numbers = count()
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        """Virtual seconds."""
        return self._virtual_s

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> TimerHandle:  # type: ignore[override]
        """See `asyncio.loop.call_at`. Rounds up to a whole microsecond."""
        return super().call_at(_Moment(self._whole(when), next(self._numbers)), callback, *args, context=context)

    def run_in_executor(self, *_: Any) -> Any:  # type: ignore[override]  # accepts any arguments
        """Raises RuntimeError: a thread takes real time, which does not pass here."""
        raise RuntimeError("no threads in virtual time: pass in an InlineWorker")

    def _jump(self, timeout_s: float | None) -> None:
        if timeout_s is None:
            raise DeadlockError("every task waits and no timer is set")
        self._virtual_s = round(self._virtual_s + timeout_s, 6)

    def _whole(self, when: float) -> float:
        """Never before `when`, and later than now if `when` is: else a task could sleep until then again and again."""
        whole = math.ceil(when * 1e6 - 1e-3) / 1e6
        return max(whole, round(self._virtual_s + 1e-6, 6)) if when > self._virtual_s else whole


class _Moment(float):
    """When a timer is due. Of two at the same moment the lower number comes first; a heap has no such order."""

    __slots__ = ("number",)
    number: int

    def __new__(cls, when: float, number: int) -> "_Moment":
        one = super().__new__(cls, when)
        one.number = number
        return one

    def __lt__(self, other: float) -> bool:
        return self.number < other.number if isinstance(other, _Moment) and self == other else super().__lt__(other)


class _JumpingSelector(selectors.SelectSelector):
    """Lets virtual time pass at once, instead of waiting for sockets. There are none but the loop's own."""

    def __init__(self, jump: Callable[[float | None], None]) -> None:
        super().__init__()
        self._jump = jump
        self._until_look = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0) if timeout is None or self._is_time_to_look() else []
        if not ready and (timeout is None or timeout > 0):
            self._jump(timeout)
        return ready

    def _is_time_to_look(self) -> bool:
        """Whether to ask the kernel, which takes longer than the rest of a turn: only signals write to the sockets."""
        self._until_look = (self._until_look or _LOOK_EVERY) - 1
        return not self._until_look


class VirtualClock(SimulatedClock):
    """A wall clock in virtual time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime = START) -> None:
        super().__init__(LoopTimeline(loop), start)


def run_virtual(program: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """Run `program(clock)` in virtual time. Returns its result."""
    results: list[T] = []  # not the task's: `asyncio.Runner` makes a text of that, which takes seconds for a fleet

    async def keep_result(clock: VirtualClock) -> None:
        results.append(await program(clock))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(keep_result(VirtualClock(runner.get_loop())))
    return results[0]

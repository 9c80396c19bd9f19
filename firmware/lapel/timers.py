"""Timers by name: each calls a function once, later. They schedule nothing while none is set."""

import asyncio
from collections.abc import Callable

from lapel.clock import Clock


class Timers:
    """The timers of one part of a camera. Belongs to the event loop."""

    __slots__ = ("_clock", "_tasks")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def set(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` in `seconds`. A timer of that name that runs is replaced."""
        self.cancel(name)
        self._tasks[name] = asyncio.create_task(self._fire(name, seconds, action), name=f"timer {name}")

    def cancel(self, name: str) -> bool:
        """Cancel the timer of that name. Whether it was running."""
        task = self._tasks.pop(name, None)
        if task is None:
            return False
        task.cancel()
        return True

    def is_set(self, name: str) -> bool:
        """Whether the timer of that name is running."""
        return name in self._tasks

    def close(self) -> None:
        """Cancel all of them."""
        for name in tuple(self._tasks):
            self.cancel(name)

    async def _fire(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        await self._clock.sleep(seconds)
        self._tasks.pop(name, None)  # the action may set it again
        action()

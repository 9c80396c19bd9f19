"""What a task waits for, in little memory: a bell that somebody rings, and an inbox that somebody fills.

asyncio's Event and Queue keep room for dozens of waiters and items, 0.8 and 3 KB of it, from the start. A camera has
ten of them and mostly waits; thousands of cameras share a machine when a fleet is simulated.
"""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class LightEvent:
    """As asyncio.Event: whoever waits is woken when it is rung, and nobody waits until it is silenced again."""

    __slots__ = ("_waiting", "is_set")

    def __init__(self) -> None:
        self.is_set = False
        self._waiting: tuple[asyncio.Future[None], ...] = ()

    def set(self) -> None:
        """Wake everybody. It stays rung."""
        self.is_set = True
        for one in self._waiting:
            if not one.done():
                one.set_result(None)

    def clear(self) -> None:
        """From now on one waits again."""
        self.is_set = False

    def pulse(self) -> None:
        """Wake those who wait now, and nobody later."""
        self.set()
        self.clear()

    async def wait(self) -> None:
        """Until it is rung; not at all when it is."""
        if self.is_set:
            return
        rung = asyncio.get_running_loop().create_future()
        self._waiting = (*self._waiting, rung)
        try:
            await rung
        finally:
            self._waiting = tuple(one for one in self._waiting if one is not rung)


class Inbox(Generic[T]):
    """As asyncio.Queue without a limit: first in, first out."""

    __slots__ = ("_filled", "_items")

    def __init__(self) -> None:
        self._items: list[T] = []
        self._filled = LightEvent()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add it last."""
        self._items.append(item)
        self._filled.set()

    async def get(self) -> T:
        """Take the first, once there is one."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        return self._items.pop(0)

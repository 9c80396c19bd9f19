"""An event, an inbox and a broadcast for tasks to wait for, in little memory.

asyncio's Event and Queue reserve 0.8 and 3 KB for dozens of waiters and items. A camera has ten of them and mostly
waits; when a fleet is simulated, thousands of cameras share a machine.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")


class LightEvent:
    """As asyncio.Event, with `pulse` in addition."""

    __slots__ = ("_waiting", "is_set")

    def __init__(self) -> None:
        self.is_set = False
        self._waiting: tuple[asyncio.Future[None], ...] = ()

    def set(self) -> None:
        """Wake all waiting tasks. From now on `wait` returns at once."""
        self.is_set = True
        woken, self._waiting = self._waiting, ()
        for waiting in woken:
            if not waiting.done():
                waiting.set_result(None)

    def clear(self) -> None:
        """From now on `wait` waits again."""
        self.is_set = False

    def pulse(self) -> None:
        """Wake the tasks that wait now, and none that wait later."""
        self.set()
        self.clear()

    def wait(self) -> asyncio.Future[None]:
        """Await it: done once the event is set, at once when it is. No coroutine, whose frame would take 0.2 KB."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.is_set:
            waiting.set_result(None)
        else:
            still_waiting = [other for other in self._waiting if not other.done()]  # the others were cancelled
            self._waiting = (*still_waiting, waiting)
        return waiting


class Inbox(Generic[T]):
    """As asyncio.Queue without a limit: first in, first out. For one reader."""

    __slots__ = ("_filled", "_items")

    def __init__(self) -> None:
        self._items: list[T] = []
        self._filled = LightEvent()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add an item at the end."""
        self._items.append(item)
        self._filled.set()

    async def get(self) -> T:
        """Wait until there is an item, and remove the first."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        return self._items.pop(0)


class Broadcast(Generic[T]):
    """Items for any number of readers. Each gets those since it began to read."""

    __slots__ = ("_readers",)

    def __init__(self) -> None:
        self._readers: list[Inbox[T]] = []

    @property
    def has_readers(self) -> bool:
        """Whether a task reads."""
        return bool(self._readers)

    def put(self, item: T) -> None:
        """Give an item to all readers; without one it is gone."""
        for reader in self._readers:
            reader.put(item)

    async def items(self) -> AsyncIterator[T]:
        """Each item since the iteration began; ends only when cancelled."""
        inbox = Inbox[T]()
        self._readers.append(inbox)
        try:
            while True:
                yield await inbox.get()
        finally:
            self._readers.remove(inbox)

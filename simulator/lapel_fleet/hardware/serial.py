"""A serial line in memory. Its outside-world side is the client: it attaches, types, reads or forgets to, hangs up."""

import asyncio
from collections import deque
from collections.abc import Callable

_UNREAD_MAX_BYTES = 16_384
_UNSENT_MAX_BYTES = 262_144
"""As much as a line on a real device keeps before it drops what it is given."""


class SimulatedSerial:
    """Implements `lapel.hardware.interfaces.SerialLine`. Takes no time; a slow client is one that stops reading."""

    def __init__(self, name: str = "simulated line", baud: int | None = None) -> None:
        self.name, self.baud = name, baud
        self.history: list[str] = []
        """What the client did."""
        self.received = bytearray()
        """What the client has read since it attached."""
        self.on_heard: Callable[[bytes], None] = lambda _: None
        """Told each piece that the client reads: a terminal."""
        self._clients, self._visit = 0, 0
        self._there, self._reads = False, True
        self._unread = bytearray()
        self._unsent: deque[bytes] = deque()
        self._stirred, self._drained = asyncio.Event(), asyncio.Event()
        self._drained.set()

    # the outside world

    def attach(self) -> None:
        """A client opens the line; one that was there is gone."""
        if self._there:
            self.hang_up()
        self.history.append("attach")
        self._clients += 1
        self._there = self._reads = True
        self.received.clear()
        self._stirred.set()

    def hang_up(self) -> None:
        """The client closes the line, or the cable is pulled: what is under way is lost, either way."""
        self.history.append("hang up")
        self._there = False
        self._unread.clear()
        self._unsent.clear()
        self._drained.set()
        self._stirred.set()

    def type(self, data: bytes) -> int:
        """The client types as much of `data` as the line takes; how much that was."""
        taken = data[: _UNREAD_MAX_BYTES - len(self._unread)] if self._there else b""
        self._unread += taken
        self._stirred.set()
        return len(taken)

    def stop_reading(self) -> None:
        """As after ^S, or where the client hangs."""
        self.history.append("stop reading")
        self._reads = False

    def go_on_reading(self) -> None:
        """What has waited comes at once."""
        self.history.append("go on reading")
        self._reads = True
        self._deliver()

    # the firmware

    async def attached(self) -> None:
        """See `SerialLine.attached`."""
        while not self._there:
            await self._stir()
        self._visit = self._clients

    async def read(self) -> bytes:
        """See `SerialLine.read`."""
        while self._is_up() and not self._unread:
            await self._stir()
        if not self._is_up():
            return b""
        data = bytes(self._unread)
        self._unread.clear()
        return data

    def write(self, data: bytes) -> bool:
        """See `SerialLine.write`."""
        if not self._is_up() or self.waiting_bytes() + len(data) > _UNSENT_MAX_BYTES:
            return False
        self._unsent.append(data)
        self._drained.clear()
        self._deliver()
        return True

    def waiting_bytes(self) -> int:
        """See `SerialLine.waiting_bytes`."""
        return sum(map(len, self._unsent))

    async def drained(self) -> None:
        """See `SerialLine.drained`."""
        await self._drained.wait()

    def discard(self) -> None:
        """See `SerialLine.discard`."""
        self._unsent.clear()
        self._drained.set()

    def close(self) -> None:
        """See `SerialLine.close`."""
        if self._there:
            self.hang_up()

    def _is_up(self) -> bool:
        return self._there and self._visit == self._clients

    async def _stir(self) -> None:
        self._stirred.clear()
        await self._stirred.wait()

    def _deliver(self) -> None:
        while self._reads and self._unsent:
            data = self._unsent.popleft()
            self.received += data
            self.on_heard(data)
        if not self._unsent:
            self._drained.set()

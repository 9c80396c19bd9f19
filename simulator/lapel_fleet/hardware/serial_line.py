"""A serial line in memory. The outside world is the client: it attaches, types, reads or stops reading, hangs up."""

import asyncio
from collections import deque
from collections.abc import Callable

_UNREAD_MAX_BYTES = 16_384
_UNSENT_MAX_BYTES = 262_144
"""As much as the driver of a real line buffers before it drops data."""


class SimulatedSerialLine:
    """Implements `lapel.hardware.interfaces.SerialLine`. Transmission takes no time; a slow client stops reading."""

    def __init__(self, name: str = "simulated line", baud: int | None = None) -> None:
        self.name, self.baud = name, baud
        self.history: list[str] = []
        """What the client did, in order."""
        self.received = bytearray()
        """What the client has read since it attached."""
        self.on_read: Callable[[bytes], None] = lambda _: None
        """Called with each piece that the client reads; a test puts a terminal here."""
        self._clients, self._served_client = 0, 0
        self._is_attached, self._reads = False, True
        self._unread = bytearray()
        self._unsent: deque[bytes] = deque()
        self._changed, self._drained = asyncio.Event(), asyncio.Event()
        self._drained.set()

    # -- the outside world ---------------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Open the line as a new client; one that has it open is hung up."""
        if self._is_attached:
            self.hang_up()
        self.history.append("attach")
        self._clients += 1
        self._is_attached = self._reads = True
        self.received.clear()
        self._changed.set()

    def hang_up(self) -> None:
        """Close the line or pull its cable: what is in transit is lost in both directions."""
        self.history.append("hang up")
        self._is_attached = False
        self._unread.clear()
        self._unsent.clear()
        self._drained.set()
        self._changed.set()

    def type(self, data: bytes) -> int:
        """Type as much of `data` as the line takes. Returns the number of bytes."""
        taken = data[: _UNREAD_MAX_BYTES - len(self._unread)] if self._is_attached else b""
        self._unread += taken
        self._changed.set()
        return len(taken)

    def stop_reading(self) -> None:
        """Read no more, as after ^S or when the client hangs."""
        self.history.append("stop reading")
        self._reads = False

    def resume_reading(self) -> None:
        """Read again, first what has waited."""
        self.history.append("resume reading")
        self._reads = True
        self._deliver()

    # -- the firmware --------------------------------------------------------------------------------------------------

    async def attached(self) -> None:
        """See `SerialLine.attached`."""
        while not self._is_attached:
            await self._change()
        self._served_client = self._clients

    async def read(self) -> bytes:
        """See `SerialLine.read`."""
        while self._is_up() and not self._unread:
            await self._change()
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
        if self._is_attached:
            self.hang_up()

    def _is_up(self) -> bool:
        """Whether the client that the firmware serves is still attached."""
        return self._is_attached and self._served_client == self._clients

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _deliver(self) -> None:
        while self._reads and self._unsent:
            data = self._unsent.popleft()
            self.received += data
            self.on_read(data)
        if not self._unsent:
            self._drained.set()

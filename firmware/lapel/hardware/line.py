"""What every serial line on a file descriptor has in common: it never blocks, and keeps a bounded amount each way."""

import asyncio
import contextlib
import os
import select
from collections import deque

_CHUNK_BYTES = 4096
_UNREAD_MAX_BYTES = 4_096
_UNSENT_MAX_BYTES = 262_144
"""The longest answer that a command may give fits several times; a client that stops reading costs no more."""
_LOOK_S = 0.1
"""Seconds between looks whether the other end is still there, while nothing is read that would tell."""


class DescriptorLine:
    """Bytes to and from a non-blocking descriptor. A subclass says how a line is opened and when somebody is there."""

    def __init__(self, name: str, baud: int | None) -> None:
        self._name, self._baud = name, baud
        self._descriptor: int | None = None
        self._up = False
        self._unread = bytearray()
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._look: asyncio.TimerHandle | None = None
        self._stirred = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    @property
    def name(self) -> str:
        """As the user named it."""
        return self._name

    @property
    def baud(self) -> int | None:
        """Bits per second, where it has a speed of its own."""
        return self._baud

    async def read(self) -> bytes:
        """The next bytes; `b""` once the other end has hung up."""
        while not self._unread and self._up:
            self._stirred.clear()
            await self._stirred.wait()
        data = bytes(self._unread)
        self._unread.clear()
        if self._look is not None:
            self._stop_looking()
            self._listen()
        return data

    def write(self, data: bytes) -> bool:
        """Send what the kernel takes now, queue the rest, or drop all of it when too much waits."""
        if not self._up or self._unsent_bytes + len(data) > _UNSENT_MAX_BYTES:
            return False
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        if self._drained.is_set():
            self._drained.clear()
            self._send()
        return True

    def waiting_bytes(self) -> int:
        """How much has not left yet."""
        return self._unsent_bytes

    async def drained(self) -> None:
        """Wait until everything written has left, or nobody is there any more."""
        await self._drained.wait()

    def discard(self) -> None:
        """Forget what has not left yet."""
        self._unsent.clear()
        self._unsent_bytes = 0
        self._send()

    def close(self) -> None:
        """Let go of the descriptor. Harmless when closed."""
        self._hung_up()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    # -- for subclasses ----------------------------------------------------------------------------------------------

    def _picked_up(self, already: bytes = b"") -> None:
        """Somebody is there; `already` is what was read to find out."""
        self._unread[:] = already
        self._up = True
        self._listen()

    def _hung_up(self) -> None:
        """Nobody is there: what waits is dropped, who waits is woken. A line that ended polls readable for ever, so
        the loop must not look at it any more.
        """
        self._up = False
        self._stop_looking()
        if self._descriptor is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._descriptor)
            loop.remove_writer(self._descriptor)
        self._unread.clear()
        self._unsent.clear()
        self._unsent_bytes = 0
        self._drained.set()
        self._stirred.set()

    def _listen(self) -> None:
        assert self._descriptor is not None
        asyncio.get_running_loop().add_reader(self._descriptor, self._receive)

    def _receive(self) -> None:
        assert self._descriptor is not None
        try:
            data = os.read(self._descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or self._changed_hands():
            self._hung_up()
            return
        self._unread += data
        if len(self._unread) >= _UNREAD_MAX_BYTES:
            self._pause()
        self._stirred.set()

    def _changed_hands(self) -> bool:
        """Whether what was just read, or is to be written, may be another client's: for lines that can tell."""
        return False

    def _pause(self) -> None:
        """The kernel keeps the rest until somebody reads. A hang-up must not wait behind it."""
        assert self._descriptor is not None
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._descriptor)
        self._look = loop.call_later(_LOOK_S, self._see_whether_it_is_up)

    def _see_whether_it_is_up(self) -> None:
        if self._is_hung_up():
            self._hung_up()
        else:
            self._look = asyncio.get_running_loop().call_later(_LOOK_S, self._see_whether_it_is_up)

    def _is_hung_up(self) -> bool:
        """As the kernel has it, however much there is still to read."""
        assert self._descriptor is not None
        poll = select.poll()
        poll.register(self._descriptor, 0)
        return bool(poll.poll(0))

    def _stop_looking(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _send(self) -> None:
        """As much as the kernel takes; the loop calls again when it takes more."""
        if self._descriptor is None:
            return
        if self._up and self._changed_hands():
            self._hung_up()
            return
        loop = asyncio.get_running_loop()
        try:
            while self._unsent:
                sent = os.write(self._descriptor, self._unsent[0])
                self._unsent_bytes -= sent
                left = self._unsent.popleft()[sent:]
                if left:
                    self._unsent.appendleft(left)
        except BlockingIOError:
            loop.add_writer(self._descriptor, self._send)
            return
        except OSError:
            self._hung_up()
            return
        with contextlib.suppress(ValueError):
            loop.remove_writer(self._descriptor)
        self._drained.set()

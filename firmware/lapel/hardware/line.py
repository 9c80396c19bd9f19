"""A serial line on a file descriptor: it never blocks, and buffers a limited amount in each direction."""

import asyncio
import contextlib
import os
import select
from collections import deque

_CHUNK_BYTES = 4096
_UNREAD_MAX_BYTES = 4_096
_UNSENT_MAX_BYTES = 262_144
"""Several times the longest answer of a command; a client that stops reading costs no more memory."""
_POLL_S = 0.1
"""Seconds between checks for a hang-up while reading is paused, since only a read would report it."""


class DescriptorLine:
    """Bytes to and from a non-blocking descriptor. A subclass opens the line and detects when a client attaches."""

    def __init__(self, name: str, baud: int | None) -> None:
        self._name, self._baud = name, baud
        self._descriptor: int | None = None
        self._is_attached = False
        self._unread = bytearray()
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._poll: asyncio.TimerHandle | None = None
        self._activity = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    @property
    def name(self) -> str:
        """The device as the user named it."""
        return self._name

    @property
    def baud(self) -> int | None:
        """Bits per second; None where the line has no speed of its own."""
        return self._baud

    async def read(self) -> bytes:
        """The next bytes; `b""` once the client has detached."""
        while not self._unread and self._is_attached:
            self._activity.clear()
            await self._activity.wait()
        data = bytes(self._unread)
        self._unread.clear()
        if self._poll is not None:
            self._stop_polling()
            self._listen()
        return data

    def write(self, data: bytes) -> bool:
        """Send what the kernel accepts now and queue the rest; or drop all of it when too much is queued."""
        if not self._is_attached or self._unsent_bytes + len(data) > _UNSENT_MAX_BYTES:
            return False
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        if self._drained.is_set():
            self._drained.clear()
            self._send()
        return True

    def waiting_bytes(self) -> int:
        """How much has not been sent yet."""
        return self._unsent_bytes

    async def drained(self) -> None:
        """Wait until everything written has been sent, or the client has detached."""
        await self._drained.wait()

    def discard(self) -> None:
        """Discard what has not been sent yet."""
        self._unsent.clear()
        self._unsent_bytes = 0
        self._send()

    def close(self) -> None:
        """Close the descriptor. Harmless when closed."""
        self._on_detached()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    # -- for subclasses ----------------------------------------------------------------------------------------------

    def _on_attached(self, already: bytes = b"") -> None:
        """A client has attached; `already` is what was read to detect it."""
        self._unread[:] = already
        self._is_attached = True
        self._listen()

    def _on_detached(self) -> None:
        """The client has detached: discard the queues and wake waiting tasks. A line that has hung up polls as readable
        for ever, so the event loop must stop watching it.
        """
        self._is_attached = False
        self._stop_polling()
        if self._descriptor is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._descriptor)
            loop.remove_writer(self._descriptor)
        self._unread.clear()
        self._unsent.clear()
        self._unsent_bytes = 0
        self._drained.set()
        self._activity.set()

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
        if not data or self._has_other_client():
            self._on_detached()
            return
        self._unread += data
        if len(self._unread) >= _UNREAD_MAX_BYTES:
            self._pause()
        self._activity.set()

    def _has_other_client(self) -> bool:
        """Whether another client may have attached since, on lines that can detect it: then what was read, or is to be
        written, may not be this client's.
        """
        return False

    def _pause(self) -> None:
        """Stop reading: the kernel keeps the rest. A hang-up must be noticed all the same."""
        assert self._descriptor is not None
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._descriptor)
        self._poll = loop.call_later(_POLL_S, self._check_hang_up)

    def _check_hang_up(self) -> None:
        if self._is_hung_up():
            self._on_detached()
        else:
            self._poll = asyncio.get_running_loop().call_later(_POLL_S, self._check_hang_up)

    def _is_hung_up(self) -> bool:
        """Whether the kernel reports a hang-up, however much there is still to read."""
        assert self._descriptor is not None
        poll = select.poll()
        poll.register(self._descriptor, 0)
        return bool(poll.poll(0))

    def _stop_polling(self) -> None:
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None

    def _send(self) -> None:
        """Send as much as the kernel accepts; the event loop calls this again when it accepts more."""
        if self._descriptor is None:
            return
        if self._is_attached and self._has_other_client():
            self._on_detached()
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
            self._on_detached()
            return
        with contextlib.suppress(ValueError):
            loop.remove_writer(self._descriptor)
        self._drained.set()

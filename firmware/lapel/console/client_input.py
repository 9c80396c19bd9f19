"""Input from the client: keys for the line editor, or raw bytes while machine mode or a file transfer has the line."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from lapel.clock import Clock
from lapel.console.executor import CommandExecutor
from lapel.console.keys import KeyDecoder, RawInput, TypeAhead
from lapel.console.screen import Screen
from lapel.hardware.interfaces import SerialLine

_LARGE_READ_BYTES = 1_024
_PAUSE_S = 0.05
"""Pause after a large read, so that other tasks run. No UART is that fast; noise on a pty or a USB gadget is."""
_CTRL_C = b"\x03"
"""Alone in a read it comes from a user, even in raw mode: the user cancels a transfer whose receiver never started."""


class ClientInput:
    """Reads the serial line all the time, so that a hang-up is noticed at once; buffers input until it is read."""

    def __init__(self, line: SerialLine, clock: Clock, screen: Screen, executor: CommandExecutor) -> None:
        self._line, self._clock, self._screen, self._executor = line, clock, screen, executor
        self._decoder, self._keys = KeyDecoder(), TypeAhead()
        self._raw: RawInput | None = None

    async def receive(self) -> None:
        """Read until the client hangs up. Never waits for a consumer: a hang-up could go unnoticed, and the next client
        would find itself in this session.
        """
        while data := await self._line.read():
            if self._raw is not None and not (self._executor.is_busy and data == _CTRL_C):
                self._raw.put(data)
            else:
                dropped = [key for key in self._decoder.feed(data) if not self._take(key)]
                if dropped and not self._screen.is_busy():
                    self._screen.write("\a")
            await self._clock.sleep(_PAUSE_S if len(data) > _LARGE_READ_BYTES else 0)

    async def read_key(self) -> str:
        """The next key."""
        return await self._keys.get()

    def clear(self) -> None:
        """Drop the keys that were typed ahead."""
        self._keys.clear()

    @property
    def is_raw(self) -> bool:
        """Whether input is delivered as raw bytes."""
        return self._raw is not None

    @contextmanager
    def raw(self) -> Iterator[AsyncIterator[bytes]]:
        """Deliver input as raw bytes while the block runs."""
        self._raw = RawInput()
        try:
            yield self._raw.pieces()
        finally:
            self._raw = None

    def _take(self, key: str) -> bool:
        """Queue or handle a key. False when the queue is full."""
        if key.startswith("column ") and len(key) > 7:
            self._screen.on_width(int(key[7:]) if key[7:].isdigit() else 0)
            return True
        if key == "interrupt" and self._executor.is_busy:
            self._keys.clear()
            self._executor.interrupt()
            return True
        return self._keys.put(key)

"""A terminal as a camera's button and lights: space records, `m` marks, `q` quits; one live status line."""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from lapel.hardware.interfaces import ButtonAction, Signal
from lapel.states import State

_KEYS: dict[bytes, ButtonAction] = {b" ": "event", b"m": "mark", b"q": "quit", b"\x03": "quit", b"\x04": "quit"}
_REFRESH_S = 0.5


class TerminalButtons:
    """Keys as buttons. The terminal must be in cbreak mode (see `keys_at_once`)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def presses(self) -> AsyncIterator[ButtonAction]:
        """Each key that means something, until cancelled; a terminal that went away presses nothing more."""
        loop, pressed = asyncio.get_running_loop(), asyncio.Queue[bytes]()

        def readable() -> None:
            keys = b""
            with contextlib.suppress(OSError):
                keys = os.read(self._descriptor, 64)
            if not keys:
                loop.remove_reader(self._descriptor)
            for key in keys:
                pressed.put_nowait(bytes([key]))

        loop.add_reader(self._descriptor, readable)
        try:
            while True:
                action = _KEYS.get(await pressed.get())
                if action is not None:
                    yield action
        finally:
            loop.remove_reader(self._descriptor)


@contextmanager
def keys_at_once(descriptor: int) -> Iterator[None]:
    """Keys arrive as they are pressed and are not echoed; the terminal is given back as it was."""
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


_BELL = "\a"
_HERE = "*** here I am *** (asked to identify for {:g} s)"


class PlainIndicators:
    """Lines, one after the other: for pipes, logs and systemd."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out

    def show_line(self, line: str) -> None:
        """Print it."""
        print(line, file=self._out, flush=True)

    def show_state(self, state: State) -> None:
        """There is no light, and each state is a line already."""

    def signal(self, signal: Signal) -> None:
        """There is nothing that sounds, and what matters is a line already."""

    def identify(self, seconds: float) -> None:
        """There is nothing to blink: say it."""
        self.show_line(_HERE.format(seconds))


class StatusLine:
    """The same lines, above a status line that is drawn anew twice a second."""

    def __init__(self, status: Callable[[], str], out: TextIO = sys.stdout) -> None:
        self._status, self._out = status, out

    def show_line(self, line: str) -> None:
        """Put it above the status line."""
        self._out.write(f"\r\x1b[K{line}\n")
        self._draw()

    def show_state(self, state: State) -> None:
        """The status line tells it already."""

    def signal(self, signal: Signal) -> None:
        """The terminal's bell; for a reminder nobody at a terminal needs it."""
        if signal != "recording":
            self._out.write(_BELL)
            self._out.flush()

    def identify(self, seconds: float) -> None:
        """The terminal's bell, and a line."""
        self.show_line(_BELL + _HERE.format(seconds))

    async def run(self) -> None:
        """Keep the line fresh, until cancelled."""
        try:
            while True:
                self._draw()
                await asyncio.sleep(_REFRESH_S)
        finally:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def _draw(self) -> None:
        known = os.get_terminal_size(self._out.fileno()).columns if self._out.isatty() else 0
        width = known or 80  # a serial line or a fresh pty says 0
        self._out.write(f"\r\x1b[K{self._status()[: width - 1]}")
        self._out.flush()

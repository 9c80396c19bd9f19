"""A terminal as the buttons and lights of a camera: space records, `m` marks, `q` quits; a live status line."""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from lapel.hardware.interfaces import ButtonAction
from lapel.indications import Light, Pattern, Signal
from lapel.sanitize import plain
from lapel.states import State

_KEYS: dict[bytes, ButtonAction] = {b" ": "event", b"m": "mark", b"q": "quit", b"\x03": "quit", b"\x04": "quit"}
_REFRESH_S = 0.5


class TerminalButtons:
    """Keys as buttons. The terminal must be in cbreak mode (see `unbuffered_keys`)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def presses(self) -> AsyncIterator[ButtonAction]:
        """Each key with a meaning, until cancelled; a terminal that was closed delivers none."""
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
def unbuffered_keys(descriptor: int) -> Iterator[None]:
    """Deliver keys as they are pressed and without echo while the block runs; then restore the terminal's settings."""
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


_BELL = "\a"
_RUNG: tuple[Signal, ...] = ("refused", "confirm", "duty missed", "fault", "low battery", "critical battery",
                             "storage full", "clock unset", "no wearer", "dead microphone")  # fmt: skip
"""Signals that ask the wearer to do something."""
_IDENTIFY = "*** identify: this camera *** (for {:g} s)"


class PlainIndicators:
    """Prints lines: for pipes, logs and systemd."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out

    def show_line(self, line: str) -> None:
        """Print it."""
        print(plain(line), file=self._out, flush=True)

    def show_state(self, state: State) -> None:
        """Nothing: each state is a line already."""

    def show_light(self, light: Light) -> None:
        """Nothing: there is no light."""

    def signal(self, signal: Signal, pattern: Pattern) -> None:
        """Nothing: what the signals mean is a line already."""

    def identify(self, seconds: float) -> None:
        """Print a line."""
        self.show_line(_IDENTIFY.format(seconds))

    def silence(self) -> None:
        """Nothing: lines make no noise."""


class StatusLine:
    """Prints lines above a status line that is refreshed twice a second."""

    def __init__(self, status: Callable[[], str], out: TextIO = sys.stdout) -> None:
        self._status, self._out = status, out

    def show_line(self, line: str) -> None:
        """Print it above the status line."""
        self._out.write(f"\r\x1b[K{plain(line)}\n")
        self._draw()

    def show_state(self, state: State) -> None:
        """Nothing: the status line shows it already."""

    def show_light(self, light: Light) -> None:
        """Nothing: the status line shows what a light would."""

    def signal(self, signal: Signal, pattern: Pattern) -> None:  # noqa: ARG002
        """Ring the terminal's bell, for what the status line alone does not show."""
        if signal in _RUNG:
            self._out.write(_BELL)
            self._out.flush()

    def identify(self, seconds: float) -> None:
        """Ring the terminal's bell, and print a line."""
        self._out.write(_BELL)
        self.show_line(_IDENTIFY.format(seconds))

    def silence(self) -> None:
        """Nothing: a bell is over at once."""

    async def run(self) -> None:
        """Refresh the status line until cancelled."""
        try:
            while True:
                self._draw()
                await asyncio.sleep(_REFRESH_S)
        finally:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def _draw(self) -> None:
        columns = os.get_terminal_size(self._out.fileno()).columns if self._out.isatty() else 0
        width = columns or 80  # a serial line or a new pty reports 0
        self._out.write(f"\r\x1b[K{plain(self._status())[: width - 1]}")
        self._out.flush()

"""A pseudo terminal as a service port: for laptops, and for simulated cameras that somebody attaches to.

Linux has 4,096 of them: one is made when it is asked for, never one per camera.
"""

import contextlib
import os
import select
import termios
import tty
from pathlib import Path

from lapel.clock import Clock
from lapel.errors import ConfigError
from lapel.hardware.line import DescriptorLine

_LOOK_S = 0.1
"""Seconds between looks whether somebody has opened it: the kernel has no event for that."""


class PtyLine(DescriptorLine):
    """The master's side. A client opens `path` as it would a serial device; closing it hangs up."""

    def __init__(self, clock: Clock, link: Path | None = None) -> None:
        """`link` is made a symbolic link to the device. Raises ConfigError when something else is in its place."""
        master, slave = os.openpty()
        self.path = os.ttyname(slave)
        os.close(slave)
        super().__init__(self.path, None)
        self._clock, self._link = clock, link
        self._descriptor = master
        os.set_blocking(master, False)
        self._clean()
        try:
            _link(link, self.path)
        except OSError as error:
            os.close(master)
            raise ConfigError(f"{link}: cannot be made a link to {self.path}: {error.strerror}") from error

    async def attached(self) -> None:
        """Look now and then until somebody has opened it."""
        while not self._opened():
            await self._clock.sleep(_LOOK_S)
        self._picked_up()

    def close(self) -> None:
        """Hang up for good, and take the link away."""
        if self._descriptor is not None and self._link is not None and _leads_to(self._link, self.path):
            self._link.unlink(missing_ok=True)
        super().close()

    def _hung_up(self) -> None:
        super()._hung_up()
        if self._descriptor is not None:
            self._clean()

    def _opened(self) -> bool:
        assert self._descriptor is not None
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return not any(events & select.POLLHUP for _, events in poll.poll(0))

    def _clean(self) -> None:
        """Raw and empty, whatever the last client left: else the next one reads the end of that session."""
        slave = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
        try:
            termios.tcflush(slave, termios.TCIOFLUSH)
            tty.setraw(slave)
        finally:
            os.close(slave)


def _link(link: Path | None, device: str) -> None:
    """An old link to a pseudo terminal is replaced; a file of the user's is not."""
    if link is None:
        return
    with contextlib.suppress(FileNotFoundError):
        if os.readlink(link).startswith("/dev/pts/"):
            link.unlink()
    link.symlink_to(device)


def _leads_to(link: Path, device: str) -> bool:
    try:
        return os.readlink(link) == device
    except OSError:
        return False

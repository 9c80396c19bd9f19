"""A pseudo terminal as a service port: for laptops, and for simulated cameras that somebody attaches to.

Linux has 4,096 of them: one is made when it is asked for, never one per camera.
"""

import asyncio
import contextlib
import os
import termios
import tty
from pathlib import Path

from lapel.clock import Clock
from lapel.errors import ConfigError
from lapel.hardware.desktop.open_events import OpenEvents
from lapel.hardware.line import DescriptorLine

_LOOK_S = 0.1
"""Seconds between looks whether somebody has it open."""


class PtyLine(DescriptorLine):
    """The master's side. A client opens `path` as it would a serial device; closing it hangs up.

    A client that closes it and another that opens it before anybody looks leave no trace at the master (tried: no
    POLLHUP, no EIO, nothing in packet mode). But the device's node tells who opens it: whoever does while it is in use
    ends that visit, so that nobody inherits a login. Between the close and that moment a client which is quick enough
    still reads what the kernel held for the one before: up to 22 kB (Linux 6.18), nothing where that one had read it.
    """

    def __init__(self, clock: Clock, link: Path | None = None) -> None:
        """`link` is made a symbolic link to the device. Raises ConfigError when something else is in its place, or when
        the kernel has no watch left for the device.
        """
        master, slave = os.openpty()
        self.path = os.ttyname(slave)
        os.close(slave)
        super().__init__(self.path, None)
        self._clock, self._link = clock, link
        self._descriptor = master
        os.set_blocking(master, False)
        self._clean()
        try:
            self._openings = OpenEvents(self.path)
        except OSError as error:
            os.close(master)
            raise ConfigError(
                f"{self.path}: cannot be watched: {error.strerror}; raise fs.inotify.max_user_instances"
            ) from error
        try:
            _link(link, self.path)
        except OSError as error:
            self._openings.close()
            os.close(master)
            raise ConfigError(f"{link}: cannot be made a link to {self.path}: {error.strerror}") from error

    async def attached(self) -> None:
        """Look now and then until somebody has opened it."""
        while self._is_hung_up():
            await self._clock.sleep(_LOOK_S)
        self._openings.were_any()  # our own, while cleaning up, and this client's
        self._picked_up()
        asyncio.get_running_loop().add_reader(self._openings.fileno(), self._see_who_opened)

    def close(self) -> None:
        """Hang up for good, and take the link away."""
        if self._descriptor is not None:
            if self._link is not None and _leads_to(self._link, self.path):
                self._link.unlink(missing_ok=True)
            super().close()
            self._openings.close()

    def _hung_up(self) -> None:
        super()._hung_up()
        asyncio.get_running_loop().remove_reader(self._openings.fileno())
        self._clean()

    def _changed_hands(self) -> bool:
        return self._openings.were_any()

    def _see_who_opened(self) -> None:
        if self._openings.were_any():
            self._hung_up()

    def _clean(self) -> None:
        """Raw and empty, whatever the last client left: else the next one reads the end of that session, and what was
        typed in it is taken for his. On its way a byte waits at its sender's end of the kernel first, then at its
        reader's.
        """
        assert self._descriptor is not None
        slave = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
        try:
            termios.tcflush(self._descriptor, termios.TCOFLUSH)
            termios.tcflush(slave, termios.TCIOFLUSH)
            termios.tcflush(self._descriptor, termios.TCIFLUSH)
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

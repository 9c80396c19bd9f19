"""A pseudo terminal as a service port: for laptops, and for simulated cameras with an attached client.

Linux has 4,096 of them: one is allocated when it is needed, never one per camera.
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

_POLL_S = 0.1
"""Seconds between checks whether a client has opened it."""


class PtyLine(DescriptorLine):
    """The master side of a pseudo terminal. A client opens `path` like a serial device; closing it hangs up.

    If one client closes it and another opens it between two polls, the master cannot see it (tried: no POLLHUP, no EIO,
    nothing in packet mode). But inotify reports each opening of the device's node: an opening while it is in use ends
    the current visit, so that no client inherits another's login. Until then a quick client can still read what the
    kernel held for the one before: up to 22 kB (Linux 6.18), nothing where that one had read it.
    """

    def __init__(self, clock: Clock, link: Path | None = None) -> None:
        """`link` is created as a symbolic link to the device. Raises ConfigError when another file is in its place, or
        when the kernel has no watch left for the device.
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
        """Poll until a client has opened it."""
        while self._is_hung_up():
            await self._clock.sleep(_POLL_S)
        self._openings.were_any()  # by our own clean-up, and by this client
        self._on_attached()
        asyncio.get_running_loop().add_reader(self._openings.fileno(), self._on_opened)

    def close(self) -> None:
        """Hang up for good, and remove the link."""
        if self._descriptor is not None:
            if self._link is not None and _points_to(self._link, self.path):
                self._link.unlink(missing_ok=True)
            super().close()
            self._openings.close()

    def _on_detached(self) -> None:
        super()._on_detached()
        asyncio.get_running_loop().remove_reader(self._openings.fileno())
        self._clean()

    def _has_other_client(self) -> bool:
        return self._openings.were_any()

    def _on_opened(self) -> None:
        if self._openings.were_any():
            self._on_detached()

    def _clean(self) -> None:
        """Make the terminal raw and empty, however the last client left it. Otherwise the next client would read the
        end of that session, and bytes typed in it would count as the next client's. A byte in transit waits first at
        the sender's end in the kernel, then at the reader's.
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
    """Create the link; an old link to a pseudo terminal is replaced, any other file is not."""
    if link is None:
        return
    with contextlib.suppress(FileNotFoundError):
        if os.readlink(link).startswith("/dev/pts/"):
            link.unlink()
    link.symlink_to(device)


def _points_to(link: Path, device: str) -> bool:
    try:
        return os.readlink(link) == device
    except OSError:
        return False

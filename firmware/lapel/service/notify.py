"""Messages to the service manager, by the protocol of `sd_notify(3)`: datagrams of `KEY=value` lines."""

import contextlib
import socket
from collections.abc import Mapping

_MICRO = 1_000_000


class ServiceManager:
    """systemd, or what listens in its place. Without one, every message goes nowhere."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment`: with `NOTIFY_SOCKET` and `WATCHDOG_USEC`, as systemd sets them."""
        self._address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        watchdog = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(watchdog) / _MICRO if watchdog.isdigit() and self._address else None
        """Seconds without a message after which the camera is killed; None without a watchdog."""

    @property
    def is_there(self) -> bool:
        """Whether there is one."""
        return bool(self._address)

    def notify(self, **fields: str) -> None:
        """Send a message: `READY="1"`, `WATCHDOG="1"`, `STATUS="buffering"`. Never blocks, never raises: a manager that
        does not listen must not stop a recording.
        """
        if not self._address:
            return
        message = "\n".join(f"{key}={value}" for key, value in fields.items())
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.sendto(message.encode(), self._address)

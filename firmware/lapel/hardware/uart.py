"""A serial device as a service port: a Pi's UART, USB gadget serial (`/dev/ttyGS0`), an adapter's `/dev/ttyUSB0`.

A UART has no wire that shows whether a cable is plugged in, so a client counts as attached when its first byte arrives.
A device that disappears (gadget serial hangs up on unplug) is reopened, with back-off, as long as the camera runs.
"""

import os
import termios
import tty

from lapel.clock import Clock
from lapel.errors import ConfigError
from lapel.hardware.line import DescriptorLine

BAUD = 115_200
_RETRY_FIRST_S = 1.0
_RETRY_MAX_S = 30.0


class UartLine(DescriptorLine):
    """A device with 8 data bits, no parity, one stop bit and no flow control."""

    def __init__(self, device: str, clock: Clock, baud: int = BAUD) -> None:
        """Raises ConfigError for a speed that no UART has. The device need not exist yet."""
        speed: int | None = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise ConfigError(f"{device}: {baud} baud is no speed of a serial line; the usual one is {BAUD}")
        super().__init__(device, baud)
        self._clock, self._speed = clock, speed

    async def attached(self) -> None:
        """Open the device, now or when it appears, and wait for the first byte."""
        wait_s = _RETRY_FIRST_S
        while True:
            if self._descriptor is None and not self._open():
                await self._clock.sleep(wait_s)
                wait_s = min(2 * wait_s, _RETRY_MAX_S)
                continue
            self._on_attached()
            await self._first_byte()
            if self._is_attached:
                return
            wait_s = _RETRY_FIRST_S
            await self._clock.sleep(wait_s)

    async def _first_byte(self) -> None:
        while not self._unread and self._is_attached:
            self._activity.clear()
            await self._activity.wait()

    def _on_detached(self) -> None:
        """The descriptor of a device that has disappeared is useless: close it."""
        super()._on_detached()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _open(self) -> bool:
        try:
            descriptor = os.open(self._name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            _set_up(descriptor, self._speed)
        except termios.error:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True


def _set_up(descriptor: int, speed: int) -> None:
    tty.setraw(descriptor)
    settings = termios.tcgetattr(descriptor)
    settings[0] &= ~(termios.IXON | termios.IXOFF | termios.IXANY)
    settings[2] &= ~(termios.CSTOPB | termios.PARENB | termios.CRTSCTS | termios.HUPCL)
    settings[2] |= termios.CS8 | termios.CREAD | termios.CLOCAL
    settings[4] = settings[5] = speed
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    termios.tcflush(descriptor, termios.TCIOFLUSH)

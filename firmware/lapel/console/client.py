"""A client of machine mode, for scripts and factory tests; blocking, and without any other part of the camera.

with Client("/dev/ttyUSB0") as camera:
    camera.log_in("service", secret)
    print(camera.call("battery"))
"""

import re
from types import TracebackType
from typing import Any

import serial

from lapel.console import machine
from lapel.errors import ConsoleError, MessageError

_TRIES = 3


class Client:
    """One visit to a console."""

    def __init__(self, device: str, baud: int = 115_200, patience_s: float = 10.0) -> None:
        """Raises ConsoleError when there is no such device."""
        try:
            self._port = serial.Serial(device, baud, timeout=patience_s, exclusive=True)
        except (serial.SerialException, OSError) as error:
            raise ConsoleError(f"{device}: cannot be opened: {error}") from error
        self._device, self._number = device, 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, which logs out."""
        self._port.close()

    def log_in(self, role: str, secret: str) -> None:
        """Log in and enter machine mode. Raises ConsoleError with the console's own words."""
        self._port.write(b"\r")
        self._until(rb"login: ")
        self._port.write(role.encode() + b"\r")
        if not self._until(rb"secret: |\r\n[^\r\n]+\r\n").endswith(b"secret: "):
            raise ConsoleError(f"{self._device}: no login as {role}", "denied")
        self._port.write(secret.encode() + b"\r")
        if not self._until(rb"[^\r\n]> |login: ").endswith(b"> "):
            raise ConsoleError(f"{self._device}: the secret of {role} was not taken", "denied")
        self._port.write(b"machine\r")
        self._until(rb"\{[^\r\n]*\} \*[0-9a-f]{8}\r\n")

    def call(self, command: str) -> Any:
        """What the command found. Raises ConsoleError when it was refused or failed."""
        self._number += 1
        reply = self._exchange(machine.Request(self._number, command))
        if reply.result != "done" and reply.result != "bad-line":
            raise ConsoleError(reply.reason, reply.result)
        return reply.data

    def _exchange(self, request: machine.Request) -> machine.Response:
        for _ in range(_TRIES):
            self._port.write(machine.encoded(request))
            while line := self._port.readline():
                try:
                    reply = machine.response(line)
                except MessageError:
                    continue  # noise, or the end of something older
                if reply.id == request.id:
                    return reply
                if reply.result == "bad-line":
                    break  # it came through garbled: send it again
        raise ConsoleError(f"{self._device}: no answer to `{request.command}`")

    def _until(self, pattern: bytes) -> bytes:
        heard = b""
        while not re.search(pattern, heard):
            more = self._port.read(max(1, self._port.in_waiting))
            if not more:
                raise ConsoleError(f"{self._device}: silent; is it the console of a camera, and nobody else on it?")
            heard += more
        return heard[: list(re.finditer(pattern, heard))[-1].end()]

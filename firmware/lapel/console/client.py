"""A blocking client of machine mode, for scripts and factory tests. It imports no other part of the camera.

with Client("/dev/ttyUSB0") as camera:
    camera.log_in("service", secret)
    print(camera.call("battery"))
"""

import re
from types import TracebackType
from typing import Any

import serial

from lapel.console.machine_protocol import Request, Response, decode_response, encode
from lapel.errors import ConsoleError, MessageError

_TRIES = 3


class Client:
    """A session with a console over a serial device."""

    def __init__(self, device: str, baud: int = 115_200, patience_s: float = 10.0) -> None:
        """`patience_s`: longest wait for an answer. Raises ConsoleError when the device cannot be opened."""
        try:
            self._port = serial.Serial(device, baud, timeout=patience_s, exclusive=True)
        except (serial.SerialException, OSError) as error:
            raise ConsoleError(f"{device}: cannot be opened: {error}") from error
        self._device, self._last_id = device, 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, which also logs out."""
        self._port.close()

    def log_in(self, role: str, secret: str) -> None:
        """Log in and enter machine mode. Raises ConsoleError when the login fails."""
        self._port.write(b"\r")
        self._read_until(rb"login: ")
        self._port.write(role.encode() + b"\r")
        if not self._read_until(rb"secret: |\r\n[^\r\n]+\r\n").endswith(b"secret: "):
            raise ConsoleError(f"{self._device}: no login as {role}: unknown role, no secret set, or locked", "denied")
        self._port.write(secret.encode() + b"\r")
        if not self._read_until(rb"[^\r\n]> |login: ").endswith(b"> "):
            raise ConsoleError(f"{self._device}: wrong secret for {role}", "denied")
        self._port.write(b"machine\r")
        self._read_until(rb"\{[^\r\n]*\} \*[0-9a-f]{8}\r\n")

    def call(self, command: str) -> Any:
        """The `data` of the command's answer. Raises ConsoleError when the command was refused or failed."""
        self._last_id += 1
        response = self._exchange(Request(self._last_id, command))
        if response.result != "done" and response.result != "bad-line":
            raise ConsoleError(response.reason, response.result)
        return response.data

    def _exchange(self, request: Request) -> Response:
        for _ in range(_TRIES):
            self._port.write(encode(request))
            while line := self._port.readline():
                try:
                    response = decode_response(line)
                except MessageError:
                    continue  # noise, or the rest of an earlier line
                if response.id == request.id:
                    return response
                if response.result == "bad-line":
                    break  # the request was corrupted on the line: send it again
        raise ConsoleError(f"{self._device}: no answer to `{request.command}`")

    def _read_until(self, pattern: bytes) -> bytes:
        received = b""
        while not re.search(pattern, received):
            more = self._port.read(max(1, self._port.in_waiting))
            if not more:
                raise ConsoleError(
                    f"{self._device}: no answer; check that it is a camera's console and that no other program uses it"
                )
            received += more
        return received[: list(re.finditer(pattern, received))[-1].end()]

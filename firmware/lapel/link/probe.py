"""Try to reach a broker, a step at a time, and name the step that fails: name, route, TCP, TLS, MQTT."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable
from typing import TypeVar

from lapel.check import Check
from lapel.clock import Clock
from lapel.link.mqtt import Broker

T = TypeVar("T")

_STEP_S = 5.0
_REFUSALS = {
    1: "another version of MQTT is wanted",
    2: "the client id is refused",
    3: "the broker is not available",
    4: "name or password are wrong",
    5: "this camera may not connect",
}


class _Failed(Exception):
    """The step that was under way failed, in words."""


class Probe:
    """One try. Connects under a client id of its own: under the camera's, a broker would drop the camera's line."""

    def __init__(self, broker: Broker, client_id: str, clock: Clock) -> None:
        self._broker, self._client_id, self._clock = broker, client_id, clock
        self._steps: list[Check] = []
        self._step = ""
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> list[Check]:
        """Every step up to the first that fails. Never raises."""
        try:
            await self._walk()
        except (OSError, EOFError, _Failed) as error:
            self._steps.append(Check(self._step, False, _told(error)))
        finally:
            if self._writer is not None:
                self._writer.close()
                with contextlib.suppress(OSError):
                    await self._writer.wait_closed()
        return self._steps

    async def _walk(self) -> None:
        broker = self._broker
        self._step = "name"
        address = await self._within(_looked_up(broker.host))
        self._went_well(f"{broker.host} is {address}")
        self._step = "route"
        self._went_well(f"from {_own_address(address, broker.port)}")
        self._step = "tcp"
        reader, writer = await self._within(asyncio.open_connection(address, broker.port))
        self._writer = writer
        self._went_well(f"{broker} answers")
        if broker.tls is not None:
            self._step = "tls"
            await self._within(writer.start_tls(broker.tls, server_hostname=broker.host))
            self._went_well("the certificates are accepted")
        self._step = "mqtt"
        await self._within(_hello(broker, self._client_id, reader, writer))
        self._went_well("the broker lets this camera in")

    def _went_well(self, finding: str) -> None:
        self._steps.append(Check(self._step, True, finding))

    async def _within(self, job: Awaitable[T]) -> T:
        working = asyncio.ensure_future(job)
        limit = asyncio.create_task(self._clock.sleep(_STEP_S))
        try:
            await asyncio.wait({working, limit}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise _Failed(f"no answer within {_STEP_S:g} s")
            return working.result()
        finally:
            working.cancel()
            limit.cancel()


async def _looked_up(host: str) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(found[0][4][0])


def _own_address(address: str, port: int) -> str:
    """Asks the kernel for a route; sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.connect((address, port))
        return str(one.getsockname()[0])


async def _hello(broker: Broker, client_id: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """MQTT 3.1.1: CONNECT with a clean session, CONNACK, DISCONNECT."""
    writer.write(_connect(client_id, broker.username, broker.password))
    answer = await reader.readexactly(4)
    if answer[:2] != b"\x20\x02":
        raise _Failed("what answers there is no MQTT broker")
    if answer[3]:
        raise _Failed(_REFUSALS.get(answer[3], f"refused with code {answer[3]}"))
    writer.write(b"\xe0\x00")
    await writer.drain()


def _connect(client_id: str, username: str | None, password: str | None) -> bytes:
    flags = 0x02 | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + b"\x00\x0a"
    for text in (client_id, username, password):
        if text is not None:
            data = text.encode()
            body += len(data).to_bytes(2, "big") + data
    size, count = b"", len(body)
    while count > 127:
        size, count = size + bytes([count & 127 | 128]), count >> 7
    return b"\x10" + size + bytes([count]) + body


def _told(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the broker's certificate: {error.verify_message}"
        case ssl.SSLError():
            return (error.reason or str(error)).lower().replace("_", " ")
        case EOFError():
            return "the broker hung up; it may not take this camera's certificate, or is none"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return str(error)

"""A scripted MQTT 5 broker: refuses with reason codes that no real broker can be made to send on demand.

Only what a camera sends is understood: CONNECT, SUBSCRIBE, PUBLISH with QoS 0 or 1, PINGREQ, DISCONNECT. It delivers
what is published on the topics that its client subscribed to, as every broker does.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lapel_fleet.broker.embedded import free_port

SUCCESS, NOT_AUTHORIZED, PACKET_TOO_LARGE, QUOTA_EXCEEDED = 0x00, 0x87, 0x95, 0x97
_MAXIMUM_QOS, _RETAIN_AVAILABLE, _RECEIVE_MAXIMUM, _MAXIMUM_PACKET_SIZE = 0x24, 0x25, 0x21, 0x27


@dataclass
class Published:
    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass
class ScriptedBroker:
    """What it refuses, and what it received."""

    port: int
    puback: Callable[[Published], int | None] = lambda _: SUCCESS
    """The reason code for a message; None closes the connection instead."""
    suback: int = 0x01
    max_packet_bytes: int = 0
    """Announced if not 0; a longer packet ends the connection."""
    max_qos: int = 2
    retains: bool = True
    receive_max: int = 0
    received: list[Published] = field(default_factory=list)
    """The messages that it accepted."""
    connects: int = 0
    too_much: list[str] = field(default_factory=list)
    """Features that a client used although the broker had announced that it does not support them."""

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def on(self, leaf: str) -> list[bytes]:
        """The payloads accepted on `event`, `state`, …"""
        return [one.payload for one in self.received if one.topic.endswith(f"/{leaf}")]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        topics: set[str] = set()
        try:
            while True:
                kind, flags, body = await _packet(reader)
                size_bytes = len(body) + 3
                if self.max_packet_bytes and kind == 3 and size_bytes > self.max_packet_bytes:
                    self.too_much.append(f"a packet of {size_bytes} bytes")
                    return
                match kind:
                    case 1:
                        self._check_will(body)
                        self.connects += 1
                        writer.write(_framed(0x20, b"\0\0" + self._announced()))
                    case 8:
                        names = _topics(body)
                        topics |= set(names)
                        writer.write(_framed(0x90, body[:2] + b"\0" + bytes([self.suback]) * len(names)))
                    case 3:
                        if not self._take(flags, body, writer, topics):
                            return
                    case 12:
                        writer.write(_framed(0xD0, b""))
                    case 14:
                        return
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _announced(self) -> bytes:
        properties = b""
        if self.max_packet_bytes:
            properties += bytes([_MAXIMUM_PACKET_SIZE]) + struct.pack(">I", self.max_packet_bytes)
        if self.max_qos < 2:
            properties += bytes([_MAXIMUM_QOS, self.max_qos])
        if not self.retains:
            properties += bytes([_RETAIN_AVAILABLE, 0])
        if self.receive_max:
            properties += bytes([_RECEIVE_MAXIMUM]) + struct.pack(">H", self.receive_max)
        return bytes([len(properties)]) + properties

    def _check_will(self, body: bytes) -> None:
        flags = body[7]
        if flags & 0x04 and (flags >> 3 & 3) > self.max_qos:
            self.too_much.append("a will with that QoS")

    def _take(self, flags: int, body: bytes, writer: asyncio.StreamWriter, topics: set[str]) -> bool:
        """Whether the connection stays."""
        qos, retain = flags >> 1 & 3, bool(flags & 1)
        topic, at = _text(body, 0)
        packet_id = body[at : at + 2] if qos else b""
        at += 2 if qos else 0
        at += 1 + body[at]  # the camera's properties are shorter than 128 bytes
        message = Published(topic, body[at:], qos, retain)
        if qos > self.max_qos or (retain and not self.retains):
            self.too_much.append(f"QoS {qos}, retain {retain}")
        code = self.puback(message)
        if code is None:
            return False
        if code == SUCCESS:
            self.received.append(message)
            if topic in topics:
                writer.write(_framed(0x30, _named(topic) + b"\0" + message.payload))
        if qos:
            writer.write(_framed(0x40, packet_id + bytes([code])))
        return True


@asynccontextmanager
async def scripted_broker(**script: object) -> AsyncIterator[ScriptedBroker]:
    broker = ScriptedBroker(free_port(), **script)  # type: ignore[arg-type]
    server = await asyncio.start_server(broker.serve, "127.0.0.1", broker.port)
    try:
        yield broker
    finally:
        server.close()


async def _packet(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return first >> 4, first & 0x0F, await reader.readexactly(length)


def _framed(first: int, body: bytes) -> bytes:
    length, digits = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([first]) + bytes(digits) + body


def _named(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def _text(body: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">H", body, at)
    return body[at + 2 : at + 2 + length].decode(), at + 2 + length


def _topics(body: bytes) -> list[str]:
    at, names = 3 + body[2], []
    while at < len(body):
        name, at = _text(body, at)
        names.append(name)
        at += 1
    return names

"""MQTT packets on a byte stream, 3.1.1 and 5: where each ends, and the few fields that a relay must know.

Nothing is decoded that need not be, and what is not understood is passed on as it is: properties stay byte for byte.
"""

import struct
from dataclasses import dataclass

CONNECT, CONNACK, PUBLISH, PUBACK, DISCONNECT = 1, 2, 3, 4, 14
_MAX_LENGTH_BYTES = 4
_MQTT_5 = 5


class NotMqttError(ValueError):
    """The bytes are no MQTT packets."""


def packet_end(data: bytes | bytearray, start: int) -> int:
    """Index behind the packet that begins at `start`; 0 when it is not complete. Raises NotMqttError."""
    length, at = _length(data, start + 1)
    if not at or at + length > len(data):
        return 0
    return at + length


class Framer:
    """Cuts a byte stream where packets end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> tuple[bytes, list[int]]:
        """All complete packets so far as one piece, and the index behind each. What is incomplete waits for the rest.
        Raises NotMqttError; then `take_rest` has everything that was not returned.
        """
        buffer = self._rest + data if self._rest else data
        self._rest = buffer
        ends, at, size = [], 0, len(buffer)
        while at < size and (end := packet_end(buffer, at)):
            ends.append(end)
            at = end
        self._rest = buffer[at:]
        return buffer[:at], ends

    def take_rest(self) -> bytes:
        """What was not returned yet; it is given up here."""
        rest, self._rest = self._rest, b""
        return rest


@dataclass(frozen=True, slots=True)
class Publication:
    """A PUBLISH packet."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    packet_id: int
    """0 with QoS 0."""
    properties: bytes | None = None
    """With their length in front, as in the packet; None on MQTT 3.1.1."""

    def packet(self, packet_id: int = 0, *, dup: bool = False, retain: bool | None = None) -> bytes:
        """The packet, under another id, as a repeat, or with another retain flag."""
        flags = (8 if dup else 0) | self.qos << 1 | (self.retain if retain is None else retain)
        body = _text(self.topic) + (struct.pack(">H", packet_id or self.packet_id) if self.qos else b"")
        return framed(PUBLISH << 4 | flags, body + (self.properties or b"") + self.payload)


@dataclass(frozen=True, slots=True)
class Connect:
    """What a CONNECT packet says."""

    is_v5: bool
    client_id: str
    will: Publication | None


def parsed_publish(packet: bytes, *, is_v5: bool) -> Publication:
    """The fields of a PUBLISH packet. Raises NotMqttError."""
    try:
        flags, (_, at) = packet[0] & 0x0F, _length(packet, 1)
        qos = flags >> 1 & 3
        topic, at = _read_text(packet, at)
        packet_id = 0
        if qos:
            (packet_id,) = struct.unpack_from(">H", packet, at)
            at += 2
        properties, at = _read_properties(packet, at) if is_v5 else (None, at)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise NotMqttError(f"a PUBLISH packet of {len(packet)} bytes cannot be read") from error
    return Publication(topic, packet[at:], qos, bool(flags & 1), packet_id, properties)


def parsed_connect(packet: bytes) -> Connect:
    """Protocol version, client id and last will of a CONNECT packet. Raises NotMqttError."""
    try:
        _, at = _length(packet, 1)
        _, at = _read_text(packet, at)
        version, flags = packet[at], packet[at + 1]
        at += 4
        is_v5 = version == _MQTT_5
        if is_v5:
            _, at = _read_properties(packet, at)
        client_id, at = _read_text(packet, at)
        will = _read_will(packet, at, flags, is_v5=is_v5) if flags & 4 else None
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise NotMqttError(f"a CONNECT packet of {len(packet)} bytes cannot be read") from error
    return Connect(is_v5, client_id, will)


def puback_id(packet: bytes) -> int:
    """The packet id in a PUBACK."""
    _, at = _length(packet, 1)
    return int.from_bytes(packet[at : at + 2], "big")


def puback(packet_id: int) -> bytes:
    """A PUBACK that means success, in both versions."""
    return framed(PUBACK << 4, struct.pack(">H", packet_id))


def disconnect() -> bytes:
    """A DISCONNECT after which the broker publishes no will, in both versions."""
    return framed(DISCONNECT << 4, b"")


def framed(first: int, body: bytes) -> bytes:
    """A packet with that first byte."""
    length, digits = len(body), bytearray([first])
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(digits) + body


def _length(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """The number in MQTT's variable length at `at`, and the index behind it; (0, 0) when it is not complete."""
    value = 0
    for shift in range(_MAX_LENGTH_BYTES):
        if at >= len(data):
            return 0, 0
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << 7 * shift
        if not byte & 0x80:
            return value, at
    raise NotMqttError("a packet's length has more than four bytes")


def _read_text(packet: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">H", packet, at)
    return packet[at + 2 : at + 2 + length].decode(), at + 2 + length


def _read_properties(packet: bytes, at: int) -> tuple[bytes, int]:
    length, behind = _length(packet, at)
    return packet[at : behind + length], behind + length


def _read_will(packet: bytes, at: int, flags: int, *, is_v5: bool) -> Publication:
    """The will as a publication. Its properties are those of a PUBLISH but for the delay, which is left out."""
    properties = b"\0" if is_v5 else None
    if is_v5:
        _, at = _read_properties(packet, at)
    topic, at = _read_text(packet, at)
    (length,) = struct.unpack_from(">H", packet, at)
    return Publication(topic, packet[at + 2 : at + 2 + length], flags >> 3 & 3, bool(flags & 0x20), 0, properties)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data

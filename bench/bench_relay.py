"""The relay that knows MQTT, idle, beside the same Mosquitto without it: messages a second between two clients."""

import asyncio
import random
import struct
from collections.abc import Iterator

from bench.figure import Figure
from lapel.clock import SystemClock
from lapel.link.broker_address import Broker
from lapel_fleet.broker.embedded import embedded_broker, mosquitto_path
from lapel_fleet.hardware import mqtt_packets as mqtt
from lapel_fleet.hardware.tcp_relay import TcpRelay

_MESSAGES, _AT_ONCE = 40_000, 400
_TOPIC, _PAYLOAD = "bench/relay", b"x" * 300


def main() -> list[Figure]:
    """Messages a second, direct and through the relay."""
    return list(asyncio.run(_measured())) if mosquitto_path() else []


async def _measured() -> list[Figure]:
    async with embedded_broker(nodelay=True) as broker:
        relay = TcpRelay(random.Random(1))
        await relay.open(Broker("127.0.0.1", broker.port))
        try:
            direct = [await _messages_per_s(broker.port, broker.port) for _ in range(3)]
            relayed = [await _messages_per_s(relay.port, broker.port) for _ in range(3)]
        finally:
            await relay.close()
    return list(_figures(max(direct), max(relayed)))


def _figures(direct: float, relayed: float) -> Iterator[Figure]:
    yield Figure("messages through the idle MQTT relay", relayed / 1000, "k/s", "Mosquitto alone", direct / 1000)
    yield Figure("  time of a message, of Mosquitto's own", direct / relayed, "times", bound=2.0)


async def _messages_per_s(publisher_port: int, subscriber_port: int) -> float:
    """QoS 0, in bursts that the subscriber has received before the next is sent, so that none is dropped."""
    reader, subscriber = await _connected(subscriber_port, "bench-subscriber")
    topic = struct.pack(">H", len(_TOPIC)) + _TOPIC.encode()
    subscriber.write(mqtt.framed(0x82, b"\0\1" + topic + b"\0"))
    await reader.readexactly(5)
    _, publisher = await _connected(publisher_port, "bench-publisher")
    packet = mqtt.Publication(_TOPIC, _PAYLOAD, 0, False, 0).packet()
    clock = SystemClock()
    began_s = clock.mono_s()
    for _ in range(_MESSAGES // _AT_ONCE):
        publisher.write(packet * _AT_ONCE)
        await reader.readexactly(len(packet) * _AT_ONCE)
    took_s = clock.mono_s() - began_s
    for writer in (publisher, subscriber):
        writer.close()
    return _MESSAGES / took_s


async def _connected(port: int, client_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    name = client_id.encode()
    writer.write(mqtt.framed(0x10, b"\0\4MQTT\4\2\0\x3c" + struct.pack(">H", len(name)) + name))
    await reader.readexactly(4)
    return reader, writer

"""The MQTT of one relayed connection: hands publications to `DeliveryFaults`, and passes on everything else as it came.

While no fault is active, bytes pass through unchanged; only where packets end is noted. What a fault takes is
acknowledged to the camera at once, as a local broker with a bridge does, and sent to the broker under packet ids of the
relay's own. Publications with QoS 2 and those with a topic alias are passed on untouched.
"""

from collections import deque
from collections.abc import Callable, Iterator

from lapel_fleet.hardware import mqtt_packets as mqtt
from lapel_fleet.hardware.delivery_faults import Delivery, DeliveryFaults

_FIRST_OWN_ID, _LAST_OWN_ID = 65_000, 65_535
"""Packet ids of the relay's own publications: clients count up from 1."""
_MOST_IN_FLIGHT = 10
"""Below every Receive Maximum that is in use (Mosquitto: 20)."""


class MqttRelay:
    """One connection. Its owner writes what `from_camera` and `from_broker` return to the other side."""

    def __init__(
        self,
        faults: DeliveryFaults,
        number: int,
        to_camera: Callable[[bytes], None],
        to_broker: Callable[[bytes], None],
        abort: Callable[[], None],
    ) -> None:
        """`number`: of this connection among the camera's. `abort` closes both sides."""
        self._faults, self.number = faults, number
        self._to_camera, self._to_broker, self._abort = to_camera, to_broker, abort
        self._outbound, self._inbound = mqtt.Framer(), mqtt.Framer()
        self._is_mqtt, self._is_v5 = True, False
        self._will: mqtt.Publication | None = None
        self._is_connected = self._is_ended = False
        self._own_id = _FIRST_OWN_ID
        self._in_flight: dict[int, Delivery] = {}
        self._queue: deque[Delivery] = deque()
        self._losing: set[int] = set()
        """Packet ids whose acknowledgement is lost, and the connection with it."""
        self._echoes: list[tuple[str, bytes]] = []
        """Late states that the camera must not receive: a bridge does not send back what it delivered."""

    # -- the two directions --------------------------------------------------------------------------------------------

    def from_camera(self, data: bytes) -> bytes:
        """What to write to the broker."""
        return self._through(self._outbound, data, self._on_outbound)

    def from_broker(self, data: bytes) -> bytes:
        """What to write to the camera."""
        return self._through(self._inbound, data, self._on_inbound)

    def on_lost(self) -> None:
        """The camera's side is gone without a DISCONNECT. A will that is kept must not be published."""
        if self._will is not None and not self._is_ended and self._faults.keeps_will(self._delivery(self._will)):
            self._to_broker(mqtt.disconnect())
        self._is_ended = True

    def send(self, delivery: Delivery) -> None:
        """Publish a message in the camera's name, as soon as the connection is up."""
        self._queue.append(delivery)
        self._send_queued()

    @property
    def unsent(self) -> list[Delivery]:
        """Messages of the relay's own that the broker has not acknowledged."""
        return [*self._in_flight.values(), *self._queue]

    # -- inside --------------------------------------------------------------------------------------------------------

    def _through(self, framer: mqtt.Framer, data: bytes, handle: Callable[[bytes], bytes]) -> bytes:
        if not self._is_mqtt:
            return framer.take_rest() + data
        try:
            whole, ends = framer.feed(data)
        except mqtt.NotMqttError:
            self._is_mqtt = False  # the broker refuses it
            return framer.take_rest()
        if self._may_pass(framer, whole, ends):
            return whole
        return b"".join(map(handle, _cut(whole, ends)))

    def _may_pass(self, framer: mqtt.Framer, whole: bytes, ends: list[int]) -> bool:
        """Whether nothing in these packets concerns a fault, so that they pass as they came."""
        if not self._is_connected or not self._faults.is_idle or self._in_flight or self._queue or self._echoes:
            return False
        if framer is self._inbound:
            return True
        starts = [0, *ends[:-1]] if ends else []
        return not any(whole[at] & 0xF1 == 0x31 or whole[at] >> 4 == mqtt.DISCONNECT for at in starts)

    def _on_outbound(self, packet: bytes) -> bytes:
        try:
            return self._passed_to_broker(packet)
        except mqtt.NotMqttError:
            return packet

    def _passed_to_broker(self, packet: bytes) -> bytes:
        kind = packet[0] >> 4
        if kind == mqtt.CONNECT:
            connect = mqtt.parsed_connect(packet)
            self._is_v5, self._will = connect.is_v5, connect.will
            self._faults.on_connect()
        elif kind == mqtt.DISCONNECT:
            self._is_ended = True
        elif kind == mqtt.PUBLISH and (packet[0] >> 1 & 3) < 2:
            return self._on_publish(packet)
        return packet

    def _on_publish(self, packet: bytes) -> bytes:
        publication = mqtt.parsed_publish(packet, is_v5=self._is_v5)
        delivery = self._delivery(publication)
        if not publication.topic or not self._faults.takes(delivery):
            self._faults.observe(delivery)
            if publication.qos and self._faults.loses_acknowledgement(delivery):
                self._losing.add(publication.packet_id)
            return packet
        if publication.qos:
            self._to_camera(mqtt.puback(publication.packet_id))
        self._faults.take(delivery)
        return b""

    def _on_inbound(self, packet: bytes) -> bytes:
        kind = packet[0] >> 4
        if kind == mqtt.CONNACK:
            self._is_connected = True
            self._send_queued()
        elif kind == mqtt.PUBACK and (number := mqtt.puback_id(packet)) in self._in_flight:
            del self._in_flight[number]
            self._send_queued()
            return b""
        elif kind == mqtt.PUBACK and mqtt.puback_id(packet) in self._losing:
            self._abort()
            return b""
        elif kind == mqtt.PUBLISH and self._echoes:
            return self._without_echo(packet)
        return packet

    def _without_echo(self, packet: bytes) -> bytes:
        try:
            publication = mqtt.parsed_publish(packet, is_v5=self._is_v5)
        except mqtt.NotMqttError:
            return packet
        content = (publication.topic, publication.payload)
        if content not in self._echoes:
            return packet
        self._echoes.remove(content)
        if publication.qos == 1:
            self._to_broker(mqtt.puback(publication.packet_id))
        return b""

    def _send_queued(self) -> None:
        while self._is_connected and self._queue and len(self._in_flight) < _MOST_IN_FLIGHT:
            delivery = self._queue.popleft()
            publication = mqtt.Publication(
                delivery.topic, delivery.payload, delivery.qos, delivery.retain, 0, self._properties(delivery)
            )
            if delivery.connection != self.number:
                self._echoes.append((delivery.topic, delivery.payload))
            if delivery.qos:
                self._in_flight[self._next_id()] = delivery
            self._to_broker(publication.packet(self._own_id))

    def _properties(self, delivery: Delivery) -> bytes | None:
        """A former connection may have spoken the other version."""
        return (delivery.properties or b"\0") if self._is_v5 else None

    def _next_id(self) -> int:
        self._own_id = _FIRST_OWN_ID if self._own_id >= _LAST_OWN_ID else self._own_id + 1
        return self._own_id

    def _delivery(self, one: mqtt.Publication) -> Delivery:
        return Delivery(one.topic, one.payload, one.qos, one.retain, self.number, one.properties)


def _cut(whole: bytes, ends: list[int]) -> Iterator[bytes]:
    """Each packet by itself."""
    start = 0
    for end in ends:
        yield whole[start:end]
        start = end

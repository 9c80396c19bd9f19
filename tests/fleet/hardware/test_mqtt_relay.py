"""A relay that knows MQTT: transparent while idle, and each delivery fault does what it says and no more."""

from collections.abc import Callable
from dataclasses import dataclass, field

import paho.mqtt.client as paho
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.hardware.test_mqtt_packets import connect_packet
from lapel_fleet.hardware import mqtt_packets as mqtt
from lapel_fleet.hardware.delivery_faults import Delivery, DeliveryFaults
from lapel_fleet.hardware.mqtt_relay import MqttRelay

VERSIONS = [paho.MQTTv311, paho.MQTTv5]


@dataclass
class Timers:
    """Time that stands still until `advance`."""

    now_s: float = 100.0
    waiting: list[tuple[float, Callable[..., object], tuple[object, ...]]] = field(default_factory=list)

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> object:
        self.waiting.append((self.now_s + delay, callback, args))
        return None

    def advance(self, seconds: float) -> None:
        self.now_s += seconds
        due = [one for one in self.waiting if one[0] <= self.now_s]
        self.waiting = [one for one in self.waiting if one[0] > self.now_s]
        for _, callback, args in due:
            callback(*args)


class Line:
    """A camera's connections through a relay, and what reaches the broker and the camera."""

    def __init__(self, version: paho.MQTTProtocolVersion = paho.MQTTv5) -> None:
        self.version, self.timers = version, Timers()
        self.faults = DeliveryFaults(lambda one: self.relay.send(one), lambda: self.timers)
        self.broker: list[bytes] = []
        self.camera: list[bytes] = []
        self.aborted = 0
        self.number = 0
        self.connect()

    def connect(self) -> None:
        self.number += 1
        unsent = self.relay.unsent if self.number > 1 else []
        self.relay = MqttRelay(self.faults, self.number, self._to_camera, self._to_broker, self._abort)
        for one in unsent:
            self.relay.send(one)
        self.send(connect_packet(self.version))
        self.receive(mqtt.framed(0x20, b"\0\0\0" if self.version == paho.MQTTv5 else b"\0\0"))

    def send(self, data: bytes) -> None:
        self._to_broker(self.relay.from_camera(data))

    def receive(self, data: bytes) -> None:
        self._to_camera(self.relay.from_broker(data))

    def publish(self, leaf: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        properties = b"\0" if self.version == paho.MQTTv5 else None
        self.send(mqtt.Publication(f"a/{leaf}", payload, qos, retain, 9 if qos else 0, properties).packet())

    def acknowledge(self) -> None:
        """The broker acknowledges what it has received so far."""
        for one in self.publications:
            if one.qos:
                self.receive(mqtt.puback(one.packet_id))

    @property
    def publications(self) -> list[mqtt.Publication]:
        """What reached the broker."""
        found = [one for one in self.broker if one[0] >> 4 == mqtt.PUBLISH]
        return [mqtt.parsed_publish(one, is_v5=self.version == paho.MQTTv5) for one in found]

    @property
    def payloads(self) -> list[bytes]:
        return [one.payload for one in self.publications]

    def begin(self, kind: str, latency_s: float = 0.0) -> Callable[[], None]:
        return self.faults.begin(kind, lambda payload: payload.decode().partition(" ")[0], latency_s)

    def _to_broker(self, data: bytes) -> None:
        self.broker += _packets(data)

    def _to_camera(self, data: bytes) -> None:
        self.camera += _packets(data)

    def _abort(self) -> None:
        self.aborted += 1


def _packets(data: bytes) -> list[bytes]:
    whole, ends = mqtt.Framer().feed(data)
    assert whole == data
    return [whole[start:end] for start, end in zip([0, *ends], ends, strict=False)]


packets = st.builds(mqtt.framed, st.integers(0x20, 0xFF), st.binary(max_size=60))
publishes = st.builds(
    lambda qos, retain, dup, body: mqtt.framed(0x30 | dup << 3 | qos << 1 | retain, body),
    st.integers(0, 2), st.booleans(), st.booleans(), st.binary(max_size=80),
)  # fmt: skip
streams = st.lists(st.one_of(packets, publishes), max_size=12).map(b"".join)


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(VERSIONS), streams, streams, st.lists(st.integers(1, 90), min_size=1, max_size=8), st.booleans())
def test_an_idle_relay_passes_every_byte_of_every_session_as_it_came(
    version: paho.MQTTProtocolVersion, outbound: bytes, inbound: bytes, sizes: list[int], had_a_fault: bool
) -> None:
    faults = DeliveryFaults(lambda _: None, Timers)
    if had_a_fault:
        faults.begin("delivery.late_state", lambda _: "")()
    written: list[bytes] = []
    relay = MqttRelay(faults, 1, written.append, written.append, lambda: None)
    outbound = connect_packet(version) + outbound
    inbound = mqtt.framed(0x20, b"\0\0\0") + inbound
    for stream, pass_on in ((outbound, relay.from_camera), (inbound, relay.from_broker)):
        passed, at, turn = b"", 0, 0
        while at < len(stream):
            size = sizes[turn % len(sizes)]
            passed += pass_on(stream[at : at + size])
            at, turn = at + size, turn + 1
        assert passed == stream
    assert written == []


@given(st.binary(max_size=200), st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_what_is_no_mqtt_passes_too(garbage: bytes, sizes: list[int]) -> None:
    relay = MqttRelay(DeliveryFaults(lambda _: None, Timers), 1, lambda _: None, lambda _: None, lambda: None)
    stream, passed, at, turn = b"\x10\xff\xff\xff\xff\xff" + garbage, b"", 0, 0
    while at < len(stream):
        passed += relay.from_camera(stream[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    assert passed == stream


@pytest.mark.parametrize("version", VERSIONS)
def test_swapped_events_are_acknowledged_at_once_and_arrive_in_pairs(version: paho.MQTTProtocolVersion) -> None:
    line = Line(version)
    end = line.begin("delivery.swapped")
    for payload in (b"1", b"2", b"3"):
        line.publish("event", payload)
    assert line.camera[1:] == [mqtt.puback(9)] * 3
    assert line.payloads == [b"2", b"1"]
    line.acknowledge()
    assert line.camera[1:] == [mqtt.puback(9)] * 3  # the relay's own ids are not the camera's
    end()
    assert line.payloads == [b"2", b"1", b"3"]


def test_a_burst_comes_at_the_end_and_never_exceeds_what_a_broker_takes_at_once() -> None:
    line = Line()
    end = line.begin("delivery.burst")
    for number in range(25):
        line.publish("event", b"%d" % number)
    assert line.payloads == []
    end()
    assert len(line.payloads) == 10
    line.acknowledge()
    line.acknowledge()
    assert line.payloads == [b"%d" % number for number in range(25)]
    assert len({one.packet_id for one in line.publications}) == 25


def test_delayed_messages_stay_in_order() -> None:
    line = Line()
    line.begin("delivery.delayed", latency_s=5.0)
    line.publish("state", b"a", retain=True)
    line.timers.advance(2)
    line.publish("event", b"b")
    line.timers.advance(4)
    assert line.payloads == [b"a"]
    assert line.publications[0].retain
    line.timers.advance(2)
    assert line.payloads == [b"a", b"b"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_late_will_comes_after_the_next_birth_and_is_not_sent_back_to_the_camera(
    version: paho.MQTTProtocolVersion,
) -> None:
    line = Line(version)
    line.begin("delivery.late_will")
    line.publish("state", b"one live", retain=True)
    line.acknowledge()
    line.relay.on_lost()
    assert line.broker[-1] == mqtt.disconnect()  # so that the broker publishes no will
    line.connect()
    line.publish("state", b"two live", retain=True)
    assert line.payloads == [b"one live", b"two live", b"gone"]
    late = line.publications[-1]
    assert (late.topic, late.qos, late.retain) == ("a/state", 1, False)
    line.receive(late.packet(3))
    assert line.camera[-1][0] >> 4 == mqtt.PUBACK  # for the birth; the echo was acknowledged to the broker instead
    assert line.broker[-1] == mqtt.puback(3)


def test_a_clean_disconnect_has_no_will() -> None:
    line = Line()
    line.begin("delivery.late_will")
    line.send(mqtt.disconnect())
    line.relay.on_lost()
    line.connect()
    line.publish("state", b"two live", retain=True)
    assert line.payloads == [b"two live"]


def test_the_state_of_a_former_session_comes_late_and_that_of_the_same_session_does_not() -> None:
    line = Line()
    line.begin("delivery.late_state")
    line.publish("state", b"one live", retain=True)
    line.acknowledge()
    line.connect()
    line.publish("state", b"one live again", retain=True)
    assert line.payloads == [b"one live", b"one live again"]
    line.acknowledge()
    line.connect()
    line.publish("state", b"two live", retain=True)
    assert line.payloads[2:] == [b"two live", b"one live again"]
    assert [one.retain for one in line.publications] == [True, True, True, False]


def test_a_lost_acknowledgement_ends_the_connection_at_most_every_ten_seconds() -> None:
    line = Line()
    line.begin("delivery.redelivered")
    line.publish("event", b"1")
    line.receive(mqtt.puback(9))
    assert (line.payloads, line.aborted) == ([b"1"], 1)
    assert len(line.camera) == 1  # CONNACK
    line.connect()
    line.publish("event", b"1")
    line.receive(mqtt.puback(9))
    assert (line.payloads, line.aborted) == ([b"1", b"1"], 1)
    assert line.camera[-1] == mqtt.puback(9)


def test_telemetry_is_lost_and_events_are_not() -> None:
    line = Line()
    end = line.begin("delivery.qos0_lost")
    line.publish("telemetry", b"t", qos=0)
    line.publish("event", b"1")
    end()
    line.publish("telemetry", b"u", qos=0)
    assert line.payloads == [b"1", b"u"]


def test_the_retained_state_is_delivered_once_more() -> None:
    line = Line()
    line.publish("state", b"one live", retain=True)
    line.begin("delivery.state_again")()
    assert line.payloads == [b"one live", b"one live"]


def test_what_the_broker_did_not_acknowledge_is_sent_again_on_the_next_connection() -> None:
    line = Line()
    end = line.begin("delivery.burst")
    line.publish("event", b"1")
    end()
    line.relay.on_lost()
    line.connect()
    assert line.payloads == [b"1", b"1"]


def test_messages_with_qos_2_and_topic_aliases_pass_untouched() -> None:
    line = Line()
    line.begin("delivery.burst")
    exactly_once = mqtt.Publication("a/event", b"1", 2, False, 5, b"\0").packet()
    aliased = mqtt.Publication("", b"2", 1, False, 6, b"\x03\x23\x00\x01").packet()
    line.send(exactly_once + aliased)
    assert line.broker[-2:] == [exactly_once, aliased]


def test_faults_that_overlap_end_on_their_own() -> None:
    sent: list[Delivery] = []
    faults = DeliveryFaults(sent.append, Timers)
    first, second = (faults.begin("delivery.burst", lambda _: "") for _ in range(2))
    faults.take(Delivery("a/event", b"1", 1, False, 1))
    first()
    first()
    assert sent == []
    second()
    assert [one.payload for one in sent] == [b"1"]
    assert faults.is_idle

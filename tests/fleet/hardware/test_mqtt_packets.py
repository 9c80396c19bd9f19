"""MQTT packets are found on a byte stream wherever it is cut, and their fields are those that a client wrote."""

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel_fleet.hardware import mqtt_packets as mqtt

topics = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=20)


@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=6),
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_packets_are_cut_where_they_end_however_they_arrive(packets: list[tuple[int, bytes]], sizes: list[int]) -> None:
    whole = [mqtt.framed(first, body) for first, body in packets]
    stream, framer, found = b"".join(whole), mqtt.Framer(), list[bytes]()
    while stream:
        size = sizes[len(found) % len(sizes)]
        piece, ends = framer.feed(stream[:size])
        stream = stream[size:]
        found += [piece[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert found == whole
    assert framer.take_rest() == b""


def test_a_length_of_five_bytes_is_no_mqtt() -> None:
    framer = mqtt.Framer()
    with pytest.raises(mqtt.NotMqttError):
        framer.feed(b"\x30\xff\xff\xff\xff\x01")
    assert framer.take_rest() == b"\x30\xff\xff\xff\xff\x01"


@given(topics, st.binary(max_size=200), st.integers(0, 2), st.booleans(), st.integers(1, 65535), st.booleans())
def test_a_publication_is_read_and_written_again_byte_for_byte(
    topic: str, payload: bytes, qos: int, retain: bool, packet_id: int, is_v5: bool
) -> None:
    properties = b"\x05\x02\x00\x00\x0e\x10" if is_v5 else None
    one = mqtt.Publication(topic, payload, qos, retain, packet_id if qos else 0, properties)
    assert mqtt.parsed_publish(one.packet(), is_v5=is_v5) == one
    other = mqtt.parsed_publish(one.packet(77, dup=True, retain=not retain), is_v5=is_v5)
    assert (other.packet_id, other.retain, other.properties) == (77 if qos else 0, not retain, properties)


@pytest.mark.parametrize("version", [paho.MQTTv311, paho.MQTTv5])
def test_a_connect_of_paho_is_read(version: paho.MQTTProtocolVersion) -> None:
    connect = mqtt.parsed_connect(connect_packet(version))
    assert (connect.is_v5, connect.client_id) == (version == paho.MQTTv5, "lapel/demo/home/cam-0001")
    assert connect.will is not None
    will = connect.will
    assert (will.topic, will.payload, will.qos, will.retain) == ("a/state", b"gone", 1, True)


@given(st.binary(max_size=40))
def test_what_cannot_be_read_is_one_kind_of_error(body: bytes) -> None:
    for first, parse in ((0x10, mqtt.parsed_connect), (0x32, lambda one: mqtt.parsed_publish(one, is_v5=True))):
        try:
            parse(mqtt.framed(first, body))
        except mqtt.NotMqttError:
            continue


def connect_packet(version: paho.MQTTProtocolVersion) -> bytes:
    """As the camera's client library writes it."""
    client = paho.Client(
        paho.CallbackAPIVersion.VERSION2, client_id="lapel/demo/home/cam-0001", protocol=version, transport="tcp"
    )
    client.username_pw_set("user", "secret")
    client.will_set("a/state", b"gone", qos=1, retain=True)
    written: list[bytes] = []
    client._packet_queue = lambda command, packet, mid, qos, *_: written.append(bytes(packet))  # type: ignore[method-assign]
    client._send_connect(30)
    return written[0]

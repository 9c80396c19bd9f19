import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.operator.messages import reply, state
from lapel.errors import ConfigError
from lapel.link.transport import Inbound
from lapel_fleet.operator.received import ClearedTopic, ReceivedMessage, UnreadableMessage, kind_of, read, topic

STATE = state("baltimore/cam-0001")
TOPIC = "lapel/v1/demo/baltimore/cam-0001"


def test_a_state_must_match_its_topic() -> None:
    payload = msgspec.json.encode(STATE)
    assert read("demo", Inbound(f"{TOPIC}/state", payload, retain=True)) == ReceivedMessage(
        "baltimore/cam-0001", STATE, True
    )
    other = read("demo", Inbound("lapel/v1/demo/baltimore/cam-0002/state", payload))
    assert isinstance(other, UnreadableMessage)
    assert other.reason.endswith("is the state of another camera, demo/baltimore/cam-0001")


def test_an_empty_state_clears_the_topic() -> None:
    assert read("demo", Inbound(f"{TOPIC}/state", b"")) == ClearedTopic("baltimore/cam-0001")
    assert isinstance(read("demo", Inbound(f"{TOPIC}/reply", b"")), UnreadableMessage)


def test_a_reply_is_decoded() -> None:
    received = read("demo", Inbound(f"{TOPIC}/reply", msgspec.json.encode(reply("1"))))
    assert isinstance(received, ReceivedMessage)
    assert kind_of(received.message) == "reply"


@pytest.mark.parametrize("payload", [b"\xff", b"{", b"{}", b"[" * 100_000, b'{"state": 7}', b"null"])
@pytest.mark.parametrize("kind", ["state", "event", "reply", "telemetry", "command"])
def test_an_invalid_payload_is_unreadable(kind: str, payload: bytes) -> None:
    received = read("demo", Inbound(f"{TOPIC}/{kind}", payload))
    assert isinstance(received, UnreadableMessage)
    assert (received.camera, received.kind) == ("baltimore/cam-0001", kind)
    assert received.reason.startswith(f"{TOPIC}/{kind}: ")


@pytest.mark.parametrize("name", ["\x1b[2J", " ", "x" * 65, "\u202egnp", ""])
def test_an_invalid_name_is_no_camera(name: str) -> None:
    received = read("demo", Inbound(f"lapel/v1/demo/baltimore/{name}/state", b""))
    assert isinstance(received, UnreadableMessage)
    assert received.camera == ""


@given(st.text(), st.binary())
def test_nothing_is_ever_raised(where: str, payload: bytes) -> None:
    assert isinstance(read("demo", Inbound(where, payload)), UnreadableMessage)
    assert read("demo", Inbound(f"lapel/v1/demo/{where}", payload)) is not None


@pytest.mark.parametrize("agency", ["+", "#", "a/b", ""])
def test_an_agency_is_a_single_name(agency: str) -> None:
    with pytest.raises(ConfigError):
        topic(agency, "state")

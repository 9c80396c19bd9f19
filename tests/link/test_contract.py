import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.errors import ConfigError, MessageError
from lapel.link.contract import MAX_COMMAND_BYTES, LapelV1, Presence
from lapel.link.messages import Command, Reply, StateMessage, offline
from lapel.link.transport import Inbound

LINK = LapelV1("demo", "baltimore", "cam-0001")
TOPIC = LINK.command_topic
STATE = StateMessage(
    state="buffering", agency="demo", site="baltimore", camera="cam-0001", session="s", firmware="0", flags=["x"],
    time="2026-11-24T07:00:00.000Z", since="2026-11-24T07:00:00.000Z", recording=None,
)  # fmt: skip


def test_a_state_is_retained_and_survives_the_way_there() -> None:
    out = LINK.encode(STATE)
    assert (out.topic, out.qos, out.retain) == ("lapel/v1/demo/baltimore/cam-0001/state", 1, True)
    assert msgspec.json.decode(out.payload, type=StateMessage) == STATE


def test_a_will_has_no_time_and_a_farewell_has() -> None:
    will = json.loads(LINK.encode(offline(STATE, "connection lost")).payload)
    assert (will["state"], will["session"]) == ("offline", "s")
    assert "time" not in will
    assert json.loads(LINK.encode(offline(STATE, "power off", "2026-11-24T07:00:01.000Z")).payload)["time"]


def test_replies_are_acknowledged_and_not_retained() -> None:
    out = LINK.encode(Reply(id="1", command="arm", result="done", state="buffering", time="2026-11-24T07:00:00Z"))
    assert (out.topic.rsplit("/", 1)[1], out.qos, out.retain) == ("reply", 1, False)


def test_a_command_is_read_and_what_it_has_besides_is_ignored() -> None:
    payload = b'{"id": "1", "command": "start-recording", "reason": "traffic stop", "later": [1]}'
    assert LINK.decode_command(Inbound(TOPIC, payload)) == Command(
        id="1", command="start-recording", reason="traffic stop"
    )


@pytest.mark.parametrize(
    ("payload", "reason", "command_id"),
    [
        (b'{"id": "7", "command": "explode"}', "explode", "7"),
        (b'{"id": "7"}', "missing required field `command`", "7"),
        (b'{"command": "arm"}', "missing required field `id`", ""),
        (b'{"id": "", "command": "arm"}', "length >= 1", ""),
        (b'{"id": 7, "command": "arm"}', "Expected `str`", ""),
        (b'{"id": "7", "command": "arm", "ttl_s": -1}', "ttl_s", "7"),
        (b"", "not a JSON object", ""),
        (b"\xff\xfe", "not a JSON object", ""),
        (b'{"x": ' + b"[" * 5000, "nested too deeply", ""),
        (b" " * (MAX_COMMAND_BYTES + 1), "too many for a command", ""),
    ],
)
def test_what_is_no_command_is_refused_in_one_line(payload: bytes, reason: str, command_id: str) -> None:
    with pytest.raises(MessageError) as caught:
        LINK.decode_command(Inbound(TOPIC, payload))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert TOPIC in str(caught.value)
    assert caught.value.command_id == command_id


@pytest.mark.parametrize(
    ("in_payload", "in_property", "answered_to"),
    [
        (None, None, None),
        (f"{LINK.state_topic.rsplit('/', 1)[0]}/reply", None, None),
        (None, f"{LINK.state_topic.rsplit('/', 1)[0]}/reply/desk-3", "desk-3"),
        (f"{LINK.state_topic.rsplit('/', 1)[0]}/reply/desk-3", None, "desk-3"),
    ],
)
def test_an_asker_may_name_a_topic_below_reply(
    in_payload: str | None, in_property: str | None, answered_to: str | None
) -> None:
    payload = msgspec.json.encode(Command(id="1", command="arm", reply_to=in_payload))
    command = LINK.decode_command(Inbound(TOPIC, payload, response_topic=in_property))
    assert (command.reply_to or "").rpartition("/")[2] == (answered_to or "")


@pytest.mark.parametrize(
    "topic", ["x", LINK.state_topic, f"{TOPIC[:-7]}reply/+", f"{TOPIC[:-7]}reply/#", f"{TOPIC}/reply"]
)
def test_a_reply_topic_outside_the_camera_s_own_is_refused(topic: str) -> None:
    with pytest.raises(MessageError, match=r"answers go to|is no topic") as caught:
        LINK.decode_command(Inbound(TOPIC, b'{"id": "9", "command": "arm"}', response_topic=topic))
    assert caught.value.command_id == "9"


@given(st.binary(max_size=300) | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_nothing_that_comes_in_raises_anything_else(payload: bytes) -> None:
    with contextlib.suppress(MessageError):
        LINK.decode_command(Inbound(TOPIC, payload))
    LINK.decode_presence(payload)


def test_presence_is_read_from_any_version_of_a_state() -> None:
    assert LINK.decode_presence(b'{"state": "x", "session": "s", "new": 1}') == Presence("s", online=True)
    assert LINK.decode_presence(b'{"state": "offline", "session": "s"}') == Presence("s", online=False)
    assert LINK.decode_presence(b'{"state": "offline"}') is None


@given(st.text(max_size=80))
def test_a_name_fits_a_topic_or_is_refused(name: str) -> None:
    with contextlib.suppress(ConfigError):
        topic = LapelV1("demo", name, "cam-0001").state_topic
        assert topic.count("/") == 5
        assert not set(topic) & {"+", "#", "\0"}


@pytest.mark.parametrize("name", ["", " a", "a/b", "+", "#", "a\0", "x" * 65])
def test_a_name_that_is_no_part_of_a_topic_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match="site"):
        LapelV1("demo", name, "cam-0001")

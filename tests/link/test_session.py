"""The session over a wire, in virtual time: late and live commands, repetition, and whatever else may come in."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lapel.camera import Camera
from lapel.config import load
from lapel.evidence.store import EvidenceStore
from lapel.hardware.devices import Devices
from lapel.link.contract import LapelV1
from lapel.link.journal import Answer, Changes, Journal, MemoryJournal, Route
from lapel.link.messages import Command, Reply
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.link.transport import Inbound
from lapel.worker import InlineWorker
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from link.wire import Wire
from simulated_parts import RecordedIndicators, VirtualFootage

CONTRACT = LapelV1("demo", "home", "cam-0001")
TOPIC = CONTRACT.command_topic


class Stage:
    """A complete camera on a test transport."""

    def __init__(self, clock: VirtualClock, root: Path, journal: Journal, session: str) -> None:
        self.clock, self.wire, self.ear = clock, Wire(), RecordedIndicators()
        self._store = EvidenceStore(root, 0)
        self.footage = VirtualFootage(clock, 5)
        rng = random.Random(3)
        link = Session(
            self.wire, CONTRACT, clock, Outbox(journal, InlineWorker()), session=session, rng=rng, spread_s=1.0
        )
        self.camera = Camera(
            load(flags={("prebuffer", "length_s"): 5, ("recording", "min_free_bytes"): 0}),
            clock=clock,
            footage=self.footage,
            storage=self._store,
            devices=Devices(self.ear),
            worker=InlineWorker(),
            link=link,
            rng=rng,
            session=session,
        )

    async def live(self, story: Callable[["Stage"], Coroutine[Any, Any, None]]) -> None:
        life = asyncio.create_task(self.camera.run())
        try:
            await self.clock.sleep(1)
            await story(self)
            self.camera.shut_down("the story is over")
            await life
        finally:
            life.cancel()
            await asyncio.wait([life])
            self._store.close()

    async def send(self, command: str, id_: str, **more: Any) -> None:
        """A command, and a moment for it to be carried out. `retain`, `expiry_s`, … are the message's."""
        of_message = {
            key: more.pop(key) for key in ("retain", "expiry_s", "response_topic", "correlation") if key in more
        }
        payload = msgspec.json.encode({"id": id_, "command": command, **more})
        self.wire.hand_in(Inbound(TOPIC, payload, **of_message))
        await self.clock.sleep(0.2)

    def inbound(self, payload: bytes, topic: str = TOPIC, *, retain: bool = False) -> Inbound:
        return Inbound(topic, payload, retain)

    def accounts(self) -> list[dict[str, Any]]:
        """Every `recording.json`, as a reader finds it."""
        return [json.loads(path.read_text()) for path in sorted(self._store.root.glob("*/recording.json"))]

    def results(self, id_: str) -> list[str]:
        return [one["result"] for one in self.wire.received("reply") if one["id"] == id_]


def play(
    root: Path,
    story: Callable[[Stage], Coroutine[Any, Any, None]],
    journal: Journal | None = None,
    session: str = "s",
) -> Stage:
    async def program(clock: VirtualClock) -> Stage:
        stage = Stage(clock, root, journal or MemoryJournal(), session)
        await stage.live(story)
        return stage

    return run_virtual(program)


def test_a_command_is_accepted_then_done_and_the_replies_go_to_the_requested_topic(tmp_path: Path) -> None:
    desk = f"{TOPIC.removesuffix('command')}reply/desk-3"

    async def story(on: Stage) -> None:
        await on.send("start-recording", "1", response_topic=desk, correlation=b"\0token")
        await on.send("stop-recording", "2", reply_to=desk)
        await on.send("status", "3")

    on = play(tmp_path, story)
    assert [on.results(id_) for id_ in "123"] == [["accepted", "done"], ["accepted", "done"], ["done"]]
    replies = [one for one in on.wire.published if "/reply" in one.topic]
    assert [(one.topic, one.correlation) for one in replies] == [
        *[(desk, b"\0token")] * 2,
        *[(desk, None)] * 2,
        (desk.removesuffix("/desk-3"), None),
    ]


def test_a_camera_whose_last_message_does_not_get_through_leaves_it_to_the_last_will(tmp_path: Path) -> None:
    """Chaos seed 203: it disconnected without having sent *offline*, and its last state stayed retained for ever."""

    async def story(on: Stage) -> None:
        if is_slow:
            on.wire.is_slow = True

    for is_slow in (False, True):
        on = play(tmp_path / str(is_slow), story)
        assert on.wire.is_aborted is is_slow


def test_a_start_without_any_frame_gets_a_final_reply_too(tmp_path: Path) -> None:
    async def story(on: Stage) -> None:
        on.footage.blind = True
        await on.send("start-recording", "1")
        await on.clock.sleep(60)
        assert on.results("1") == ["accepted"]
        await on.send("stop-recording", "2")

    on = play(tmp_path, story)
    assert on.results("1") == ["accepted", "failed"]
    assert on.results("2") == ["accepted", "done"]


def test_the_same_command_again_gets_the_same_answer_and_is_not_carried_out_again(tmp_path: Path) -> None:
    journal = MemoryJournal()

    async def story(on: Stage) -> None:
        await on.send("start-recording", "1")
        await on.send("stop-recording", "2")
        await on.send("start-recording", "1")

    async def after_a_restart(on: Stage) -> None:
        await on.send("start-recording", "1")

    first = play(tmp_path, story, journal)
    assert first.results("1") == ["accepted", "done", "done"]
    second = play(tmp_path, after_a_restart, journal, session="t")
    assert second.results("1") == ["done"]
    assert len(list(tmp_path.glob("*/recording.json"))) == 1


def test_what_a_power_cut_interrupted_is_answered_after_it(tmp_path: Path) -> None:
    journal = MemoryJournal()
    accepted = Reply(
        id="1", command="start-recording", result="accepted", state="buffering", time="2026-11-24T07:00:00Z"
    )
    desk = f"{TOPIC.removesuffix('command')}reply/desk-3"
    journal.apply(Changes(answers=[Answer(1, accepted, Route(desk, b"token"))]))

    async def nothing(on: Stage) -> None:
        await on.clock.sleep(1)

    on = play(tmp_path, nothing, journal)
    assert on.results("1") == ["failed"]
    assert [(one.topic, one.correlation) for one in on.wire.published if "/reply" in one.topic] == [(desk, b"token")]


def test_commands_from_the_offline_queue_need_an_expiry(tmp_path: Path) -> None:
    async def story(on: Stage) -> None:
        on.wire.cut()
        await on.clock.sleep(1)
        on.wire._in = asyncio.Queue()
        old = {"sent_at": "2026-01-01T00:00:00Z", "ttl_s": 5}
        for id_, fields, expiry_s in (("bare", {}, None), ("counted", {}, 3.0), ("old", old, None)):
            payload = json.dumps({"id": id_, "command": "mark", **fields}).encode()
            on.wire.hand_in(Inbound(TOPIC, payload, expiry_s=expiry_s))
        on.wire.up = True
        await on.clock.sleep(10)
        await on.send("mark", "live")

    on = play(tmp_path, story)
    assert on.results("bare") == ["refused"]
    assert on.results("counted") == ["accepted", "refused"]  # it holds; the chart has nothing to mark
    assert on.results("old") == ["refused"]
    assert on.results("live") == ["accepted", "refused"]
    reasons = {one["id"]: one["reason"] for one in on.wire.received("reply") if one["result"] == "refused"}
    assert "queue" in reasons["bare"]
    assert "expired" in reasons["old"]


def test_a_retained_command_is_reported_and_not_answered(tmp_path: Path) -> None:
    async def story(on: Stage) -> None:
        await on.send("start-recording", "1", retain=True)

    on = play(tmp_path, story)
    assert on.results("1") == []
    assert any(
        "never executed" in one["detail"]["reason"] for one in on.wire.received("event") if one["detail"].get("reason")
    )


def test_an_outage_loses_no_event_and_the_backlog_is_sent_at_a_limited_rate(tmp_path: Path) -> None:
    async def story(on: Stage) -> None:
        on.wire.cut()
        await on.clock.sleep(1)
        on.wire._in = asyncio.Queue()
        for _ in range(100):
            on.camera.mark()  # refused, which is an event
            await on.clock.sleep(1)
        on.wire.up = True
        before = len(on.wire.received("event"))
        while len(on.wire.received("event")) == before:
            await on.clock.sleep(0.05)
        began_s = on.clock.mono_s()
        while len(on.wire.received("event")) < before + 100:
            await on.clock.sleep(0.05)
        assert 4.0 < on.clock.mono_s() - began_s < 8.0  # 20 a second after a burst of 10

    on = play(tmp_path, story)
    ids = [one["id"] for one in on.wire.received("event")]
    assert len(ids) == len(set(ids))
    assert ids == sorted(ids, key=lambda id_: int(id_.rsplit("-", 1)[1]))


_NAMES = st.sampled_from(
    [*msgspec.json.schema(Command)["$defs"]["Command"]["properties"]["command"]["enum"], "explode"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
_FIELDS = st.fixed_dictionaries(
    {"id": st.text(max_size=70) | st.sampled_from(["1", "2", "3"]) | _JSON, "command": _NAMES | _JSON},
    optional={
        "ttl_s": st.floats() | _JSON,
        "sent_at": st.sampled_from(["2026-01-01T00:00:00Z", "2026-99-99T99:99:99Z", "9999-12-31T23:59:59Z"]) | _JSON,
        "reply_to": st.sampled_from(["x", f"{TOPIC}/x", TOPIC.replace("command", "reply/x")]) | _JSON,
        "configuration": st.dictionaries(st.sampled_from(["video", "x"]), _JSON, max_size=2) | _JSON,
        "lines": st.integers() | _JSON,
        "seconds": st.floats() | _JSON,
        "base_version": st.integers() | _JSON,
        "unknown": _JSON,
    },
).filter(lambda fields: fields["command"] not in ("reboot", "set-configuration") or fields.get("configuration") is None)
_PAYLOADS = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda fields: json.dumps(fields).encode(), _FIELDS),
    st.builds(lambda value: json.dumps(value).encode(), _JSON),
    st.sampled_from(
        [b"[" * 5000, b"{" * 8000, b" " * 9000, b"\xff\xfe", b'{"id": "1", "command": "arm", "x": ' + b"[" * 4000]
    ),
)
_MESSAGES = st.builds(
    Inbound,
    st.just(TOPIC),
    _PAYLOADS,
    retain=st.booleans(),
    response_topic=st.none() | st.text(max_size=30) | st.just(TOPIC.replace("command", "reply/y")),
    correlation=st.none() | st.binary(max_size=20),
    expiry_s=st.none() | st.floats(0, 1e9),
)


_HOSTILE = given(st.lists(_MESSAGES, min_size=50, max_size=50))
_AT_LEISURE = [HealthCheck.too_slow, HealthCheck.data_too_large]


@_HOSTILE
@settings(max_examples=40, suppress_health_check=_AT_LEISURE)
def test_two_thousand_hostile_commands_are_refused_and_the_camera_goes_on(
    tmp_path_factory: pytest.TempPathFactory, messages: list[Inbound]
) -> None:
    are_refused_and_the_camera_goes_on(tmp_path_factory, messages)


@pytest.mark.soak
@pytest.mark.timeout(900)
@_HOSTILE
@settings(max_examples=1000, suppress_health_check=_AT_LEISURE)
def test_fifty_thousand_hostile_commands_are_refused_and_the_camera_goes_on(
    tmp_path_factory: pytest.TempPathFactory, messages: list[Inbound]
) -> None:
    are_refused_and_the_camera_goes_on(tmp_path_factory, messages)


def are_refused_and_the_camera_goes_on(tmp_path_factory: pytest.TempPathFactory, messages: list[Inbound]) -> None:
    async def story(on: Stage) -> None:
        for message in messages:
            on.wire.hand_in(message)
        await on.clock.sleep(10)
        if on.camera.ended:
            return  # a reboot is a command like others
        await on.send("status", "is it alive?")
        assert on.results("is it alive?") == ["done"]

    on = play(tmp_path_factory.mktemp("evidence"), story)
    assert {one["result"] for one in on.wire.received("reply")} <= {"accepted", "progress", "done", "refused", "failed"}
    assert all(one.get("reason") for one in on.wire.received("reply") if one["result"] == "refused")
    allowed = {f"{TOPIC.removesuffix('command')}{leaf}" for leaf in ("state", "telemetry", "event", "reply")}
    replies = f"{TOPIC.removesuffix('command')}reply/"
    assert all(one.topic in allowed or one.topic.startswith(replies) for one in on.wire.published)

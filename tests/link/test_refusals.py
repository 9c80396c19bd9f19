"""A broker that refuses messages: they wait or make way, it is reported, and nothing is lost."""

from pathlib import Path

from lapel.errors import LinkError
from lapel.link.journal import MemoryJournal
from lapel.link.refusals import LOSSES_MAX, Refusals
from lapel.link.transport import Envelope, PublishRefused
from link.test_session import TOPIC, Stage, play

EVENT, REPLY, STATE = (f"{TOPIC.removesuffix('command')}{leaf}" for leaf in ("event", "reply", "state"))


def not_authorized(topic: str) -> PublishRefused:
    return PublishRefused(f"refuses a message to {topic} (Not authorized)", is_permanent=False)


def test_events_that_the_access_list_denies_wait_and_arrive_in_order_once(tmp_path: Path) -> None:
    async def story(on: Stage) -> None:
        on.wire.refusal = lambda message: not_authorized(EVENT) if message.topic == EVENT else None
        on.camera.press()
        await on.clock.sleep(5)
        on.camera.press()
        await on.clock.sleep(5)
        status = on.camera.status()
        assert "publish-refused" in status.flags
        assert status.link == ""
        assert on.wire.received("state")[-1]["flags"] == ["publish-refused"]
        on.wire.refusal = lambda _: None
        await on.clock.sleep(40)
        assert "publish-refused" not in on.camera.status().flags

    on = play(tmp_path, story)
    kinds = [one["kind"] for one in on.wire.received("event")]
    assert kinds.count("publish-refused") == 1
    assert [one for one in kinds if one.startswith("recording")] == ["recording-started", "recording-saved"]
    times = [one["mono_s"] for one in on.wire.received("event")]
    assert times == sorted(times)
    ids = [one["id"] for one in on.wire.received("event")]
    assert len(ids) == len(set(ids))


def test_a_state_that_is_denied_does_not_end_the_connection(tmp_path: Path) -> None:
    async def story(on: Stage) -> None:
        on.wire.refusal = lambda message: not_authorized(STATE) if message.topic == STATE else None
        on.camera.press()
        await on.clock.sleep(5)
        assert "publish-refused" in on.camera.status().flags
        await on.send("status", "1")

    on = play(tmp_path, story)
    assert on.results("1") == ["done"]
    assert len(on.wire.hellos) == 1


def test_a_reply_that_is_refused_goes_to_the_plain_topic(tmp_path: Path) -> None:
    async def story(on: Stage) -> None:
        on.wire.refusal = lambda message: not_authorized(message.topic) if "/reply/" in message.topic else None
        await on.send("start-recording", "1", response_topic=f"{REPLY}/desk", correlation=b"token")

    on = play(tmp_path, story)
    assert on.results("1") == ["accepted", "done"]
    assert {one.topic for one in on.wire.published if "/reply" in one.topic} == {REPLY}


def test_an_answer_that_is_too_large_becomes_a_short_one(tmp_path: Path) -> None:
    def at_most_1_kb(message: Envelope) -> LinkError | None:
        is_large = len(message.payload) > 1000
        return PublishRefused("accepts 1000 bytes at most", is_permanent=True) if is_large else None

    async def story(on: Stage) -> None:
        for number in range(100):
            on.camera.log.add(f"line {number} {'x' * 100}")
        on.wire.refusal = at_most_1_kb
        await on.send("request-log", "1", lines=100)
        await on.send("status", "2")

    on = play(tmp_path, story)
    assert (on.results("1"), on.results("2")) == (["accepted", "failed"], ["done"])
    (answer,) = [one for one in on.wire.received("reply") if (one["id"], one["result"]) == ("1", "failed")]
    assert answer["reason"] == "the broker refused the answer: accepts 1000 bytes at most"


def test_a_message_at_which_the_broker_hangs_up_makes_way_and_comes_later(tmp_path: Path) -> None:
    """As a broker of MQTT 3.1.1 refuses: without a word."""
    journal = MemoryJournal()

    async def story(on: Stage) -> None:
        poison = "marker"
        on.wire.refusal = lambda message: LinkError("hung up") if poison.encode() in message.payload else None
        on.camera.press()
        await on.clock.sleep(2)
        on.camera.mark()
        await on.clock.sleep(2)
        on.camera.press()
        await on.clock.sleep(60)
        kinds = [one["kind"] for one in on.wire.received("event")]
        assert "recording-saved" in kinds
        (refused,) = [one["detail"] for one in on.wire.received("event") if one["kind"] == "publish-refused"]
        assert (refused["what"], refused["id"] != "") == ("event", True)
        assert refused["reason"].startswith(f"the connection was lost {LOSSES_MAX} times while it was sent: hung up")
        on.wire.refusal = lambda _: None
        await on.clock.sleep(700)
        assert [one["kind"] for one in on.wire.received("event")].count("marker") == 1

    on = play(tmp_path, story, journal)
    assert journal.load().waiting == []
    assert len(on.wire.hellos) >= LOSSES_MAX


def test_a_broker_that_is_restarted_often_is_not_taken_for_one_that_refuses() -> None:
    refusals = Refusals()
    for number in range(1, 10):
        assert not refusals.is_suspect(number)
        assert not refusals.is_suspect(number)
        refusals.accept("event", number)


def test_twenty_thousand_bad_commands_delay_no_evidence(tmp_path: Path) -> None:
    async def story(on: Stage) -> None:
        for number in range(20_000):
            on.wire.hand_in(on.inbound(f'{{"id": "{number}", "command": "explode"}}'.encode()))
        for number in range(1000):
            on.wire.hand_in(on.inbound(f'{{"id": "m{number}", "command": "mark"}}'.encode()))
        on.camera.press()
        await on.clock.sleep(3)
        on.camera.press()
        await on.clock.sleep(15)
        assert "recording-saved" in [one["kind"] for one in on.wire.received("event")]

    on = play(tmp_path, story)
    rejected = [one["detail"]["reason"] for one in on.wire.received("event") if one["kind"] == "command-rejected"]
    assert len(rejected) < 40
    assert any("more messages were rejected and not answered" in reason for reason in rejected)
    assert len(on.wire.received("event")) + len(on.wire.received("reply")) < 400


def test_a_hundred_malicious_neighbours_take_no_press_from_the_wearer(tmp_path: Path) -> None:
    """Every kind of message on every topic that the camera reads, for a minute, while the wearer presses."""
    foreign = b'{"state": "buffering", "session": "%d", "agency": "demo", "site": "home", "camera": "cam-0001"}'
    noise = [
        b"",
        b"\xff" * 100,
        b"[" * 8000,
        b'{"state": "offline"}',
        b'{"id": "1", "command": "reboot"}',
        b"\x1b]0;x\x07",
    ]

    async def story(on: Stage) -> None:
        for second in range(60):
            for neighbour in range(100):
                on.wire.hand_in(on.inbound(foreign % neighbour, topic=STATE, retain=neighbour % 2 == 0))
                on.wire.hand_in(on.inbound(noise[(second + neighbour) % len(noise)], retain=neighbour % 3 == 0))
            if second % 4 == 0:
                on.camera.press()
            await on.clock.sleep(1)
            assert on.camera.status().state == ("recording" if second % 8 < 4 else "buffering"), second

    on = play(tmp_path, story)
    assert [(one["start"]["source"], one["status"]) for one in on.accounts()] == [("button", "complete")] * 8

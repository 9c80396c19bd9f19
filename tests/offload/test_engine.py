"""The offload engine in virtual time, against a back end in memory."""

import pytest

from lapel.errors import BlockedError, BusyError, OffloadError, RejectedError
from lapel.offload.listener import Gate
from lapel.offload.progress import MemoryNotes
from lapel.offload.schedule import BLOCKED_S
from lapel.offload.throttle import RateLimit
from lapel.recording import Cause
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from offload.back_ends import (
    BUSY,
    PART_BYTES,
    Fails,
    MemoryCard,
    MemoryDestination,
    Rig,
    a_while,
    clip,
    content,
    drive,
    make_rig,
    run_engine,
)

NOT_DOCKED = Gate("the camera is not in its dock")


def at(minute: int) -> str:
    return f"2026-11-24T07:{minute:02}:00.000Z"


def test_every_file_arrives_once_and_whole_and_then_complete() -> None:
    rig = run_engine(a_while, clip("a", 1_000_000), clip("b", markers_s=[0.5]))
    assert rig.destination.objects["a/a/video.mp4"] == content("a", "video.mp4", 1_000_000)
    assert set(rig.destination.objects) == {
        *(f"a/a/{name}" for name in ("video.mp4", "manifest.jsonl", "recording.json")),
        *(f"b/b/{name}" for name in ("video.mp4", "manifest.jsonl", "recording.json", "bookmark-1")),
    }
    assert rig.destination.complete == ["a", "b"]
    assert rig.listener.of("confirmed") == [("a",), ("b",)]
    assert rig.engine.status().doing == "done: every recording is confirmed"
    assert rig.destination.is_closed


def test_a_recording_of_linked_clips_is_declared_complete_once() -> None:
    rig = run_engine(a_while, clip("a", continued_by="b"), clip("b", continues="a"))
    assert rig.destination.complete == ["a"]
    assert set(rig.card.confirmed) == {"a", "b"}


def test_a_cut_costs_the_part_that_was_on_its_way() -> None:
    rig = run_engine(a_while, clip("a", 10 * PART_BYTES), fail=Fails("part a/video", BUSY))
    assert rig.destination.objects["a/a/video.mp4"] == content("a", "video.mp4", 10 * PART_BYTES)
    assert rig.destination.received_bytes == 11 * PART_BYTES + 500
    assert rig.listener.of("note") == [("offload of a goes on later: the back end is busy",)]


def test_undocking_stops_at_once_and_the_dock_goes_on_where_it_was() -> None:
    async def steps(rig: Rig) -> None:
        await rig.clock.sleep(1.3)  # in the middle of the fourth part
        rig.gate = NOT_DOCKED
        rig.engine.look()
        await rig.clock.sleep(0.1)
        before = rig.destination.received_bytes
        await rig.clock.sleep(3600)
        assert rig.destination.received_bytes == before
        assert rig.engine.status().doing == "waits: the camera is not in its dock"
        rig.gate = Gate()
        rig.engine.look()
        await rig.clock.sleep(60)
        assert rig.destination.received_bytes < 11 * PART_BYTES + 500

    rig = run_engine(steps, clip("a", 10 * PART_BYTES))
    assert rig.destination.complete == ["a"]


@pytest.mark.parametrize("cut_s", [0.0, 0.1, 0.5, 0.9, 1.7, 2.3, 3.9, 4.0, 4.1])
def test_a_power_cut_at_any_moment_loses_and_doubles_nothing(cut_s: float) -> None:
    notes = MemoryNotes()

    async def program(clock: VirtualClock) -> MemoryDestination:
        card = MemoryCard(clip("a", 10 * PART_BYTES), clip("b", 100, continued_by="c"), clip("c", 100, continues="b"))
        destination = MemoryDestination(clock)
        await drive(make_rig(clock, card, destination, notes, {}), lambda rig: rig.clock.sleep(cut_s))
        await drive(make_rig(clock, card, destination, notes, {}), a_while)
        assert set(card.confirmed) == {"a", "b", "c"}
        return destination

    destination = run_virtual(program)
    assert destination.complete == ["a", "b"]
    assert destination.objects["a/a/video.mp4"] == content("a", "video.mp4", 10 * PART_BYTES)
    assert destination.received_bytes <= 11 * PART_BYTES + 500 + 2 * 600


def test_a_lost_note_finds_what_the_back_end_has() -> None:
    async def program(clock: VirtualClock) -> None:
        card, destination = MemoryCard(clip("a")), MemoryDestination(clock, gives_receipts=False)
        await drive(make_rig(clock, card, destination, MemoryNotes(), {}), a_while)
        destination.gives_receipts = True
        destination.receipts["a"] = b"a"
        await drive(make_rig(clock, card, destination, MemoryNotes(), {}), a_while)
        assert destination.complete == ["a"]
        assert set(card.confirmed) == {"a"}

    run_virtual(program)


def test_what_went_to_another_address_is_sent_again() -> None:
    async def program(clock: VirtualClock) -> None:
        card, notes = MemoryCard(clip("a")), MemoryNotes()
        old, new = MemoryDestination(clock, gives_receipts=False), MemoryDestination(clock, name="another")
        await drive(make_rig(clock, card, old, notes, {}), a_while)
        await drive(make_rig(clock, card, new, notes, {}), a_while)
        assert new.complete == ["a"]

    run_virtual(program)


def test_rejected_is_on_record_and_never_offered_again_until_someone_asks() -> None:
    never = RejectedError("rejected: 400 at PUT")

    async def steps(rig: Rig) -> None:
        await rig.clock.sleep(24 * 3600)
        assert rig.listener.of("failed") == [("a", "rejected: 400 at PUT")]
        assert rig.destination.complete == ["b"]
        assert rig.destination.steps.count("begin a") == 1
        assert rig.engine.status().refused == {"a": "rejected: 400 at PUT"}
        rig.engine.start()  # as at the next docking
        await rig.clock.sleep(3600)
        assert rig.destination.steps.count("begin a") == 1
        assert await rig.engine.retry("x") == []
        assert await rig.engine.retry("a") == ["a"]
        await a_while(rig)
        assert rig.destination.complete == ["b", "a"]

    run_engine(steps, clip("a"), clip("b"), fail=Fails("send a/video", never))


def test_rejected_stays_rejected_after_a_restart() -> None:
    async def program(clock: VirtualClock) -> None:
        card, notes = MemoryCard(clip("a")), MemoryNotes()
        destination = MemoryDestination(clock, fail=Fails("begin a", RejectedError("rejected"), 99))
        for _ in range(2):
            await drive(make_rig(clock, card, destination, notes, {}), a_while)
        assert destination.steps == ["begin a"]

    run_virtual(program)


@pytest.mark.parametrize("error", [BlockedError("402 at PUT"), BlockedError("507 at PUT")])
def test_no_licence_or_no_room_stops_keeps_and_alarms_once(error: OffloadError) -> None:
    async def steps(rig: Rig) -> None:
        await a_while(rig)
        assert rig.engine.is_blocked
        assert rig.engine.status().doing == f"waits: {error}"
        assert rig.listener.of("failed") == [("", str(error))]
        assert len(rig.card.clips()) == 3
        before = len(rig.destination.steps)
        await rig.clock.sleep(BLOCKED_S - 60)
        assert len(rig.destination.steps) == before
        await rig.clock.sleep(120)  # the operator has made room in the meantime
        assert rig.destination.complete == ["a", "b", "c"]

    run_engine(steps, clip("a"), clip("b"), clip("c"), fail=Fails("send a/video", error))


def test_busy_backs_off_and_lets_another_recording_try() -> None:
    async def steps(rig: Rig) -> None:
        await rig.clock.sleep(60)
        assert rig.destination.complete == ["b", "c"]
        await rig.clock.sleep(4000)
        assert rig.destination.complete == ["b", "c", "a"]

    run_engine(steps, clip("a"), clip("b"), clip("c"), fail=Fails("begin a", BUSY, 9))


def test_the_back_end_says_how_long_to_wait() -> None:
    async def steps(rig: Rig) -> None:
        await rig.clock.sleep(100)
        assert rig.destination.steps == ["begin a"]
        await rig.clock.sleep(150)
        assert rig.destination.complete == ["a"]

    run_engine(steps, clip("a"), fail=Fails("begin", BusyError("503", 120.0)))


def test_requested_leaves_over_the_air_before_all_others() -> None:
    async def steps(rig: Rig) -> None:
        rig.gate = NOT_DOCKED
        rig.engine.look()
        await a_while(rig)
        assert rig.destination.steps == []
        assert await rig.engine.request("none", "7") == "there is no such recording on the card"
        assert await rig.engine.request("d", "7") == "it is still being recorded"
        assert await rig.engine.request("c", "7") is None
        assert rig.engine.unanswered_commands() == {"7"}
        await a_while(rig)
        assert rig.destination.complete == ["b"]
        assert rig.listener.of("offloaded") == [("b", "7")]
        assert rig.engine.unanswered_commands() == set()
        assert await rig.engine.request("b", "8") == "the back end has it already"

    clips = clip("a", trigger_time=at(1)), clip("b", continued_by="c"), clip("c", continues="b")
    run_engine(steps, *clips, clip("d", status="recording"))


def test_requested_does_not_wait_for_a_place() -> None:
    async def steps(rig: Rig) -> None:
        await rig.clock.sleep(1)
        await rig.engine.request("b", "7")
        await rig.clock.sleep(1)
        assert rig.destination.complete == ["b"]

    rig = run_engine(steps, clip("a", 100 * PART_BYTES), clip("b", trigger_time=at(59)), uploads=1)
    assert rig.destination.steps[0] == "begin a"


def test_critical_ones_leave_first_and_as_many_at_once_as_allowed() -> None:
    async def steps(rig: Rig) -> None:
        await rig.clock.sleep(0.1)
        assert [step for step in rig.destination.steps if "begin" in step] == ["begin c", "begin a"]

    clips = [clip(name, 10**6, trigger_time=at(minute)) for minute, name in enumerate("ab")]
    critical = clip("c", 10**6, trigger_time=at(9), start=Cause("trigger", "holster"))
    run_engine(steps, *clips, critical, uploads=2, critical=frozenset({"holster"}))


def test_a_pause_holds_everything_until_start() -> None:
    async def steps(rig: Rig) -> None:
        rig.engine.pause("paused: a visitor")
        await rig.clock.sleep(3600)
        assert rig.destination.complete == []
        assert rig.engine.status().doing == "waits: paused: a visitor"
        rig.engine.start()
        await a_while(rig)
        assert rig.destination.complete == ["a"]

    run_engine(steps, clip("a", 10 * PART_BYTES))


def test_the_speed_is_limited_and_reported() -> None:
    async def program(clock: VirtualClock) -> None:
        card, destination = MemoryCard(clip("a", 1_000_000)), MemoryDestination(clock, bytes_per_s=1e9)
        rig = make_rig(clock, card, destination, MemoryNotes(), {"throttle": RateLimit(clock, 800_000)})

        async def steps(rig: Rig) -> None:
            await clock.sleep(5)
            assert 400_000 < rig.engine.status().rate_bps < 1_000_000
            assert rig.engine.status().bytes_left < 1_000_500
            assert destination.complete == []
            await clock.sleep(6)
            assert destination.complete == ["a"]

        await drive(rig, steps)

    run_virtual(program)


# -- receipts ----------------------------------------------------------------------------------------------------------


def test_without_a_receipt_it_stays_and_is_asked_for_at_growing_intervals() -> None:
    async def steps(rig: Rig) -> None:
        await rig.clock.sleep(3600)
        asked = rig.destination.steps.count("receipt a")
        assert 8 <= asked <= 13
        assert rig.card.confirmed == {}
        assert rig.engine.status().awaiting_receipt == 1
        rig.destination.receipts["a"] = b"a"
        await rig.clock.sleep(600)
        assert set(rig.card.confirmed) == {"a"}

    run_engine(steps, clip("a"), gives_receipts=False)


def test_a_receipt_that_does_not_hold_is_on_record_once_and_a_good_one_may_follow() -> None:
    async def steps(rig: Rig) -> None:
        rig.destination.receipts["a"] = b"another"
        await rig.clock.sleep(3600)
        assert rig.listener.of("receipt-refused") == [("a", "the receipt is for another recording, another")]
        assert rig.card.confirmed == {}
        rig.destination.receipts["a"] = b"a"
        await rig.clock.sleep(600)
        assert set(rig.card.confirmed) == {"a"}

    run_engine(steps, clip("a"), gives_receipts=False)


def test_no_receipt_is_asked_for_before_the_recording_is_complete() -> None:
    rig = run_engine(a_while, clip("a"), clip("b"), fail=Fails("finish a", BUSY))
    steps = rig.destination.steps
    assert steps.index("receipt a") > len(steps) - steps[::-1].index("finish a") - 1


def test_a_note_survives_the_deletion_of_one_of_its_clips() -> None:
    async def steps(rig: Rig) -> None:
        rig.destination.receipts["a"] = b"a"
        await rig.clock.sleep(60)
        assert set(rig.card.confirmed) == {"a"}
        rig.card.on_card = [one for one in rig.card.on_card if one.account.recording == "b"]  # retention has passed
        rig.destination.receipts["b"] = b"b"
        await rig.clock.sleep(3600)
        assert rig.destination.complete == ["a"]
        assert set(rig.card.confirmed) == {"a", "b"}
        rig.card.on_card = []
        rig.engine.look()
        await rig.clock.sleep(1)
        assert rig.notes.notes == {}

    run_engine(steps, clip("a", continued_by="b"), clip("b", continues="a"), gives_receipts=False)


# -- reading back ------------------------------------------------------------------------------------------------------


def test_everything_is_read_back_before_it_is_complete() -> None:
    rig = run_engine(a_while, clip("a"), reads_back=True, gives_back=lambda _, data: data)
    assert rig.card.read_back == ["a"]
    assert rig.destination.complete == ["a"]


def test_what_reads_back_changed_is_sent_again() -> None:
    changed = ["a/video.mp4"]

    def gives_back(key: str, data: bytes) -> bytes:
        return b"x" + data[1:] if key in changed and not changed.remove(key) else data  # type: ignore[func-returns-value]

    rig = run_engine(a_while, clip("a"), reads_back=True, gives_back=gives_back)
    assert rig.destination.complete == ["a"]
    assert rig.card.read_back == ["a"]
    assert rig.listener.of("note") == [
        ("offload of a goes on later: a/video.mp4: reads back changed; it is sent again",)
    ]


def test_a_bug_in_a_destination_does_not_end_the_engine() -> None:
    def fail(step: str) -> None:
        if step == "begin a":
            raise ZeroDivisionError("a bug")

    rig = run_engine(a_while, clip("a"), clip("b"), fail=fail)
    assert rig.destination.complete == ["b"]
    assert "unexpected ZeroDivisionError: a bug" in rig.listener.of("note")[0][0]

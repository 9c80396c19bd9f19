"""The camera in virtual time: every part simulated, the evidence a real folder."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from lapel import boxes
from lapel.camera import Camera
from lapel.config import load
from lapel.errors import MessageError, StorageError
from lapel.evidence.store import EvidenceStore
from lapel.hardware.interfaces import Storage
from lapel.settings import Settings
from lapel.worker import InlineWorker
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from parts import Ear, RecordingLink, VirtualFootage


class Bench:
    """A camera on the bench: its parts, and what it wrote."""

    def __init__(self, clock: VirtualClock, root: Path, storage: Storage | None = None, **keys: Any) -> None:
        self.clock, self.root = clock, root
        settings = {("prebuffer", "length_s"): 10, ("recording", "min_free_bytes"): 0, **keys.get("flags", {})}
        self.config = load(flags=settings)
        self.store = EvidenceStore(root, 0)
        self.footage = VirtualFootage(clock, self.config.prebuffer.length_s)
        self.footage.blind = keys.get("blind", False)
        self.link, self.ear = RecordingLink(), Ear()
        self.settings: Settings = keys.get("settings") or Settings(self.config)
        self.camera = Camera(
            self.config,
            clock=clock,
            footage=self.footage,
            storage=storage or self.store,
            worker=InlineWorker(),
            link=self.link,
            rng=random.Random(7),
            session="s",
            indicators=self.ear,
            settings=self.settings,
        )

    async def live(self, story: Callable[["Bench"], Coroutine[Any, Any, None]]) -> None:
        life = asyncio.create_task(self.camera.run())
        try:
            await self.clock.sleep(0.1)
            await story(self)
            self.camera.shut_down("the story is over")
            await life
        finally:
            life.cancel()
            self.store.close()

    def accounts(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.root.glob("*/recording.json"))]


def play(root: Path, story: Callable[[Bench], Coroutine[Any, Any, None]], **keys: Any) -> Bench:
    async def program(clock: VirtualClock) -> Bench:
        bench = Bench(clock, root, **keys)
        await bench.live(story)
        return bench

    return run_virtual(program)


def test_a_press_records_from_before_it(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        await on.clock.sleep(20.45)
        on.camera.press()
        await on.clock.sleep(5)
        on.camera.press()

    on = play(tmp_path, story)
    (account,) = on.accounts()
    assert account["status"] == "complete"
    assert (account["prebuffer_configured_s"], account["prebuffer_shortfall"]) == (10.0, None)
    assert 10.0 <= account["prebuffer_actual_s"] <= 11.0
    assert account["duration_s"] == pytest.approx(account["prebuffer_actual_s"] + 5.0, abs=0.01)
    assert account["gaps"] == []
    (video,) = tmp_path.glob("*/video.mp4")
    with video.open("rb") as file:
        assert boxes.extent(file).frames == account["frames"]
    assert on.link.states == ["booting", "buffering", "recording", "buffering", "off"]
    order = [one.kind for one in on.link.events("recording-started", "prebuffer-saved", "recording-saved")]
    assert order == ["recording-started", "prebuffer-saved", "recording-saved"]
    assert on.link.said[-1] == "offline: the story is over"


def test_a_press_just_after_the_start_says_why_it_is_short(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        await on.clock.sleep(3)
        on.camera.press()
        await on.clock.sleep(2)

    on = play(tmp_path, story)
    (account,) = on.accounts()
    assert account["prebuffer_actual_s"] == pytest.approx(3.1, abs=0.2)
    assert "capture began only" in account["prebuffer_shortfall"]
    assert account["stop"]["reason"] == "the story is over"


def test_a_start_from_standby_has_nothing_from_before_and_says_so(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        on.link.command("sleep")
        await on.clock.sleep(5)
        on.camera.press()
        await on.clock.sleep(2)

    (account,) = play(tmp_path, story).accounts()
    assert account["prebuffer_actual_s"] == 0
    assert "standby" in account["prebuffer_shortfall"]


def test_every_command_is_answered(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        await on.clock.sleep(12)
        for number, command in enumerate(["start-recording", "start-recording", "mark", "sleep", "stop-recording"]):
            on.link.command(command, str(number))
            await on.clock.sleep(1)
        on.link.command("status", "5")
        on.link.command("sleep", "6")
        await on.clock.sleep(1)
        on.link.command("arm", "7")
        await on.clock.sleep(1)

    on = play(tmp_path, story)
    assert [(one.id, one.result) for one in on.link.replies] == [
        ("0", "done"), ("1", "refused"), ("2", "done"), ("3", "refused"), ("4", "done"), ("5", "done"),
        ("6", "done"), ("7", "done"),
    ]  # fmt: skip
    assert on.link.replies[0].state == "recording"
    assert on.link.replies[1].reason == "the camera is recording already"
    assert len(on.accounts()[0]["markers_s"]) == 1


def test_a_bad_command_is_answered_and_put_on_record(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        on.camera.on_bad_command(MessageError("topic: no valid command", "9", "explode"))
        on.camera.on_bad_command(MessageError("topic: not JSON"))
        await on.clock.sleep(1)

    on = play(tmp_path, story)
    assert [(one.id, one.result) for one in on.link.replies] == [("9", "refused")]
    assert len(on.link.events("command-rejected")) == 2


def test_post_event_seconds_go_on_after_the_stop_and_a_second_stop_ends_them(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        for stops in (1, 2):
            await on.clock.sleep(12)
            on.camera.press()
            await on.clock.sleep(5)
            for _ in range(stops):
                on.camera.press()
                await on.clock.sleep(0.5)
            await on.clock.sleep(20)

    on = play(tmp_path, story, flags={("recording", "postevent_s"): 8})
    lengths = [round(one["duration_s"] - one["prebuffer_actual_s"], 1) for one in on.accounts()]
    assert sorted(lengths) == [5.5, 13.0]


def test_a_long_recording_goes_on_in_a_linked_clip(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        await on.clock.sleep(12)
        on.camera.press()
        await on.clock.sleep(30)

    accounts = play(tmp_path, story, flags={("recording", "max_clip_s"): 20}).accounts()
    by_id = {one["recording"]: one for one in accounts}
    (first,) = [one for one in accounts if one["continues"] is None]
    assert by_id[first["continued_by"]]["continues"] == first["recording"]
    assert sum(one["duration_s"] for one in accounts) == pytest.approx(40, abs=1.5)


def test_a_lost_source_is_a_gap_and_not_an_end(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        on.footage.lost = "unplugged"
        on.camera.on_source_lost("unplugged")
        await on.clock.sleep(1)
        assert on.camera.status().flags == ["source-lost"]
        on.footage.lost = None
        on.camera.on_source_restored()

    on = play(tmp_path, story)
    assert [one.kind for one in on.link.events("source-lost", "source-restored")] == ["source-lost", "source-restored"]


def test_an_ended_video_ends_the_recording_and_the_camera(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        await on.clock.sleep(2)
        on.camera.press()
        await on.clock.sleep(2)
        on.camera.on_source_ended("x.mp4: has ended")
        await on.clock.sleep(1)

    on = play(tmp_path, story)
    (account,) = on.accounts()
    assert (account["status"], account["stop"]["reason"]) == ("complete", "x.mp4: has ended")
    assert on.camera.ended == "x.mp4: has ended"


class Card:
    """A storage whose card can be pulled."""

    def __init__(self, store: EvidenceStore) -> None:
        self._store = store
        self.broken: StorageError | None = None

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            if self.broken:
                raise self.broken
            return getattr(self._store, name)(*arguments)

        return call


def test_a_broken_card_is_a_fault_with_its_reason_and_clears_when_it_is_mended(tmp_path: Path) -> None:
    async def program(clock: VirtualClock) -> Bench:
        store = EvidenceStore(tmp_path, 0)
        card = Card(store)
        bench = Bench(clock, tmp_path, storage=card)
        bench.store = store

        async def story(on: Bench) -> None:
            card.broken = StorageError("card: read-only")
            on.link.command("start-recording")
            await clock.sleep(10)
            assert on.camera.status().state == "fault"
            assert on.camera.status().reason == "card: read-only"
            on.camera.press()
            await clock.sleep(1)
            card.broken = None
            await clock.sleep(10)
            assert on.camera.status().state == "buffering"

        await bench.live(story)
        return bench

    on = run_virtual(program)
    assert [(one.result, one.reason) for one in on.link.replies] == [("failed", "card: read-only")]
    assert [one.detail["reason"] for one in on.link.events("refused")] == [
        "the camera has a fault and cannot record; see its reason"
    ]


def test_a_duplicate_name_is_a_fault_but_never_ends_a_recording(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        await on.clock.sleep(2)
        on.camera.press()
        await on.clock.sleep(1)
        on.camera.on_duplicate("other")
        await on.clock.sleep(1)
        assert on.camera.status().state == "recording"
        on.camera.press()
        await on.clock.sleep(1)
        on.camera.on_duplicate("other")
        await on.clock.sleep(1)
        assert on.camera.status().state == "fault"
        on.camera.on_link(True, "")
        await on.clock.sleep(1)
        assert on.camera.status().state == "buffering"

    play(tmp_path, story)


def test_what_an_earlier_session_left_is_reported(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        await on.clock.sleep(3)
        on.camera.press()
        await on.clock.sleep(3)
        on.store.close()  # as a power cut would: the account still says `recording`
        for path in tmp_path.glob("*/recording.json"):
            again = tmp_path / "again"
            again.mkdir()
            (again / "recording.json").write_bytes(path.read_bytes())
            (again / "video.mp4").write_bytes((path.parent / "video.mp4").read_bytes())

    play(tmp_path, story)

    async def nothing(on: Bench) -> None:
        await on.clock.sleep(1)

    on = play(tmp_path, nothing)
    assert len(on.link.events("recovered")) == 1
    assert {one["status"] for one in on.accounts()} == {"complete", "interrupted"}

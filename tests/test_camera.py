"""The camera in virtual time: recordings, commands, faults, and what an earlier session left."""

import json
from pathlib import Path
from typing import Any

import pytest

from camera_harness import SHUTDOWN_REASON, CameraHarness, run_steps
from lapel import mp4_boxes as boxes
from lapel.errors import MessageError, StorageError
from lapel.evidence.audit_log import log_files
from lapel.evidence.store import EvidenceStore
from lapel.link.interface import LinkStatus
from lapel.states import State
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


def test_a_press_records_the_pre_event_buffer_and_what_follows(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(20.45)
        harness.camera.press()
        await harness.clock.sleep(5)
        harness.camera.press()

    harness = run_steps(tmp_path, steps)
    (account,) = harness.accounts()
    assert account["status"] == "complete"
    assert (account["prebuffer_configured_s"], account["prebuffer_shortfall"]) == (10.0, None)
    assert 10.0 <= account["prebuffer_actual_s"] <= 11.0
    assert account["duration_s"] == pytest.approx(account["prebuffer_actual_s"] + 5.0, abs=0.01)
    assert account["gaps"] == []
    (video,) = tmp_path.glob("*/video.mp4")
    with video.open("rb") as file:
        assert boxes.extent(file).frames == account["frames"]
    assert harness.link.states == ["booting", "buffering", "recording", "buffering", "off"]
    order = [event.kind for event in harness.link.events("recording-started", "prebuffer-saved", "recording-saved")]
    assert order == ["recording-started", "prebuffer-saved", "recording-saved"]
    assert harness.link.published[-1] == f"offline: {SHUTDOWN_REASON}"


def test_every_command_gets_a_final_reply(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(12)
        for number, command in enumerate(["start-recording", "start-recording", "mark", "sleep", "stop-recording"]):
            harness.link.command(command, str(number))
            await harness.clock.sleep(1)
        harness.link.command("status", "5")
        harness.link.command("sleep", "6")
        await harness.clock.sleep(1)
        harness.link.command("arm", "7")
        await harness.clock.sleep(1)

    harness = run_steps(tmp_path, steps)
    assert [(reply.id, reply.result) for reply in harness.link.replies] == [
        ("0", "done"), ("1", "refused"), ("2", "done"), ("3", "refused"), ("4", "done"), ("5", "done"),
        ("6", "done"), ("7", "done"),
    ]  # fmt: skip
    assert harness.link.replies[0].state == "recording"
    assert harness.link.replies[1].reason == "the camera is recording already"
    assert len(harness.accounts()[0]["markers_s"]) == 1


def test_a_bad_command_is_answered_if_possible_and_published_as_rejected(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        harness.camera.link_events.on_bad_command(MessageError("topic: no valid command", "9", "explode"))
        harness.camera.link_events.on_bad_command(MessageError("topic: not JSON"))
        await harness.clock.sleep(1)

    harness = run_steps(tmp_path, steps)
    assert [(reply.id, reply.result) for reply in harness.link.replies] == [("9", "refused")]
    assert len(harness.link.events("command-rejected")) == 2


def test_recording_continues_for_the_post_event_time_unless_a_second_stop_ends_it(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        for stops in (1, 2):
            await harness.clock.sleep(12)
            harness.camera.press()
            await harness.clock.sleep(5)
            for _ in range(stops):
                harness.camera.press()
                await harness.clock.sleep(0.5)
            await harness.clock.sleep(20)

    harness = run_steps(tmp_path, steps, flags={("recording", "postevent_s"): 8})
    after_press_s = [round(account["duration_s"] - account["prebuffer_actual_s"], 1) for account in harness.accounts()]
    assert sorted(after_press_s) == [5.5, 13.0]


def test_a_long_recording_continues_in_a_linked_clip(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(12)
        harness.camera.press()
        await harness.clock.sleep(30)

    accounts = run_steps(tmp_path, steps, flags={("recording", "max_clip_s"): 20}).accounts()
    by_id = {account["recording"]: account for account in accounts}
    (first,) = [account for account in accounts if account["continues"] is None]
    assert by_id[first["continued_by"]]["continues"] == first["recording"]
    assert sum(account["duration_s"] for account in accounts) == pytest.approx(40, abs=1.5)


def test_a_lost_source_is_a_gap_and_not_an_end(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        harness.footage.lost = "unplugged"
        harness.camera.footage_events.on_source_lost("unplugged")
        await harness.clock.sleep(1)
        assert harness.camera.status().flags == ["source-lost"]
        harness.footage.lost = None
        harness.camera.footage_events.on_source_restored()

    harness = run_steps(tmp_path, steps)
    events = harness.link.events("source-lost", "source-restored")
    assert [event.kind for event in events] == ["source-lost", "source-restored"]


def test_an_ended_video_ends_the_recording_and_the_camera(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(2)
        harness.camera.press()
        await harness.clock.sleep(2)
        harness.camera.footage_events.on_source_ended("x.mp4: has ended")
        await harness.clock.sleep(1)

    harness = run_steps(tmp_path, steps)
    (account,) = harness.accounts()
    assert (account["status"], account["stop"]["reason"]) == ("complete", "x.mp4: has ended")
    assert harness.camera.ended == "x.mp4: has ended"


class RemovableStorage:
    """A storage that raises `error`, while there is one, whatever it is called for."""

    def __init__(self, store: EvidenceStore) -> None:
        self._store = store
        self.error: StorageError | None = None

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            if self.error:
                raise self.error
            return getattr(self._store, name)(*arguments)

        return call


def test_a_broken_storage_is_a_fault_with_its_reason_until_it_works_again(tmp_path: Path) -> None:
    async def program(clock: VirtualClock) -> CameraHarness:
        store = EvidenceStore(tmp_path, 0)
        storage = RemovableStorage(store)
        harness = CameraHarness(clock, tmp_path, storage=storage)
        harness.store = store

        async def steps(harness: CameraHarness) -> None:
            storage.error = StorageError("storage card: read-only")
            harness.link.command("start-recording")
            await clock.sleep(10)
            assert harness.camera.status().state is State.FAULT
            assert harness.camera.status().reason == "storage card: read-only"
            harness.camera.press()
            await clock.sleep(1)
            storage.error = None
            await clock.sleep(10)
            assert harness.camera.status().state is State.BUFFERING

        await harness.run(steps)
        return harness

    harness = run_virtual(program)
    assert [(reply.result, reply.reason) for reply in harness.link.replies] == [("failed", "storage card: read-only")]
    assert [event.detail["reason"] for event in harness.link.events("refused")] == [
        "the camera has a fault and cannot record; see its reason"
    ]


def test_a_duplicate_name_is_a_flag_and_takes_nothing_from_the_wearer(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(2)
        harness.link.standing = LinkStatus(reason="another live camera uses this camera's address", duplicate="other")
        harness.camera.link_events.on_duplicate("other")
        await harness.clock.sleep(1)
        assert "duplicate-name" in harness.camera.status().flags
        harness.camera.press()
        await harness.clock.sleep(2)
        assert harness.camera.status().state == "recording"
        harness.camera.press()
        await harness.clock.sleep(1)
        harness.link.standing = LinkStatus(up=True)
        harness.camera.link_events.on_link(True, "")
        assert "duplicate-name" not in harness.camera.status().flags

    harness = run_steps(tmp_path, steps)
    assert [event.detail for event in harness.link.events("duplicate-name")] == [{"session": "other"}]
    assert harness.accounts()[0]["status"] == "complete"
    assert "fault" not in harness.link.states


def test_a_recording_that_an_earlier_session_left_unfinished_is_recovered_and_reported(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(3)
        harness.camera.press()
        await harness.clock.sleep(3)
        harness.store.close()  # as a power cut would: the account still has status `recording`
        for path in tmp_path.glob("*/recording.json"):
            again = tmp_path / "again"
            again.mkdir()
            (again / "recording.json").write_bytes(path.read_bytes())
            (again / "video.mp4").write_bytes((path.parent / "video.mp4").read_bytes())

    run_steps(tmp_path, steps)

    async def wait(harness: CameraHarness) -> None:
        await harness.clock.sleep(1)

    harness = run_steps(tmp_path, wait)
    assert len(harness.link.events("recovered")) == 1
    assert {account["status"] for account in harness.accounts()} == {"complete", "interrupted"}


def test_a_second_shut_down_of_a_camera_that_is_off_is_not_reported(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        harness.camera.shut_down("ended by SIGTERM")
        harness.camera.shut_down("ended by SIGTERM")

    harness = run_steps(tmp_path, steps)
    assert harness.indicators.lines == ["booting", "buffering", "link up", "off"]
    assert harness.link.events("refused") == []
    assert harness.link.published[-1] == "offline: ended by SIGTERM"


def test_a_start_while_the_camera_shuts_down_is_still_refused_audibly(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        harness.camera.shut_down("ended by SIGTERM")
        harness.camera.press()

    harness = run_steps(tmp_path, steps)
    assert harness.indicators.signals == ["refused"]
    assert [event.detail["event"] for event in harness.link.events("refused")] == ["start"]


def test_the_audit_log_tells_a_session_from_power_on_to_power_off(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(2)
        harness.camera.press()
        await harness.clock.sleep(3)
        harness.camera.press()
        harness.camera.audit("console-login", {"role": "service"})
        await harness.clock.sleep(200)

    run_steps(tmp_path, steps)
    (path,) = log_files(tmp_path)
    _, *records = [json.loads(line)["record"] for line in path.read_bytes().splitlines()]
    entries = [record["entry"] for record in records]
    events = [entry["event"] for entry in entries]
    assert (events[0], events[-1]) == ("power-on", "power-off")
    assert {"booted", "recording-started", "recording-saved", "console-login", "heartbeat"} <= set(events)
    assert len(entries[0]["detail"]["configuration"]) == 64
    transitions = [entry["detail"] for entry in entries if entry["event"] == "transition"]
    assert [one["after"] for one in transitions] == ["booting", "buffering", "recording", "buffering", "off"]
    assert transitions[2]["requester"] == "the button"

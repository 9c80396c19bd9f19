"""Commands that are no events of the state chart, carried out by a whole camera in virtual time."""

from pathlib import Path
from typing import Any

import pytest

from camera_harness import SHUTDOWN_REASON, CameraHarness, run_steps
from lapel.config import load
from lapel.link.messages import Command, Reply
from lapel.remote_commands import TRIAL_S
from lapel.settings import Settings

FLAGS = {("prebuffer", "length_s"): 10, ("recording", "min_free_bytes"): 0}


def send(harness: CameraHarness, command: str, **fields: Any) -> None:
    harness.camera.on_command(Command(id="1", command=command, reason="test", sender="desk-3", **fields))  # type: ignore[arg-type]


def only_reply(harness: CameraHarness) -> Reply:
    (reply,) = harness.link.replies
    return reply


def test_an_accepted_command_is_published_with_its_sender_and_reason(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        send(harness, "identify", seconds=3.0)
        await harness.clock.sleep(0.1)

    harness = run_steps(tmp_path, steps)
    (event,) = harness.link.events("command-accepted")
    assert event.detail == {"command": "identify", "id": "1", "sender": "desk-3", "reason": "test"}
    assert "identify 3" in harness.indicators.lines
    assert only_reply(harness).result == "done"


def test_a_self_test_reports_each_part_and_what_fails(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(5)
        send(harness, "self-test")
        await harness.clock.sleep(0.1)
        harness.footage.lost = "unplugged"
        send(harness, "self-test")
        await harness.clock.sleep(0.1)

    harness = run_steps(tmp_path, steps)
    passed, failed = harness.link.replies
    names = {"storage", "key", "video", "sound", "battery", "clock", "link", "events"}
    assert (passed.result, set(passed.detail or {})) == ("done", names)
    assert (failed.result, failed.reason, (failed.detail or {})["video"]) == (
        "failed",
        "failed: video",
        "FAILED: unplugged",
    )
    assert [event.detail["passed"] for event in harness.link.events("self-tested")] == [True, False]


def test_the_log_is_sent_in_parts_oldest_line_first(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        for number in range(200):
            harness.camera.log.add(f"line {number}")
        send(harness, "request-log", lines=90)
        await harness.clock.sleep(0.1)

    harness = run_steps(tmp_path, steps)
    assert [reply.result for reply in harness.link.replies] == ["progress", "progress", "done"]
    lines = [line.rsplit(" ", 1)[1] for reply in harness.link.replies for line in reply.lines or []]
    assert lines == [str(number) for number in range(110, 200)]


@pytest.mark.parametrize("command", ["reboot", "set-configuration"])
def test_no_restart_while_recording(tmp_path: Path, command: str) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(5)
        harness.camera.press()
        await harness.clock.sleep(2)
        send(harness, command, configuration={"prebuffer": {"length_s": 20}})
        await harness.clock.sleep(1)
        harness.camera.press()
        await harness.clock.sleep(1)

    harness = run_steps(tmp_path, steps)
    assert (only_reply(harness).result, "stop the recording" in (only_reply(harness).reason or "")) == ("refused", True)
    assert [account["status"] for account in harness.accounts()] == ["complete"]
    assert not harness.settings.on_trial


def test_a_reboot_ends_the_session_and_is_answered_in_the_next_one(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        send(harness, "reboot")
        await harness.clock.sleep(1)

    harness = run_steps(tmp_path, steps)
    assert (harness.camera.restarts, harness.camera.ended, harness.link.replies) == (
        True,
        "reboot by command 1 from desk-3 (test)",
        [],
    )
    accepted = Reply(id="1", command="reboot", result="accepted", state="buffering", time="2026-11-24T07:00:00Z")

    async def afterwards(harness: CameraHarness) -> None:
        harness.camera.link_events.on_unfinished(accepted)

    assert only_reply(run_steps(tmp_path, afterwards)).result == "done"


def changed(tmp_path: Path, changes: dict[str, Any]) -> Settings:
    """The settings that a camera leaves behind when it restarts for `changes`."""

    async def steps(harness: CameraHarness) -> None:
        send(harness, "set-configuration", configuration=changes)
        await harness.clock.sleep(1)

    harness = run_steps(tmp_path, steps, settings=Settings(load(flags=FLAGS)))
    assert (harness.camera.restarts, harness.settings.on_trial) == (True, True)
    harness.settings.mark_started()
    return harness.settings


ACCEPTED = Reply(id="1", command="set-configuration", result="accepted", state="buffering", time="2026-11-24T07:00:00Z")


def test_changed_settings_that_bring_frames_are_confirmed(tmp_path: Path) -> None:
    settings = changed(tmp_path, {"prebuffer": {"length_s": 20}})

    async def trial(harness: CameraHarness) -> None:
        harness.camera.link_events.on_unfinished(ACCEPTED)
        await harness.clock.sleep(5)

    harness = run_steps(tmp_path, trial, settings=settings)
    assert (only_reply(harness).result, only_reply(harness).detail) == ("done", {"version": 1})
    assert (settings.on_trial, settings.current.prebuffer.length_s) == (False, 20.0)
    assert harness.link.events("configuration-changed")


def test_changed_settings_without_frames_are_rolled_back_and_reported(tmp_path: Path) -> None:
    settings = changed(tmp_path, {"prebuffer": {"length_s": 20}})

    async def trial(harness: CameraHarness) -> None:
        harness.camera.link_events.on_unfinished(ACCEPTED)
        await harness.clock.sleep(TRIAL_S + 5)

    harness = run_steps(tmp_path, trial, settings=settings, blind=True)
    assert (harness.camera.restarts, settings.on_trial, settings.current.prebuffer.length_s) == (True, False, 10.0)

    async def afterwards(harness: CameraHarness) -> None:
        harness.camera.link_events.on_unfinished(ACCEPTED)

    after = run_steps(tmp_path, afterwards, settings=settings)
    assert only_reply(after).result == "failed"
    assert "still no frames" in (only_reply(after).reason or "")
    assert after.link.events("configuration-rolled-back")


def test_a_failed_write_of_the_confirmation_is_logged_and_the_camera_goes_on(tmp_path: Path) -> None:
    settings = Settings(load(flags=FLAGS), tmp_path / "gone" / "away" / "configuration.json")
    settings._path = None
    settings.start_trial(settings.validate({"prebuffer": {"length_s": 20}}), "1")
    settings._path = tmp_path / "gone" / "away" / "configuration.json"

    async def trial(harness: CameraHarness) -> None:
        await harness.clock.sleep(5)

    harness = run_steps(tmp_path, trial, settings=settings)
    assert harness.camera.ended == SHUTDOWN_REASON
    assert any("cannot be written" in line for line in harness.indicators.lines)


def test_a_command_that_a_restart_interrupted_is_answered_as_failed(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        harness.camera.link_events.on_unfinished(
            Reply(id="1", command="start-recording", result="accepted", state="buffering", time="t")
        )

    harness = run_steps(tmp_path, steps)
    assert (only_reply(harness).result, only_reply(harness).reason) == (
        "failed",
        "the camera restarted before it was done",
    )


def test_events_that_were_dropped_are_reported_by_kind(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        harness.camera.link_events.on_dropped({"state-changed": 3, "reply": 1})

    (event,) = run_steps(tmp_path, steps).link.events("events-dropped")
    assert event.detail == {"state-changed": 3, "reply": 1}

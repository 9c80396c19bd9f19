"""What the fleet asks beyond the state chart, on a whole camera in virtual time."""

from pathlib import Path
from typing import Any

import pytest

from lapel.config import load
from lapel.link.messages import Command, Reply
from lapel.remote_commands import TRIAL_S
from lapel.settings import Settings
from test_camera import Bench, play

FLAGS = {("prebuffer", "length_s"): 10, ("recording", "min_free_bytes"): 0}


def ask(on: Bench, command: str, **fields: Any) -> None:
    on.camera.on_command(Command(id="1", command=command, reason="test", sender="desk-3", **fields))  # type: ignore[arg-type]


def only_reply(on: Bench) -> Reply:
    (reply,) = on.link.replies
    return reply


def test_who_asked_for_what_is_on_record(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        ask(on, "identify", seconds=3.0)
        await on.clock.sleep(0.1)

    on = play(tmp_path, story)
    (event,) = on.link.events("command-accepted")
    assert event.detail == {"command": "identify", "id": "1", "sender": "desk-3", "reason": "test"}
    assert "identify 3" in on.indicators.lines
    assert only_reply(on).result == "done"


def test_a_self_test_names_each_part_and_what_fails(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        await on.clock.sleep(5)
        ask(on, "self-test")
        await on.clock.sleep(0.1)
        on.footage.lost = "unplugged"
        ask(on, "self-test")
        await on.clock.sleep(0.1)

    on = play(tmp_path, story)
    well, ill = on.link.replies
    assert (well.result, set(well.detail or {})) == ("done", {"storage", "video", "clock", "link", "events"})
    assert (ill.result, ill.reason, (ill.detail or {})["video"]) == ("failed", "failed: video", "FAILED: unplugged")
    assert [one.detail["passed"] for one in on.link.events("self-tested")] == [True, False]


def test_the_log_comes_in_parts_oldest_first(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        for number in range(200):
            on.camera.log.add(f"line {number}")
        ask(on, "request-log", lines=90)
        await on.clock.sleep(0.1)

    on = play(tmp_path, story)
    assert [one.result for one in on.link.replies] == ["progress", "progress", "done"]
    lines = [line.rsplit(" ", 1)[1] for one in on.link.replies for line in one.lines or []]
    assert lines == [str(number) for number in range(110, 200)]


@pytest.mark.parametrize("command", ["reboot", "set-configuration"])
def test_no_restart_while_recording(tmp_path: Path, command: str) -> None:
    async def story(on: Bench) -> None:
        await on.clock.sleep(5)
        on.camera.press()
        await on.clock.sleep(2)
        ask(on, command, configuration={"prebuffer": {"length_s": 20}})
        await on.clock.sleep(1)
        on.camera.press()
        await on.clock.sleep(1)

    on = play(tmp_path, story)
    assert (only_reply(on).result, "stop the recording" in (only_reply(on).reason or "")) == ("refused", True)
    assert [account["status"] for account in on.accounts()] == ["complete"]
    assert not on.settings.on_trial


def test_a_reboot_ends_the_camera_and_is_done_in_the_next_session(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        ask(on, "reboot")
        await on.clock.sleep(1)

    on = play(tmp_path, story)
    assert (on.camera.restarts, on.camera.ended, on.link.replies) == (True, "restart: test", [])
    accepted = Reply(id="1", command="reboot", result="accepted", state="buffering", time="2026-11-24T07:00:00Z")

    async def afterwards(on: Bench) -> None:
        on.camera.on_unfinished(accepted)

    assert only_reply(play(tmp_path, afterwards)).result == "done"


def changed(tmp_path: Path, changes: dict[str, Any]) -> Settings:
    """What a camera leaves behind that was asked to change its settings."""

    async def story(on: Bench) -> None:
        ask(on, "set-configuration", configuration=changes)
        await on.clock.sleep(1)

    on = play(tmp_path, story, settings=Settings(load(flags=FLAGS)))
    assert (on.camera.restarts, on.settings.on_trial) == (True, True)
    on.settings.begin()
    return on.settings


ACCEPTED = Reply(id="1", command="set-configuration", result="accepted", state="buffering", time="2026-11-24T07:00:00Z")


def test_new_settings_that_bring_pictures_are_in_force(tmp_path: Path) -> None:
    settings = changed(tmp_path, {"prebuffer": {"length_s": 20}})

    async def trial(on: Bench) -> None:
        on.camera.on_unfinished(ACCEPTED)
        await on.clock.sleep(5)

    on = play(tmp_path, trial, settings=settings)
    assert (only_reply(on).result, only_reply(on).detail) == ("done", {"version": 1})
    assert (settings.on_trial, settings.current.prebuffer.length_s) == (False, 20.0)
    assert on.link.events("configuration-changed")


def test_new_settings_without_pictures_are_taken_back_and_it_is_said(tmp_path: Path) -> None:
    settings = changed(tmp_path, {"prebuffer": {"length_s": 20}})

    async def trial(on: Bench) -> None:
        on.camera.on_unfinished(ACCEPTED)
        await on.clock.sleep(TRIAL_S + 5)

    on = play(tmp_path, trial, settings=settings, blind=True)
    assert (on.camera.restarts, settings.on_trial, settings.current.prebuffer.length_s) == (True, False, 10.0)

    async def afterwards(on: Bench) -> None:
        on.camera.on_unfinished(ACCEPTED)

    after = play(tmp_path, afterwards, settings=settings)
    assert only_reply(after).result == "failed"
    assert "still no frames" in (only_reply(after).reason or "")
    assert after.link.events("configuration-rolled-back")


def test_a_disk_that_does_not_take_the_confirmation_costs_the_change_and_not_the_camera(tmp_path: Path) -> None:
    settings = Settings(load(flags=FLAGS), tmp_path / "gone" / "configuration.json")
    settings._path = None
    settings.try_out(settings.checked({"prebuffer": {"length_s": 20}}), "1")
    settings._path = tmp_path / "gone" / "configuration.json"

    async def trial(on: Bench) -> None:
        await on.clock.sleep(5)

    on = play(tmp_path, trial, settings=settings)
    assert on.camera.ended == "the story is over"
    assert any("cannot be kept" in line for line in on.indicators.lines)


def test_what_was_cut_off_is_answered(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        on.camera.on_unfinished(
            Reply(id="1", command="start-recording", result="accepted", state="buffering", time="t")
        )

    on = play(tmp_path, story)
    assert (only_reply(on).result, only_reply(on).reason) == ("failed", "the camera restarted before it was done")


def test_what_was_given_up_is_said(tmp_path: Path) -> None:
    async def story(on: Bench) -> None:
        on.camera.on_dropped({"state-changed": 3, "reply": 1})

    (event,) = play(tmp_path, story).link.events("events-dropped")
    assert event.detail == {"state-changed": 3, "reply": 1}

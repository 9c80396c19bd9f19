"""The self-test before a shift: what takes a camera out of service, and what brings it back."""

from typing import Any

import pytest

from body_worn_camera import BodyWornHarness, run_steps
from lapel.config import Config, load
from lapel.errors import StorageError
from lapel.shift_check import VIDEO_WAIT_S
from lapel.states import State
from lapel_fleet.hardware.memory_storage import MemoryStorage


def config(when: str) -> Config:
    return load(flags={("recording", "min_free_bytes"): 0, ("controls", "self_test"): when})


async def undock(harness: BodyWornHarness) -> None:
    harness.dock.put_in()
    await harness.clock.sleep(10)
    harness.dock.take_out()
    await harness.clock.sleep(VIDEO_WAIT_S + 1)


def run(steps: Any, when: str = "undock", **options: Any) -> BodyWornHarness:
    return run_steps(steps, config=config(when), **options)


def results_of(harness: BodyWornHarness) -> list[tuple[Any, Any, Any]]:
    return [
        (event.detail["by"], event.detail["passed"], event.detail["failed"])
        for event in harness.link.events("self-tested")
    ]


def test_a_camera_that_leaves_the_dock_tests_itself_and_reports_each_check() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await undock(harness)
        assert harness.state is State.BUFFERING

    harness = run(steps)
    assert results_of(harness) == [("undock", True, "")]
    (event,) = harness.link.events("self-tested")
    checks = str(event.detail["checks"])
    for name in ("storage", "key", "video", "sound", "battery", "clock", "link"):
        assert f"{name} ok: " in checks


@pytest.mark.parametrize(("when", "by"), [("never", []), ("boot", ["boot"]), ("boot and undock", ["boot", "undock"])])
def test_it_runs_when_it_is_configured_to(when: str, by: list[str]) -> None:
    harness = run(undock, when)
    assert [one for one, _, _ in results_of(harness)] == by


def test_a_camera_without_video_is_out_of_service_until_there_is_some() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.footage.unplug("unplugged")
        await undock(harness)
        assert harness.state is State.FAULT
        assert harness.camera.status().reason == "out of service, self-test failed: video FAILED: unplugged"
        assert harness.indicators.light == "solid red"
        await harness.clock.sleep(600)
        assert harness.state is State.FAULT
        harness.footage.plug_in()
        await harness.clock.sleep(60)
        assert harness.state is State.BUFFERING
        await harness.start_recording()

    harness = run(steps)
    assert results_of(harness) == [("undock", False, "video")]
    assert harness.link.states.count("fault") == 1
    assert [account.status for account in harness.storage.listing()] == ["complete"]


def test_a_camera_without_a_key_is_out_of_service() -> None:
    def no_key() -> str:
        raise StorageError("the camera's key is gone")

    async def steps(harness: BodyWornHarness) -> None:
        await undock(harness)
        assert harness.state is State.FAULT
        assert "key FAILED: the camera's key is gone" in harness.camera.status().reason

    run(steps, check_key=lambda _: no_key)


def test_a_camera_without_storage_is_out_of_service_until_it_works() -> None:
    class Card(MemoryStorage):
        broken = False

        def check(self) -> None:
            if self.broken:
                raise StorageError("the card does not answer")

    card = Card()

    async def steps(harness: BodyWornHarness) -> None:
        card.broken = True
        await undock(harness)
        assert harness.state is State.FAULT
        card.broken = False
        await harness.clock.sleep(60)
        assert harness.state is State.BUFFERING

    run(steps, storage=card)


def test_what_a_recording_can_do_without_is_a_warning() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.clock_quality = "unsynced"
        harness.battery.drop_to(3.0)
        await undock(harness)
        assert harness.state is State.BUFFERING

    harness = run(steps)
    (event,) = harness.link.events("self-tested")
    assert event.detail["out_of_service"] is False


def test_a_recording_that_has_begun_by_then_goes_on() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.dock.put_in()
        await harness.clock.sleep(10)
        harness.dock.take_out()
        await harness.clock.sleep(1)
        await harness.start_recording()
        harness.footage.unplug("unplugged")
        await harness.clock.sleep(60)
        assert harness.state is State.RECORDING

    run(steps)


def test_a_test_on_request_is_on_record_and_changes_nothing() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.footage.unplug("unplugged")
        await harness.clock.sleep(1)
        harness.link.command("self-test")
        await harness.clock.sleep(1)
        await harness.camera.run_self_test("console")
        assert harness.state is State.BUFFERING

    harness = run(steps)
    assert results_of(harness) == [("command", False, "video"), ("console", False, "video")]


def test_docking_a_camera_that_is_out_of_service_ends_its_capture() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.footage.unplug("unplugged")
        await undock(harness)
        await harness.clock.sleep(6)  # in the middle of a repeated test
        harness.dock.put_in()
        await harness.clock.sleep(60)
        assert harness.state is State.DOCKED
        harness.footage.plug_in()
        harness.dock.take_out()
        await harness.clock.sleep(60)
        assert harness.state is State.BUFFERING
        await harness.start_recording()

    run(steps)

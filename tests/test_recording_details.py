"""What `recording.json` has beside the video: model, time zone, clock quality and position."""

from itertools import pairwise
from pathlib import Path

import pytest

from body_worn_camera import BodyWornHarness, run_steps
from camera_harness import CameraHarness, lose_power
from camera_harness import run_steps as run_steps_in_folder
from lapel.clock import Quality
from lapel.recording import Location
from lapel_fleet.time.virtual_time import VirtualClock


def test_model_and_time_zone_are_those_of_the_configuration_and_the_host(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(2)
        harness.camera.press()
        await harness.clock.sleep(2)

    (account,) = run_steps_in_folder(tmp_path, steps, flags={("camera", "model"): "Acme BW-3"}).accounts()
    assert (account["model"], account["time_zone"]) == ("Acme BW-3", "America/New_York")
    assert (account["position_start"], account["position_end"]) == (None, None), "there is no receiver"


def test_the_clock_quality_is_given_for_the_start_and_for_the_end(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        trust(harness.clock, "unsynced")
        harness.camera.press()
        await harness.clock.sleep(2)
        trust(harness.clock, "synced")

    (account,) = run_steps_in_folder(tmp_path, steps).accounts()
    assert (account["clock_quality"], account["clock_quality_end"]) == ("unsynced", "synced")


def trust(clock: VirtualClock, quality: Quality) -> None:
    clock.trusted = quality


def test_the_position_is_given_for_the_start_and_for_the_end() -> None:
    seen: dict[str, Location] = {}

    def location(harness: BodyWornHarness) -> Location:
        fix = harness.camera.devices.last_fix()
        assert fix is not None
        return Location(
            latitude=round(fix.latitude, 6),
            longitude=round(fix.longitude, 6),
            accuracy_m=round(fix.accuracy_m, 1),
            age_s=round(fix.age_s, 1),
        )

    async def steps(harness: BodyWornHarness) -> None:
        harness.buttons.press("event", times=2)
        await harness.clock.sleep(0)
        seen["start"] = location(harness)
        await harness.clock.sleep(1200)
        (on_disk,) = harness.storage.listing()
        assert len(on_disk.positions) >= 17, "without pixels a fragment lasts a minute"
        harness.gps.lose_fix()
        await harness.clock.sleep(600)
        holding = harness.buttons.hold("event", 3.0)
        await holding
        seen["end"] = location(harness)
        await harness.clock.sleep(1)

    (account,) = run_steps(steps).storage.listing()
    assert account.position_start == seen["start"]
    assert account.position_end is not None
    assert (account.position_end.latitude, account.position_end.longitude) == (
        seen["end"].latitude,
        seen["end"].longitude,
    )
    assert account.position_end.age_s == pytest.approx(seen["end"].age_s, abs=1)
    assert account.position_end.age_s >= 600, "the age shows that it is the last known one"
    assert account.position_end != account.position_start
    times_s = [point.at_s for point in account.positions]
    assert all(10 <= after - before <= 62 for before, after in pairwise(times_s))
    assert 1100 < times_s[-1] - times_s[0] <= 1200, "none of what it did not know"


def test_an_interrupted_recording_keeps_what_was_known(tmp_path: Path) -> None:
    async def wait(harness: CameraHarness) -> None:
        await harness.clock.sleep(1)

    with pytest.raises(ConnectionAbortedError):
        run_steps_in_folder(tmp_path, lose_power, flags={("camera", "model"): "Acme BW-3"})
    (account,) = run_steps_in_folder(tmp_path, wait, flags={("camera", "model"): "a later model"}).accounts()
    assert account["status"] == "interrupted"
    assert (account["model"], account["time_zone"]) == ("Acme BW-3", "America/New_York")
    assert (account["clock_quality"], account["clock_quality_end"]) == ("synced", None)

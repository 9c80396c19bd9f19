"""The camera's battery, dock, buttons and GPS receiver; its lights and tones."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from body_worn_camera import BodyWornHarness, run_steps
from lapel.states import State
from lapel.worker import InlineWorker, Worker
from lapel_fleet.hardware.memory_storage import MemoryStorage

T = TypeVar("T")

# -- buttons ---------------------------------------------------------------------------------------------------------


def test_a_double_press_starts_a_press_marks_and_a_hold_stops() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.buttons.press("event")
        await harness.clock.sleep(5)
        assert harness.state is State.BUFFERING
        await harness.start_recording()
        harness.buttons.press("event")
        await harness.clock.sleep(5)
        await harness.buttons.hold("event", 2.9)  # not long enough: a marker
        await harness.clock.sleep(5)
        assert harness.state is State.RECORDING
        await harness.buttons.hold("event", 3.5)
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING

    harness = run_steps(steps)
    (account,) = harness.storage.listing()
    assert (account.status, account.start.source, len(account.markers_s)) == ("complete", "button", 2)
    assert harness.link.events("refused") == []


def test_a_stuck_button_stops_a_recording_once_and_is_reported_as_held() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        harness.buttons.stick("event")
        await harness.clock.sleep(40)
        assert harness.state is State.BUFFERING
        (held,) = harness.camera.held()
        assert (held.button, held.held_s) == ("event", pytest.approx(40))
        harness.buttons.press("event", times=2)
        await harness.clock.sleep(5)
        assert harness.state is State.BUFFERING
        harness.buttons.free("event")
        await harness.clock.sleep(1)
        assert harness.camera.held() == []
        await harness.start_recording()

    assert len(run_steps(steps).storage.listing()) == 2


def test_the_power_button_switches_off_but_not_while_recording() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        await harness.buttons.hold("power", 4)
        assert harness.state is State.RECORDING
        await harness.buttons.hold("event", 4)
        harness.buttons.press("power")
        await harness.clock.sleep(5)
        assert harness.state is State.BUFFERING
        await harness.buttons.hold("power", 4)

    harness = run_steps(steps)
    assert harness.camera.ended == "switched off"
    assert harness.camera.powers_off
    assert [event.detail["event"] for event in harness.link.events("refused")] == ["power_off"]


def test_a_power_button_that_is_down_at_power_on_does_not_switch_off() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        assert harness.state is State.BUFFERING
        (held,) = harness.camera.held()
        assert held.button == "power"
        harness.buttons.press("event")
        await harness.clock.sleep(5)
        harness.buttons.free("power")
        await harness.clock.sleep(5)
        assert harness.state is State.BUFFERING

    run_steps(steps, before_power_on=lambda harness: harness.buttons.stick("power"))


def test_a_start_with_a_full_storage_is_refused_audibly() -> None:
    class FullStorage(MemoryStorage):
        def free_bytes(self) -> int:
            return -1

    async def steps(harness: BodyWornHarness) -> None:
        harness.buttons.press("event", times=2)
        await harness.clock.sleep(1)
        assert harness.count("signals storage full") == 1

    run_steps(steps, storage=FullStorage())


def test_a_hold_that_proves_presence_does_not_stop_the_recording() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        waiting = [asyncio.create_task(harness.camera.presence(30)) for _ in range(2)]
        await harness.clock.sleep(10)
        await harness.buttons.hold("event", 4)
        assert [await task for task in waiting] == [True, True]
        assert harness.state is State.RECORDING
        await harness.clock.sleep(1)
        await harness.buttons.hold("event", 4)
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING

    run_steps(steps)


def test_a_press_a_short_hold_or_a_stuck_button_does_not_prove_presence() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        began_s = harness.clock.mono_s()
        waiting = asyncio.create_task(harness.camera.presence(30))
        harness.buttons.press("event")
        await harness.buttons.hold("power", 1)
        assert not await waiting
        assert harness.clock.mono_s() - began_s == 30
        harness.buttons.stick("event")
        await harness.clock.sleep(10)
        assert not await harness.camera.presence(30), "a stuck button proves nothing"

    run_steps(steps)


# -- lights and tones ------------------------------------------------------------------------------------------------


def test_the_light_shows_the_state() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        assert harness.indicators.light == "blinking red"

    lights = [
        shown.removeprefix("shows ") for shown in run_steps(steps).indicators.history if shown.startswith("shows")
    ]
    assert lights == ["solid red", "blinking green", "blinking red", "dark"]


def test_a_reminder_sounds_every_two_minutes_of_a_recording_and_at_no_other_time() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.clock.sleep(1000)
        assert harness.count("signals recording") == 0
        await harness.start_recording()
        await harness.clock.sleep(601)
        assert harness.count("signals recording") == 5
        await harness.buttons.hold("event", 4)
        await harness.clock.sleep(1000)
        assert harness.count("signals recording") == 5

    run_steps(steps)


# -- battery ---------------------------------------------------------------------------------------------------------


def test_a_low_battery_only_warns_and_a_critical_one_finishes_the_recording() -> None:
    seen: dict[str, float] = {}

    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        while harness.state is State.RECORDING:
            await harness.clock.sleep(1)
            if harness.count("signals low battery") and "low" not in seen:
                seen["low"] = harness.camera.devices.charge().minutes_left or 0
                assert "low-battery" in harness.flags()
        seen["warnings"] = harness.count("signals low battery")

    harness = run_steps(steps, percent=8.0)
    assert seen["low"] == pytest.approx(20, abs=0.6)
    assert 30 <= seen["warnings"] <= 61, "one every 20 s between low and critical"
    (account,) = harness.storage.listing()
    assert account.status == "complete"
    assert "the battery is critical" in account.stop.reason
    assert "the battery is critical" in harness.camera.ended
    assert [event.kind for event in harness.link.events("battery-low", "battery-critical")] == [
        "battery-low",
        "battery-critical",
    ]
    assert harness.link.states[-1] == "off"


def test_a_sudden_loss_of_charge_still_completes_the_recording() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        harness.battery.drop_to(0.5)
        await harness.clock.sleep(1)
        assert harness.state is State.OFF

    harness = run_steps(steps)
    (account,) = harness.storage.listing()
    assert account.status == "complete"


def test_charging_ends_the_warnings() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.battery.drop_to(2.5)
        await harness.clock.sleep(1)
        assert harness.flags() == ["low-battery"]
        harness.battery.set_charger(True)
        await harness.clock.sleep(1)
        assert harness.flags() == []
        count = harness.count("signals low battery")
        await harness.clock.sleep(600)
        assert harness.count("signals low battery") == count

    run_steps(steps)


def test_a_hot_battery_sets_a_flag_and_does_not_stop_the_recording() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        harness.battery.set_ambient_c(50)
        await harness.clock.sleep(3600)
        assert harness.flags() == ["hot"]
        assert harness.state is State.RECORDING
        harness.battery.set_ambient_c(20)
        await harness.clock.sleep(3600)
        assert harness.flags() == []

    harness = run_steps(steps)
    (event,) = harness.link.events("overheated")
    assert event.detail["temperature_c"] == pytest.approx(55, abs=0.5)


# -- dock ------------------------------------------------------------------------------------------------------------


def test_docking_completes_the_recording_and_charges() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        harness.dock.put_in()
        await harness.clock.sleep(3600)
        assert harness.state is State.DOCKED
        assert harness.camera.devices.charge().charging
        harness.buttons.press("event", times=2)
        await harness.clock.sleep(1)
        assert harness.state is State.DOCKED
        harness.dock.take_out()
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING

    harness = run_steps(steps, percent=50)
    (account,) = harness.storage.listing()
    assert (account.status, account.stop.source, account.stop.reason) == ("complete", "dock", "put into the dock")


class SlowWorker(InlineWorker):
    """Yields to other tasks, as threads do: the self-test ends when every watch has started."""

    async def run(self, job: Callable[[], T]) -> T:
        await asyncio.sleep(0)
        return job()


@pytest.mark.parametrize("worker", [InlineWorker(), SlowWorker()])
def test_a_camera_that_starts_docked_stays_docked(worker: Worker) -> None:
    async def steps(harness: BodyWornHarness) -> None:
        assert harness.state is State.DOCKED
        await harness.clock.sleep(600)
        assert harness.state is State.DOCKED

    assert (
        run_steps(steps, before_power_on=lambda harness: harness.dock.put_in(), worker=worker).link.events("refused")
        == []
    )


def test_a_camera_that_starts_with_a_critical_battery_switches_off() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        assert harness.state is State.OFF

    assert "critical" in run_steps(steps, percent=0.5).camera.ended


def test_a_critical_battery_switches_off_only_after_undocking() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        assert harness.state is State.DOCKED
        harness.dock.take_out()
        await harness.clock.sleep(1)
        assert harness.state is State.OFF

    run_steps(steps, before_power_on=lambda harness: harness.dock.put_in(), percent=0.1)


# -- telemetry and flags -----------------------------------------------------------------------------------------------


def test_telemetry_has_charge_temperature_and_position() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.clock.sleep(3600)
        telemetry = harness.telemetry()
        assert telemetry.battery_percent is not None
        assert telemetry.battery_percent < 100
        assert telemetry.battery_minutes_left is not None
        assert telemetry.temperature_c == pytest.approx(31, abs=0.2)
        assert telemetry.position is not None
        assert telemetry.position.latitude == pytest.approx(39.29, abs=0.02)
        assert telemetry.position.age_s <= 1
        harness.gps.lose_fix()
        await harness.clock.sleep(600)
        lost = harness.telemetry().position
        assert lost is not None
        assert lost.age_s > 500
        assert harness.state is State.BUFFERING

    run_steps(steps)


def test_frozen_video_sets_a_flag_and_is_reported_once() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.footage.freeze()
        await harness.clock.sleep(60)
        assert harness.flags() == ["frozen"]
        harness.footage.unfreeze()
        await harness.clock.sleep(60)
        assert harness.flags() == []

    assert len(run_steps(steps).link.events("picture-frozen")) == 1

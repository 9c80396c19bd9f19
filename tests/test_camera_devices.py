"""The camera's battery, dock, buttons and GPS receiver; its lights and tones."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from body import Body, play
from lapel.states import State
from lapel.worker import InlineWorker, Worker
from lapel_fleet.hardware.memory_storage import MemoryStorage

T = TypeVar("T")

# -- buttons ---------------------------------------------------------------------------------------------------------


def test_twice_starts_once_marks_and_a_hold_stops() -> None:
    async def story(on: Body) -> None:
        on.buttons.press("event")
        await on.clock.sleep(5)
        assert on.state is State.BUFFERING
        await on.start()
        on.buttons.press("event")
        await on.clock.sleep(5)
        await on.buttons.hold("event", 2.9)  # not long enough: a marker
        await on.clock.sleep(5)
        assert on.state is State.RECORDING
        await on.buttons.hold("event", 3.5)
        await on.clock.sleep(1)
        assert on.state is State.BUFFERING

    on = play(story)
    (account,) = on.storage.listing()
    assert (account.status, account.start.source, len(account.markers_s)) == ("complete", "button", 2)
    assert on.link.events("refused") == []


def test_a_stuck_button_stops_once_and_is_seen() -> None:
    async def story(on: Body) -> None:
        await on.start()
        on.buttons.stick("event")
        await on.clock.sleep(40)
        assert on.state is State.BUFFERING
        (held,) = on.camera.held()
        assert (held.button, held.held_s) == ("event", pytest.approx(40))
        on.buttons.press("event", times=2)
        await on.clock.sleep(5)
        assert on.state is State.BUFFERING
        on.buttons.free("event")
        await on.clock.sleep(1)
        assert on.camera.held() == []
        await on.start()

    assert len(play(story).storage.listing()) == 2


def test_the_power_button_switches_off_but_not_while_it_records() -> None:
    async def story(on: Body) -> None:
        await on.start()
        await on.buttons.hold("power", 4)
        assert on.state is State.RECORDING
        await on.buttons.hold("event", 4)
        on.buttons.press("power")
        await on.clock.sleep(5)
        assert on.state is State.BUFFERING
        await on.buttons.hold("power", 4)

    on = play(story)
    assert on.camera.ended == "switched off"
    assert [one.detail["event"] for one in on.link.events("refused")] == ["power_off"]


def test_a_power_button_that_was_down_already_switches_nothing_off() -> None:
    async def story(on: Body) -> None:
        assert on.state is State.BUFFERING
        (held,) = on.camera.held()
        assert held.button == "power"
        on.buttons.press("event")
        await on.clock.sleep(5)
        on.buttons.free("power")
        await on.clock.sleep(5)
        assert on.state is State.BUFFERING

    play(story, first=lambda on: on.buttons.stick("power"))


def test_a_start_on_a_full_card_is_refused_aloud() -> None:
    class FullCard(MemoryStorage):
        def free_bytes(self) -> int:
            return -1

    async def story(on: Body) -> None:
        on.buttons.press("event", times=2)
        await on.clock.sleep(1)
        assert on.told("signals refused") == 1

    play(story, storage=FullCard())


def test_who_holds_the_button_when_asked_stands_before_the_camera_and_stops_nothing() -> None:
    async def story(on: Body) -> None:
        await on.start()
        asked = [asyncio.create_task(on.camera.presence(30)) for _ in range(2)]
        await on.clock.sleep(10)
        await on.buttons.hold("event", 4)
        assert [await one for one in asked] == [True, True]
        assert on.state is State.RECORDING
        await on.buttons.hold("event", 4)
        await on.clock.sleep(1)
        assert on.state is State.BUFFERING

    play(story)


def test_who_does_not_is_not_there() -> None:
    async def story(on: Body) -> None:
        began_s = on.clock.mono_s()
        asked = asyncio.create_task(on.camera.presence(30))
        on.buttons.press("event")
        await on.buttons.hold("power", 1)
        assert not await asked
        assert on.clock.mono_s() - began_s == 30
        on.buttons.stick("event")
        await on.clock.sleep(10)
        assert not await on.camera.presence(30), "a stuck button is nobody"

    play(story)


# -- lights and tones ------------------------------------------------------------------------------------------------


def test_the_light_says_what_it_does() -> None:
    async def story(on: Body) -> None:
        await on.start()
        assert on.indicators.light == "blinking red"

    lights = [one.removeprefix("shows ") for one in play(story).indicators.history if one.startswith("shows")]
    assert lights == ["solid red", "blinking green", "blinking red", "dark"]


def test_a_recording_reminds_every_two_minutes_and_only_then() -> None:
    async def story(on: Body) -> None:
        await on.clock.sleep(1000)
        assert on.told("signals recording") == 0
        await on.start()
        await on.clock.sleep(601)
        assert on.told("signals recording") == 5
        await on.buttons.hold("event", 4)
        await on.clock.sleep(1000)
        assert on.told("signals recording") == 5

    play(story)


# -- battery ---------------------------------------------------------------------------------------------------------


def test_a_low_battery_warns_and_stops_nothing_a_critical_one_finishes_the_recording() -> None:
    seen: dict[str, float] = {}

    async def story(on: Body) -> None:
        await on.start()
        while on.state is State.RECORDING:
            await on.clock.sleep(1)
            if on.told("signals low battery") and "low" not in seen:
                seen["low"] = on.camera.charge().minutes_left or 0
                assert "low-battery" in on.flags()
        seen["warnings"] = on.told("signals low battery")

    on = play(story, percent=8.0)
    assert seen["low"] == pytest.approx(20, abs=0.6)
    assert 30 <= seen["warnings"] <= 61, "one each 20 s of the time between low and critical"
    (account,) = on.storage.listing()
    assert account.status == "complete"
    assert "the battery is critical" in account.stop.reason
    assert "the battery is critical" in on.camera.ended
    assert [one.kind for one in on.link.events("battery-low", "battery-critical")] == [
        "battery-low",
        "battery-critical",
    ]
    assert on.link.states[-1] == "off"


def test_a_cliff_costs_no_recording() -> None:
    async def story(on: Body) -> None:
        await on.start()
        on.battery.drop_to(0.5)
        await on.clock.sleep(1)
        assert on.state is State.OFF

    on = play(story)
    (account,) = on.storage.listing()
    assert account.status == "complete"


def test_the_charger_ends_the_warnings() -> None:
    async def story(on: Body) -> None:
        on.battery.drop_to(2.5)
        await on.clock.sleep(1)
        assert on.flags() == ["low-battery"]
        on.battery.set_charger(True)
        await on.clock.sleep(1)
        assert on.flags() == []
        count = on.told("signals low battery")
        await on.clock.sleep(600)
        assert on.told("signals low battery") == count

    play(story)


def test_heat_is_a_flag_and_ends_no_recording() -> None:
    async def story(on: Body) -> None:
        await on.start()
        on.battery.set_ambient_c(50)
        await on.clock.sleep(3600)
        assert on.flags() == ["hot"]
        assert on.state is State.RECORDING
        on.battery.set_ambient_c(20)
        await on.clock.sleep(3600)
        assert on.flags() == []

    on = play(story)
    (event,) = on.link.events("overheated")
    assert event.detail["temperature_c"] == pytest.approx(55, abs=0.5)


# -- dock ------------------------------------------------------------------------------------------------------------


def test_the_dock_finishes_the_recording_and_charges() -> None:
    async def story(on: Body) -> None:
        await on.start()
        on.dock.put_in()
        await on.clock.sleep(3600)
        assert on.state is State.DOCKED
        assert on.camera.charge().charging
        on.buttons.press("event", times=2)
        await on.clock.sleep(1)
        assert on.state is State.DOCKED
        on.dock.take_out()
        await on.clock.sleep(1)
        assert on.state is State.BUFFERING

    on = play(story, percent=50)
    (account,) = on.storage.listing()
    assert (account.status, account.stop.source, account.stop.reason) == ("complete", "dock", "put into the dock")


class SlowWorker(InlineWorker):
    """Gives way, as threads do: the self-test ends when everything else has begun."""

    async def run(self, job: Callable[[], T]) -> T:
        await asyncio.sleep(0)
        return job()


@pytest.mark.parametrize("worker", [InlineWorker(), SlowWorker()])
def test_a_camera_that_starts_in_its_dock_stays_there(worker: Worker) -> None:
    async def story(on: Body) -> None:
        assert on.state is State.DOCKED
        await on.clock.sleep(600)
        assert on.state is State.DOCKED

    assert play(story, first=lambda on: on.dock.put_in(), worker=worker).link.events("refused") == []


def test_a_camera_that_starts_with_nothing_left_goes_off_again() -> None:
    async def story(on: Body) -> None:
        assert on.state is State.OFF

    assert "critical" in play(story, percent=0.5).camera.ended


def test_an_empty_battery_in_the_dock_is_no_reason_to_go_off_until_it_is_taken_out() -> None:
    async def story(on: Body) -> None:
        assert on.state is State.DOCKED
        on.dock.take_out()
        await on.clock.sleep(1)
        assert on.state is State.OFF

    play(story, first=lambda on: on.dock.put_in(), percent=0.1)


# -- what is told ----------------------------------------------------------------------------------------------------


def test_telemetry_tells_charge_temperature_and_place() -> None:
    async def story(on: Body) -> None:
        await on.clock.sleep(3600)
        told = on.telemetry()
        assert told.battery_percent is not None
        assert told.battery_percent < 100
        assert told.battery_minutes_left is not None
        assert told.temperature_c == pytest.approx(31, abs=0.2)
        assert told.position is not None
        assert told.position.latitude == pytest.approx(39.29, abs=0.02)
        assert told.position.age_s <= 1
        on.gps.lose_fix()
        await on.clock.sleep(600)
        lost = on.telemetry().position
        assert lost is not None
        assert lost.age_s > 500
        assert on.state is State.BUFFERING

    play(story)


def test_a_frozen_picture_is_a_flag_and_an_event_until_it_moves() -> None:
    async def story(on: Body) -> None:
        on.footage.freeze()
        await on.clock.sleep(60)
        assert on.flags() == ["frozen"]
        on.footage.unfreeze()
        await on.clock.sleep(60)
        assert on.flags() == []

    assert len(play(story).link.events("picture-frozen")) == 1

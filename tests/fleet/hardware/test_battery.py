import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from lapel.power import MARKS
from lapel.states import State
from lapel_fleet.hardware.battery import CAPACITY_WH, SimulatedBattery
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

Story = Callable[[VirtualClock, SimulatedBattery], Coroutine[Any, Any, None]]


def play(story: Story, seed: int = 1, **keys: Any) -> None:
    async def program(clock: VirtualClock) -> None:
        await story(clock, SimulatedBattery(clock, random.Random(seed), **keys))

    run_virtual(program)


class CountingClock:
    """Counts the timers that are set on it."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock, self.timers = clock, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        self.timers += 1
        return self._clock.later(seconds, act)


@pytest.mark.parametrize(("state", "hours"), [(State.BUFFERING, 12), (State.RECORDING, 9)])
def test_a_new_battery_lasts_as_long_as_documented(state: State, hours: float) -> None:
    async def story(clock: VirtualClock, battery: SimulatedBattery) -> None:
        battery.capacity_wh = CAPACITY_WH
        battery.swap()
        battery.set_state(state)
        await clock.sleep(hours * 3600 - 60)
        assert not battery.is_empty
        await clock.sleep(120)
        assert battery.is_empty

    play(story)


def test_how_aged_a_battery_is_follows_from_the_seed() -> None:
    async def story(clock: VirtualClock, _: SimulatedBattery) -> None:
        sizes = [SimulatedBattery(clock, random.Random(seed)).capacity_wh / CAPACITY_WH for seed in range(50)]
        assert 0.85 <= min(sizes) < 0.88
        assert 0.97 < max(sizes) <= 1.0

    play(story)


def test_cold_increases_the_drain_and_warmth_does_not_change_it() -> None:
    async def drop(clock: VirtualClock, ambient_c: float) -> float:
        battery = SimulatedBattery(clock, random.Random(1), ambient_c=ambient_c)
        battery.set_state(State.RECORDING)
        await clock.sleep(3600)
        return battery.drained_wh

    async def program(clock: VirtualClock) -> list[float]:
        return [await drop(clock, ambient_c) for ambient_c in (-20, 10, 40)]

    cold, mild, warm = run_virtual(program)
    assert cold == pytest.approx(1.6 * mild)
    assert mild == warm


def test_cells_warm_up_under_load_and_cool_down_again() -> None:
    async def story(clock: VirtualClock, battery: SimulatedBattery) -> None:
        battery.set_state(State.RECORDING)
        await clock.sleep(600)
        assert battery.charge().temperature_c == pytest.approx(23 + 12 * (1 - 1 / 2.71828), abs=0.01)
        await clock.sleep(36_000)
        assert battery.charge().temperature_c == pytest.approx(35)
        battery.set_state(State.OFF)
        await clock.sleep(36_000)
        assert battery.charge().temperature_c == pytest.approx(23)

    play(story)


def test_the_history_holds_what_was_done_to_it() -> None:
    async def story(_: VirtualClock, battery: SimulatedBattery) -> None:
        battery.set_ambient_c(-5)
        battery.drop_to(40)
        battery.drop_to(60)  # a drop never raises the charge
        assert battery.charge().percent == pytest.approx(40)
        battery.set_charger(True)
        battery.set_charger(False)
        battery.swap(90)
        assert battery.charge().percent == pytest.approx(90)
        assert battery.history == [
            "ambient temperature -5 °C", "drops to 40 %", "drops to 60 %",
            "charger on", "charger off", "swapped for one with 90 %",
        ]  # fmt: skip

    play(story)


def test_the_gauge_sets_few_timers_in_a_shift_and_in_a_whole_charge() -> None:
    """Its part of the budget of 2,000 wake-ups for a camera's shift; a crossing is still reported within 30 s."""

    async def timers_and_alarms(clock: VirtualClock, hours: float, percent: float) -> tuple[int, list[float]]:
        counting = CountingClock(clock)
        battery = SimulatedBattery(counting, random.Random(1), percent=percent)  # type: ignore[arg-type]
        alarms: list[float] = []

        async def wait() -> None:
            while True:
                await battery.crossed(MARKS)
                alarms.append(round(battery.charge().minutes_left or 0, 1))

        waiting = asyncio.create_task(wait())
        for _ in range(int(hours * 6)):  # ten minutes each: a start and a stop every half hour
            for state in (State.RECORDING, State.BUFFERING, State.BUFFERING):
                battery.set_state(state)
                await clock.sleep(200)
        waiting.cancel()
        await asyncio.wait([waiting])
        return counting.timers, alarms

    async def program(clock: VirtualClock) -> list[tuple[int, list[float]]]:
        return [await timers_and_alarms(clock, 8, 100), await timers_and_alarms(clock, 12, 100)]

    (shift, none), (whole, alarms) = run_virtual(program)
    assert (shift, none) == (2, [])
    assert whole <= 20
    assert len(alarms) == 3, "5 %, 20 minutes, 1 %"
    assert alarms[1] == pytest.approx(20, abs=0.5)

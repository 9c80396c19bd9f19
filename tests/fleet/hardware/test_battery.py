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


class Counted:
    """A clock that counts how often somebody wants to be woken."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock, self.naps = clock, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        self.naps += 1
        return self._clock.later(seconds, act)


@pytest.mark.parametrize(("state", "hours"), [(State.BUFFERING, 12), (State.RECORDING, 9)])
def test_a_new_battery_lasts_as_long_as_it_says(state: State, hours: float) -> None:
    async def story(clock: VirtualClock, battery: SimulatedBattery) -> None:
        battery.capacity_wh = CAPACITY_WH
        battery.swap()
        battery.shows(state)
        await clock.sleep(hours * 3600 - 60)
        assert not battery.is_empty
        await clock.sleep(120)
        assert battery.is_empty

    play(story)


def test_each_is_as_old_as_chance_has_it() -> None:
    async def story(clock: VirtualClock, _: SimulatedBattery) -> None:
        sizes = [SimulatedBattery(clock, random.Random(seed)).capacity_wh / CAPACITY_WH for seed in range(50)]
        assert 0.85 <= min(sizes) < 0.88
        assert 0.97 < max(sizes) <= 1.0

    play(story)


def test_cold_costs_charge_and_warmth_gives_nothing() -> None:
    async def drop(clock: VirtualClock, around_c: float) -> float:
        battery = SimulatedBattery(clock, random.Random(1), around_c=around_c)
        battery.shows(State.RECORDING)
        await clock.sleep(3600)
        return battery.drained_wh

    async def program(clock: VirtualClock) -> list[float]:
        return [await drop(clock, around_c) for around_c in (-20, 10, 40)]

    cold, mild, warm = run_virtual(program)
    assert cold == pytest.approx(1.6 * mild)
    assert mild == warm


def test_cells_warm_up_as_they_work_and_cool_down_again() -> None:
    async def story(clock: VirtualClock, battery: SimulatedBattery) -> None:
        battery.shows(State.RECORDING)
        await clock.sleep(600)
        assert battery.charge().temperature_c == pytest.approx(23 + 12 * (1 - 1 / 2.71828), abs=0.01)
        await clock.sleep(36_000)
        assert battery.charge().temperature_c == pytest.approx(35)
        battery.shows(State.OFF)
        await clock.sleep(36_000)
        assert battery.charge().temperature_c == pytest.approx(23)

    play(story)


def test_what_was_done_to_it_is_remembered() -> None:
    async def story(_: VirtualClock, battery: SimulatedBattery) -> None:
        battery.set_ambient_c(-5)
        battery.cliff(40)
        battery.cliff(60)  # a cliff gives nothing back
        assert battery.charge().percent == pytest.approx(40)
        battery.charger(True)
        battery.charger(False)
        battery.swap(90)
        assert battery.charge().percent == pytest.approx(90)
        assert battery.history == [
            "-5 °C around it", "falls to 40 %", "falls to 60 %",
            "charger on", "charger off", "swapped for one with 90 %",
        ]  # fmt: skip

    play(story)


def test_a_shift_wakes_the_gauge_hardly_ever_and_a_whole_charge_a_few_times() -> None:
    """Its part of the budget of 2,000 wake-ups for a camera's shift; an alarm still comes within half a minute."""

    async def naps(clock: VirtualClock, hours: float, percent: float) -> tuple[int, list[float]]:
        counted = Counted(clock)
        battery = SimulatedBattery(counted, random.Random(1), percent=percent)  # type: ignore[arg-type]
        alarms: list[float] = []

        async def wait() -> None:
            while True:
                await battery.crossed(MARKS)
                alarms.append(round(battery.charge().minutes_left or 0, 1))

        waiting = asyncio.create_task(wait())
        for _ in range(int(hours * 6)):  # ten minutes each: a start and a stop every half hour
            for state in (State.RECORDING, State.BUFFERING, State.BUFFERING):
                battery.shows(state)
                await clock.sleep(200)
        waiting.cancel()
        await asyncio.wait([waiting])
        return counted.naps, alarms

    async def program(clock: VirtualClock) -> list[tuple[int, list[float]]]:
        return [await naps(clock, 8, 100), await naps(clock, 12, 100)]

    (shift, none), (whole, alarms) = run_virtual(program)
    assert (shift, none) == (2, [])
    assert whole <= 20
    assert len(alarms) == 3, "5 % (which means nothing here), 20 minutes, 1 %"
    assert alarms[1] == pytest.approx(20, abs=0.5)

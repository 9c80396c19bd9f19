"""What every `Battery` does. Only the simulated one exists so far."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lapel.hardware.interfaces import Battery, Thresholds
from lapel.states import State
from lapel_fleet.hardware.battery import CHARGE_W, DRAW_W, RADIO_W, SimulatedBattery
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

Steps = Callable[[VirtualClock, SimulatedBattery], Coroutine[Any, Any, None]]

ACTIONS = st.one_of(
    st.tuples(st.just("set_state"), st.sampled_from(State)),
    st.tuples(st.just("set_charger"), st.booleans()),
    st.tuples(st.just("set_ambient_c"), st.floats(-20, 50)),
    st.tuples(st.just("set_radio"), st.booleans()),
    st.tuples(st.just("drop_to"), st.floats(0, 100)),
)
PAUSES_S = st.floats(0, 6 * 3600)


def run_steps(steps: Steps, seed: int = 1, **keys: Any) -> None:
    async def program(clock: VirtualClock) -> None:
        await steps(clock, SimulatedBattery(clock, random.Random(seed), **keys))

    run_virtual(program)


def test_a_reading_is_plausible_and_uses_no_charge() -> None:
    async def steps(_: VirtualClock, battery: Battery) -> None:
        charge = battery.charge()
        assert 0 <= charge.percent <= 100
        assert charge.minutes_left is None or charge.minutes_left >= 0
        assert -40 < charge.temperature_c < 100
        assert battery.charge() == charge, "reading it uses no charge"

    run_steps(steps)


@given(st.lists(st.tuples(ACTIONS, PAUSES_S), max_size=20), st.integers(0, 5))
def test_the_energy_balance_is_exact(actions: list[tuple[tuple[str, Any], float]], seed: int) -> None:
    """Whatever happens: the charge is the capacity minus what was used and lost, plus what was charged."""

    async def steps(clock: VirtualClock, battery: SimulatedBattery) -> None:
        full_wh = battery.capacity_wh
        for (action, value), pause_s in actions:
            getattr(battery, action)(value)
            before = battery.charge().percent
            await clock.sleep(pause_s)
            charge = battery.charge()
            assert -1e-9 <= charge.percent <= 100 + 1e-9
            assert charge.charging or charge.percent <= before + 1e-9, "it rises only while charging"
        balance_wh = full_wh + battery.charged_wh - battery.drained_wh - battery.lost_wh
        assert battery.charge().percent / 100 * full_wh == pytest.approx(balance_wh, abs=1e-6)

    run_steps(steps, seed)


@given(st.lists(st.tuples(st.sampled_from(State), st.floats(0, 3600)), max_size=8))
def test_the_charge_drops_by_the_integral_of_the_power_drawn(day: list[tuple[State, float]]) -> None:
    async def steps(clock: VirtualClock, battery: SimulatedBattery) -> None:
        for state, seconds in day:
            battery.set_state(state)
            await clock.sleep(seconds)
        drawn_wh = sum((DRAW_W[state] + RADIO_W * (state is not State.OFF)) * s for state, s in day) / 3600
        drop_wh = (100 - battery.charge().percent) / 100 * battery.capacity_wh
        assert drop_wh == pytest.approx(min(drawn_wh, battery.capacity_wh), abs=1e-6)

    run_steps(steps)


THRESHOLDS = Thresholds(percent=(40.0, 5.0), minutes_left=(20.0,), temperature_c=(45.0,))


def sides(battery: Battery) -> tuple[bool, ...]:
    charge = battery.charge()
    minutes = charge.minutes_left if charge.minutes_left is not None else 1e9
    return charge.charging, charge.percent > 40, charge.percent > 5, minutes > 20, charge.temperature_c >= 45


@given(st.lists(st.tuples(ACTIONS, PAUSES_S), max_size=12))
@example(
    [(("set_state", State.BOOTING), 0.0), (("set_ambient_c", 0.0), 0.0), (("drop_to", 7.0), 538.0)]
)  # two in a minute
def test_a_waiting_task_is_woken_for_every_crossing_of_a_threshold(
    actions: list[tuple[tuple[str, Any], float]],
) -> None:
    """Within the half minute of a gauge's polling interval, and never without a reason."""

    async def steps(clock: VirtualClock, battery: SimulatedBattery) -> None:
        known = sides(battery)

        async def wait() -> None:
            nonlocal known
            while True:
                await battery.crossed(THRESHOLDS)
                assert sides(battery) != known
                known = sides(battery)

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        for (action, value), pause_s in actions:
            getattr(battery, action)(value)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert known == sides(battery), "an action from outside is noticed at once"
            while pause_s > 0:
                before = sides(battery)
                await clock.sleep(min(60.0, pause_s))
                pause_s -= 60.0
                for noticed, earlier, now in zip(known, before, sides(battery), strict=True):
                    assert noticed in (earlier, now), "a minute later it is noticed"
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()

    run_steps(steps)


def test_switching_the_radio_on_is_noticed_at_once() -> None:
    async def steps(_: VirtualClock, battery: SimulatedBattery) -> None:
        battery.set_radio(False)
        battery.drop_to(100 * DRAW_W[State.RECORDING] * 20.1 / 60 / battery.capacity_wh)  # 20.1 minutes, without it
        crossing = asyncio.create_task(battery.crossed(THRESHOLDS))
        await asyncio.sleep(0)
        battery.set_radio(True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert crossing.done()

    run_steps(steps)


def test_the_charge_rises_in_the_charger_up_to_full() -> None:
    async def steps(clock: VirtualClock, battery: SimulatedBattery) -> None:
        battery.set_charger(True)
        assert (battery.charge().charging, battery.charge().minutes_left) == (True, None)
        await clock.sleep(1800)
        assert battery.charge().percent == pytest.approx(50 + CHARGE_W / 2 / battery.capacity_wh * 100)
        await clock.sleep(10 * 3600)
        assert battery.charge().percent == 100

    run_steps(steps, percent=50.0)

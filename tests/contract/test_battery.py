"""What every `Battery` does. Only the simulated one exists; a Pi's gauge joins the list when one ships."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.hardware.interfaces import Battery, Marks
from lapel.states import State
from lapel_fleet.hardware.battery import CHARGE_W, DRAW_W, RADIO_W, SimulatedBattery
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

Story = Callable[[VirtualClock, SimulatedBattery], Coroutine[Any, Any, None]]

ACTIONS = st.one_of(
    st.tuples(st.just("set_state"), st.sampled_from(State)),
    st.tuples(st.just("set_charger"), st.booleans()),
    st.tuples(st.just("set_ambient_c"), st.floats(-20, 50)),
    st.tuples(st.just("set_radio"), st.booleans()),
    st.tuples(st.just("drop_to"), st.floats(0, 100)),
)
PAUSES_S = st.floats(0, 6 * 3600)


def play(story: Story, seed: int = 1, **keys: Any) -> None:
    async def program(clock: VirtualClock) -> None:
        await story(clock, SimulatedBattery(clock, random.Random(seed), **keys))

    run_virtual(program)


def test_a_reading_is_one() -> None:
    async def story(_: VirtualClock, battery: Battery) -> None:
        charge = battery.charge()
        assert 0 <= charge.percent <= 100
        assert charge.minutes_left is None or charge.minutes_left >= 0
        assert -40 < charge.temperature_c < 100
        assert battery.charge() == charge, "reading it uses nothing"

    play(story)


@given(st.lists(st.tuples(ACTIONS, PAUSES_S), max_size=20), st.integers(0, 5))
def test_energy_adds_up(deeds: list[tuple[tuple[str, Any], float]], seed: int) -> None:
    """Whatever is done to it: what is there is what was, less what was used and lost, and what was charged."""

    async def story(clock: VirtualClock, battery: SimulatedBattery) -> None:
        full_wh = battery.capacity_wh
        for (deed, value), pause_s in deeds:
            getattr(battery, deed)(value)
            before = battery.charge().percent
            await clock.sleep(pause_s)
            charge = battery.charge()
            assert -1e-9 <= charge.percent <= 100 + 1e-9
            assert charge.charging or charge.percent <= before + 1e-9, "it rises by charging alone"
        balance_wh = full_wh + battery.charged_wh - battery.drained_wh - battery.lost_wh
        assert battery.charge().percent / 100 * full_wh == pytest.approx(balance_wh, abs=1e-6)

    play(story, seed)


@given(st.lists(st.tuples(st.sampled_from(State), st.floats(0, 3600)), max_size=8))
def test_the_drop_is_the_integral_of_what_was_drawn(day: list[tuple[State, float]]) -> None:
    async def story(clock: VirtualClock, battery: SimulatedBattery) -> None:
        for state, seconds in day:
            battery.set_state(state)
            await clock.sleep(seconds)
        drawn_wh = sum((DRAW_W[state] + RADIO_W * (state is not State.OFF)) * s for state, s in day) / 3600
        drop_wh = (100 - battery.charge().percent) / 100 * battery.capacity_wh
        assert drop_wh == pytest.approx(min(drawn_wh, battery.capacity_wh), abs=1e-6)

    play(story)


MARKS = Marks(percent=(40.0, 5.0), minutes_left=(20.0,), temperature_c=(45.0,))


def sides(battery: Battery) -> tuple[bool, ...]:
    charge = battery.charge()
    minutes = charge.minutes_left if charge.minutes_left is not None else 1e9
    return charge.charging, charge.percent > 40, charge.percent > 5, minutes > 20, charge.temperature_c >= 45


@given(st.lists(st.tuples(ACTIONS, PAUSES_S), max_size=12))
def test_whoever_waits_for_a_mark_learns_of_every_crossing(deeds: list[tuple[tuple[str, Any], float]]) -> None:
    """Within the half-minute in which a gauge may look again, and never without a reason."""

    async def story(clock: VirtualClock, battery: SimulatedBattery) -> None:
        known = sides(battery)

        async def wait() -> None:
            nonlocal known
            while True:
                await battery.crossed(MARKS)
                assert sides(battery) != known
                known = sides(battery)

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        for (deed, value), pause_s in deeds:
            getattr(battery, deed)(value)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert known == sides(battery), "what somebody does is known at once"
            while pause_s > 0:
                before = sides(battery)
                await clock.sleep(min(60.0, pause_s))
                pause_s -= 60.0
                assert known in (before, sides(battery)), "a minute later it is known"
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()

    play(story)


def test_a_radio_that_is_switched_on_is_learned_of_at_once() -> None:
    async def story(_: VirtualClock, battery: SimulatedBattery) -> None:
        battery.set_radio(False)
        battery.drop_to(100 * DRAW_W[State.RECORDING] * 20.1 / 60 / battery.capacity_wh)  # 20.1 minutes, without it
        crossing = asyncio.create_task(battery.crossed(MARKS))
        await asyncio.sleep(0)
        battery.set_radio(True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert crossing.done()

    play(story)


def test_the_charge_rises_in_the_charger_and_stops_at_full() -> None:
    async def story(clock: VirtualClock, battery: SimulatedBattery) -> None:
        battery.set_charger(True)
        assert (battery.charge().charging, battery.charge().minutes_left) == (True, None)
        await clock.sleep(1800)
        assert battery.charge().percent == pytest.approx(50 + CHARGE_W / 2 / battery.capacity_wh * 100)
        await clock.sleep(10 * 3600)
        assert battery.charge().percent == 100

    play(story, percent=50.0)

"""What every `Switches` and every `Buttons` does."""

import asyncio
import os
import pty
import tty
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driven_pins import DrivenSwitches
from lapel.hardware.desktop.terminal import TerminalButtons
from lapel.hardware.interfaces import Buttons, Edge, Switches
from lapel_fleet.hardware.switches import SimulatedSwitches
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

ACTIONS = st.tuples(st.sampled_from(["press", "stick", "free"]), st.sampled_from(["event", "power", "select"]))


async def read(edges: AsyncIterator[Edge], into: list[Edge]) -> None:
    while True:
        into.append(await anext(edges))


MAKE = [SimulatedSwitches, DrivenSwitches]


@pytest.mark.parametrize("make", MAKE)
@given(actions=st.lists(ACTIONS, max_size=30), joins=st.integers(0, 10))
def test_edges_alternate_and_agree_with_the_buttons_that_are_down(
    make: type[SimulatedSwitches | DrivenSwitches], actions: list[tuple[str, str]], joins: int
) -> None:
    """Also for a camera that starts in the middle."""

    async def program(clock: VirtualClock) -> None:
        simulated = make(clock)
        switches: Switches = simulated
        for action, button in actions[:joins]:
            getattr(simulated, action)(button)
        down, seen = set(switches.down()), list[Edge]()
        reading = asyncio.create_task(read(switches.edges(), seen))
        await asyncio.sleep(0)
        for action, button in actions[joins:]:
            getattr(simulated, action)(button)
        await clock.sleep(1)
        for edge in seen:
            assert (edge.button in down) is not edge.is_down, "down and up alternate"
            (down.add if edge.is_down else down.discard)(edge.button)
        assert down == set(switches.down())
        reading.cancel()
        await asyncio.wait([reading])

    run_virtual(program)


@pytest.mark.parametrize("make", MAKE)
def test_a_hold_lasts_and_a_stuck_button_stays_down(make: type[SimulatedSwitches | DrivenSwitches]) -> None:
    async def program(clock: VirtualClock) -> None:
        buttons = make(clock)
        holding = asyncio.create_task(buttons.hold("event", 3.5))
        await clock.sleep(3.4)
        assert buttons.down() == ("event",)
        await holding
        assert buttons.down() == ()
        buttons.stick("event")
        buttons.press("event", times=2)
        assert buttons.down() == ("event",)
        buttons.free("event")
        assert buttons.down() == ()

    run_virtual(program)


async def test_keys_of_a_terminal_are_actions_and_other_keys_are_ignored() -> None:
    master, slave = pty.openpty()
    tty.setcbreak(slave)
    try:
        buttons: Buttons = TerminalButtons(slave)
        pressed = buttons.presses()
        first = asyncio.ensure_future(anext(pressed))
        await asyncio.sleep(0)
        os.write(master, b"x m")
        async with asyncio.timeout(10):
            assert await first == "event"
            assert await anext(pressed) == "mark"
        await pressed.aclose()  # type: ignore[attr-defined]
    finally:
        os.close(master)
        os.close(slave)

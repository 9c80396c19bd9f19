"""What every `Dock` does."""

import asyncio
from collections.abc import Callable

import pytest

from driven_pins import DrivenDock
from lapel.clock import SystemClock
from lapel.hardware.interfaces import Dock
from lapel_fleet.hardware.dock import SimulatedDock

Make = Callable[[], SimulatedDock | DrivenDock]
MAKE = [SimulatedDock, lambda: DrivenDock(SystemClock())]


@pytest.mark.parametrize("make", MAKE)
async def test_a_change_wakes_all_waiting_tasks_and_nothing_else_does(make: Make) -> None:
    simulated = make()
    dock: Dock = simulated
    waiting = [asyncio.create_task(dock.changed()) for _ in range(2)]
    await asyncio.sleep(0)
    simulated.take_out()  # it was not in
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    simulated.put_in()
    assert dock.is_docked()
    await asyncio.gather(*waiting)
    assert dock.is_docked()


@pytest.mark.parametrize("make", MAKE)
async def test_a_task_that_waits_after_a_change_waits_for_the_next(make: Make) -> None:
    simulated = make()
    simulated.put_in()
    waiting = asyncio.create_task(simulated.changed())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    simulated.take_out()
    await waiting
    assert not simulated.is_docked()

"""What every `Dock` does."""

import asyncio

from lapel.hardware.interfaces import Dock
from lapel_fleet.hardware.dock import SimulatedDock


async def test_a_change_is_learned_by_all_who_wait_and_only_then() -> None:
    inside = SimulatedDock()
    dock: Dock = inside
    waiting = [asyncio.create_task(dock.changed()) for _ in range(2)]
    await asyncio.sleep(0)
    inside.take_out()  # it was not in
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    inside.put_in()
    assert dock.is_docked()
    await asyncio.gather(*waiting)
    assert dock.is_docked()


async def test_who_waits_later_waits_for_the_next() -> None:
    inside = SimulatedDock()
    inside.put_in()
    waiting = asyncio.create_task(inside.changed())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    inside.take_out()
    await waiting
    assert (inside.is_docked(), inside.history) == (False, ["put in", "take out"])

"""LightEvent and Inbox behave as asyncio's Event and Queue."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lapel.light_event import Broadcast, Inbox, LightEvent
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


def test_set_wakes_all_waiting_tasks() -> None:
    async def program(_: VirtualClock) -> None:
        event = LightEvent()
        waiting = [asyncio.ensure_future(event.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        event.set()
        await asyncio.wait(waiting)
        assert [task.cancelled() for task in waiting] == [False, True, False]
        await event.wait()  # it is set, so this returns at once

    run_virtual(program)


def test_a_pulse_wakes_only_the_tasks_that_wait_now() -> None:
    async def program(_: VirtualClock) -> None:
        event = LightEvent()
        early = asyncio.ensure_future(event.wait())
        await asyncio.sleep(0)
        event.pulse()
        late = asyncio.ensure_future(event.wait())
        await early
        await asyncio.sleep(0)
        assert not late.done()
        late.cancel()
        await asyncio.wait([late])

    run_virtual(program)


@given(st.lists(st.one_of(st.integers(), st.none())))
def test_an_inbox_delivers_what_a_queue_delivers(steps: list[int | None]) -> None:
    """A number is put into it; None lets the reader run."""

    async def delivered(inbox: Any, put: Any) -> list[int]:
        read_items: list[int] = []

        async def read() -> None:
            while True:
                read_items.append(await inbox.get())

        reader = asyncio.create_task(read())
        for number in steps:
            if number is None:
                await asyncio.sleep(0)
            else:
                put(number)
        for _ in range(len(steps) + 1):
            await asyncio.sleep(0)
        reader.cancel()
        await asyncio.wait([reader])
        return read_items

    async def program(_: VirtualClock) -> None:
        inbox, queue = Inbox[int](), asyncio.Queue[int]()
        assert await delivered(inbox, inbox.put) == await delivered(queue, queue.put_nowait)

    run_virtual(program)


def test_an_inbox_loses_nothing_when_its_reader_is_cancelled() -> None:
    async def program(_: VirtualClock) -> None:
        inbox = Inbox[int]()
        first = asyncio.create_task(inbox.get())
        await asyncio.sleep(0)
        inbox.put(1)
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        assert await inbox.get() == 1

    run_virtual(program)


async def test_a_broadcast_gives_each_reader_what_came_since_it_began_to_read() -> None:
    broadcast = Broadcast[int]()
    broadcast.put(0)
    early, late = broadcast.items(), broadcast.items()
    first = asyncio.ensure_future(anext(early))
    await asyncio.sleep(0)
    broadcast.put(1)
    assert await first == 1
    second = asyncio.ensure_future(anext(late))
    await asyncio.sleep(0)
    broadcast.put(2)
    assert [await anext(early), await second] == [2, 2]
    assert broadcast.has_readers
    for reader in (early, late):
        await reader.aclose()  # type: ignore[attr-defined]
    assert not broadcast.has_readers

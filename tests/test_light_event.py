"""Bells and inboxes, beside asyncio's own."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lapel.light_event import Inbox, LightEvent
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


def test_a_bell_wakes_everybody_who_waits() -> None:
    async def story(_: VirtualClock) -> None:
        bell = LightEvent()
        waiting = [asyncio.create_task(bell.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        bell.set()
        await asyncio.wait(waiting)
        assert [one.cancelled() for one in waiting] == [False, True, False]
        await bell.wait()  # rung, so it returns at once

    run_virtual(story)


def test_a_bell_that_is_struck_wakes_those_who_wait_now() -> None:
    async def story(_: VirtualClock) -> None:
        bell = LightEvent()
        early = asyncio.create_task(bell.wait())
        await asyncio.sleep(0)
        bell.pulse()
        late = asyncio.create_task(bell.wait())
        await early
        await asyncio.sleep(0)
        assert not late.done()
        late.cancel()
        await asyncio.wait([late])

    run_virtual(story)


@given(st.lists(st.one_of(st.integers(), st.none())))
def test_an_inbox_gives_what_a_queue_gives(doings: list[int | None]) -> None:
    """A number is put, None takes one out."""

    async def lived(inbox: Any, put: Any) -> list[int]:
        taken: list[int] = []

        async def read() -> None:
            while True:
                taken.append(await inbox.get())

        reader = asyncio.create_task(read())
        for one in doings:
            if one is None:
                await asyncio.sleep(0)
            else:
                put(one)
        for _ in range(len(doings) + 1):
            await asyncio.sleep(0)
        reader.cancel()
        await asyncio.wait([reader])
        return taken

    async def story(_: VirtualClock) -> None:
        ours, theirs = Inbox[int](), asyncio.Queue[int]()
        assert await lived(ours, ours.put) == await lived(theirs, theirs.put_nowait)

    run_virtual(story)


def test_an_inbox_whose_reader_was_cancelled_loses_nothing() -> None:
    async def story(_: VirtualClock) -> None:
        inbox = Inbox[int]()
        first = asyncio.create_task(inbox.get())
        await asyncio.sleep(0)
        inbox.put(1)
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        assert await inbox.get() == 1

    run_virtual(story)

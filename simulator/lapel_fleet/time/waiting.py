"""Waiting, in real time, for what may not come."""

import asyncio
import contextlib


async def wait_for_event(event: asyncio.Event, within_s: float) -> bool:
    """Whether it is set, at the latest after so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()

"""Wait for an event with a limit in real time."""

import asyncio
import contextlib


async def wait_for_event(event: asyncio.Event, within_s: float) -> bool:
    """Wait until `event` is set, `within_s` at the most. Returns whether it is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()

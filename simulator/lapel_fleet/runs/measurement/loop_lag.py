"""Measures event loop lag: how late a timer runs in a busy process."""

import asyncio
from collections.abc import Callable

_EVERY_S = 0.05


async def measure(on_lag: Callable[[float], None]) -> None:
    """Pass to `on_lag`, twenty times a second, by how many seconds a short sleep was too long. Until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + _EVERY_S
        await asyncio.sleep(_EVERY_S)
        on_lag(max(0.0, loop.time() - due_s))

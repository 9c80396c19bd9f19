"""How late an event loop is: what a camera of a busy process feels."""

import asyncio
from collections.abc import Callable

_EVERY_S = 0.05


async def measure(told: Callable[[float], None]) -> None:
    """Tell again and again by how many seconds a short sleep took too long. Until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + _EVERY_S
        await asyncio.sleep(_EVERY_S)
        told(max(0.0, loop.time() - due_s))

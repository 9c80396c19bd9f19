"""What the wearer sees and feels of a camera: a light for each state, and signals that come again."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Literal

from lapel.clock import Clock
from lapel.states import State

Light = Literal["dark", "solid red", "blinking green", "blinking red"]

LIGHTS: Mapping[State, Light] = {
    State.OFF: "dark",
    State.BOOTING: "solid red",
    State.STANDBY: "dark",
    State.BUFFERING: "blinking green",
    State.RECORDING: "blinking red",
    State.DOCKED: "dark",
    State.FAULT: "solid red",
}
"""As vendors' manuals have them; for standby and dock they give none, and dark is our choice: nothing is captured."""

REMIND_EVERY_S = 120.0
"""Seconds between reminders that the camera records: two minutes, as vendors' manuals have it."""
WARN_EVERY_S = 20.0
"""Seconds between warnings that the battery is low, likewise."""


class Repeated:
    """A signal given again and again while something lasts. Wakes nobody while it does not."""

    def __init__(self, clock: Clock, give: Callable[[], None], every_s: float) -> None:
        self._clock, self._give, self._every_s = clock, give, every_s
        self._task: asyncio.Task[None] | None = None

    def lasts(self, is_so: bool) -> None:
        """It begins, goes on, or is over."""
        if is_so and self._task is None:
            self._task = asyncio.create_task(self._repeat(), name="signal")
        elif not is_so and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(self._every_s)
            self._give()

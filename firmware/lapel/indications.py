"""What the wearer sees and feels: a light for each state, and signals that are repeated."""

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
"""As in vendors' manuals. They give none for standby and dock; dark is our choice, since nothing is captured."""

REMIND_EVERY_S = 120.0
"""Seconds between reminders that the camera records: two minutes, as in vendors' manuals."""
WARN_EVERY_S = 20.0
"""Seconds between warnings that the battery is low, likewise."""


class RepeatedSignal:
    """A signal that is repeated while a condition is active. Schedules nothing while it is not."""

    def __init__(self, clock: Clock, give: Callable[[], None], every_s: float) -> None:
        """`give` sends the signal once; the first time after `every_s` seconds."""
        self._clock, self._give, self._every_s = clock, give, every_s
        self._task: asyncio.Task[None] | None = None

    def set_active(self, active: bool) -> None:
        """Begin, continue or end the repetition."""
        if active and self._task is None:
            self._task = asyncio.create_task(self._repeat(), name="signal")
        elif not active and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(self._every_s)
            self._give()

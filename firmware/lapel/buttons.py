"""Reads the buttons of a body-worn camera: edges in, gestures out, and proof that a person is at the camera."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lapel.clock import Clock
from lapel.gestures import Gesture, GestureDetector
from lapel.hardware.interfaces import ButtonName, Switches


@dataclass(frozen=True, slots=True)
class HeldButton:
    """A button that is down, and for how long."""

    button: ButtonName
    held_s: float


class ButtonWatch:
    """Reads `switches` and reports gestures. Wakes up for each edge, and once when a hold is due."""

    def __init__(self, switches: Switches, clock: Clock, on_gesture: Callable[[ButtonName, Gesture], None]) -> None:
        self._switches, self._clock, self._on_gesture = switches, clock, on_gesture
        self._buttons: Mapping[ButtonName, GestureDetector] = {"event": GestureDetector(), "power": GestureDetector()}
        self._holds: asyncio.Task[None] | None = None
        self._presence_requests: list[asyncio.Event] = []

    async def run(self) -> None:
        """Read until cancelled."""
        for name in self._switches.down():
            self._buttons[name].ignore_press(self._clock.mono_s())
        try:
            async for edge in self._switches.edges():
                button = self._buttons[edge.button]
                now_s = self._clock.mono_s() if edge.at_s is None else edge.at_s
                self._report(edge.button, button.on_down(now_s) if edge.is_down else button.on_up(now_s))
                self._await_holds()
        finally:
            if self._holds is not None:
                self._holds.cancel()

    def held(self) -> list[HeldButton]:
        """The buttons that are down right now."""
        now_s = self._clock.mono_s()
        seconds = [(name, button.held_s(now_s)) for name, button in self._buttons.items()]
        return [HeldButton(name, held_s) for name, held_s in seconds if held_s is not None]

    async def presence(self, within_s: float) -> bool:
        """Whether the event button is held within that time. Such a hold only answers this and is no other gesture."""
        answered = asyncio.Event()
        timeout = asyncio.create_task(self._set_after(answered, within_s), name="presence")
        self._presence_requests.append(answered)
        try:
            await answered.wait()
            return answered not in self._presence_requests  # a hold removes it, the time-out does not
        finally:
            timeout.cancel()
            if answered in self._presence_requests:
                self._presence_requests.remove(answered)

    async def _set_after(self, event: asyncio.Event, seconds: float) -> None:
        await self._clock.sleep(seconds)
        event.set()

    def _report(self, name: ButtonName, gesture: Gesture | None) -> None:
        if gesture is None:
            return
        if self._presence_requests and (name, gesture) == ("event", "hold"):
            requests, self._presence_requests = self._presence_requests, []
            for answered in requests:
                answered.set()
            return
        self._on_gesture(name, gesture)

    def _await_holds(self) -> None:
        """Start the timer for holds unless it runs. It is not cancelled when a button comes up, but finds that out when
        it is due: one timer serves all presses.
        """
        if self._holds is None and self._next_due() is not None:
            self._holds = asyncio.create_task(self._report_holds(), name="holds")

    async def _report_holds(self) -> None:
        while (due := self._next_due()) is not None:
            due_s, name = due
            await self._clock.sleep(max(0.0, due_s - self._clock.mono_s()))
            if self._buttons[name].hold_due_s == due_s:  # else the button came up in the meantime
                self._report(name, self._buttons[name].on_hold_due(due_s))
        self._holds = None

    def _next_due(self) -> tuple[float, ButtonName] | None:
        due = [(button.hold_due_s, name) for name, button in self._buttons.items()]
        return min(((due_s, name) for due_s, name in due if due_s is not None), default=None)

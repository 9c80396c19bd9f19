"""The buttons of a body-worn camera at work: edges in, gestures out, and the proof that somebody stands before it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lapel.clock import Clock
from lapel.gestures import Gesture, Gestures
from lapel.hardware.interfaces import ButtonName, Switches


@dataclass(frozen=True, slots=True)
class HeldButton:
    """A button that is down, and for how long."""

    button: ButtonName
    held_s: float


class ButtonWatch:
    """Reads `switches` and tells gestures. Wakes for what happens to a button, and once when a hold is due."""

    def __init__(self, switches: Switches, clock: Clock, on_gesture: Callable[[ButtonName, Gesture], None]) -> None:
        self._switches, self._clock, self._on_gesture = switches, clock, on_gesture
        self._buttons: Mapping[ButtonName, Gestures] = {"event": Gestures(), "power": Gestures()}
        self._holds: asyncio.Task[None] | None = None
        self._asked: list[asyncio.Event] = []

    async def run(self) -> None:
        """Until cancelled."""
        for name in self._switches.down():
            self._buttons[name].found_down(self._clock.mono_s())
        try:
            async for edge in self._switches.edges():
                button, now_s = self._buttons[edge.button], self._clock.mono_s()
                self._tell(edge.button, button.down(now_s) if edge.is_down else button.up(now_s))
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
        """Whether somebody holds the event button in that time. Such a hold is this answer and nothing else."""
        answer = asyncio.Event()
        limit = asyncio.create_task(self._ring_after(answer, within_s), name="presence")
        self._asked.append(answer)
        try:
            await answer.wait()
            return answer not in self._asked  # the one who held it took it out
        finally:
            limit.cancel()
            if answer in self._asked:
                self._asked.remove(answer)

    async def _ring_after(self, answer: asyncio.Event, seconds: float) -> None:
        await self._clock.sleep(seconds)
        answer.set()

    def _tell(self, name: ButtonName, gesture: Gesture | None) -> None:
        if gesture is None:
            return
        if self._asked and (name, gesture) == ("event", "hold"):
            asked, self._asked = self._asked, []
            for answer in asked:
                answer.set()
            return
        self._on_gesture(name, gesture)

    def _await_holds(self) -> None:
        """One timer for all presses: it is not cancelled when a button comes up, but looks again when it is due."""
        if self._holds is None and self._next_due() is not None:
            self._holds = asyncio.create_task(self._tell_holds(), name="holds")

    async def _tell_holds(self) -> None:
        while (due := self._next_due()) is not None:
            due_s, name = due
            await self._clock.sleep(max(0.0, due_s - self._clock.mono_s()))
            if self._buttons[name].hold_due_s == due_s:  # else it came up in the meantime
                self._tell(name, self._buttons[name].passed(due_s))
        self._holds = None

    def _next_due(self) -> tuple[float, ButtonName] | None:
        due = [(button.hold_due_s, name) for name, button in self._buttons.items()]
        return min(((due_s, name) for due_s, name in due if due_s is not None), default=None)

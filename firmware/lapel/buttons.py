"""Reads the buttons of a body-worn camera: edges in, gestures out, and proof that a person is at the camera."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lapel.button_set import ButtonSet, Control
from lapel.clock import Clock
from lapel.gestures import Gesture, Timings
from lapel.hardware.interfaces import ButtonName, Switches


@dataclass(frozen=True, slots=True)
class HeldButton:
    """A button that is down, and for how long."""

    button: ButtonName
    held_s: float


class ButtonWatch:
    """Reads `switches` and reports gestures. Wakes up for each edge, and once when a hold is due."""

    def __init__(
        self,
        switches: Switches,
        clock: Clock,
        on_gesture: Callable[[Control, Gesture], None],
        timings: Timings = Timings(),  # noqa: B008 (immutable)
    ) -> None:
        self._switches, self._clock, self._on_gesture = switches, clock, on_gesture
        self._buttons = ButtonSet(timings)
        self._holds: asyncio.Task[None] | None = None
        self._presence_requests: list[asyncio.Event] = []

    async def run(self) -> None:
        """Read until cancelled."""
        self._buttons.ignore_presses(self._switches.down(), self._clock.mono_s())
        try:
            async for edge in self._switches.edges():
                at_s = self._clock.mono_s() if edge.at_s is None else edge.at_s
                self._report(self._buttons.on_edge(edge.button, at_s, is_down=edge.is_down))
                self._await_holds()
        finally:
            if self._holds is not None:
                self._holds.cancel()

    def held(self) -> list[HeldButton]:
        """The buttons that are down right now."""
        return [HeldButton(name, held_s) for name, held_s in self._buttons.held(self._clock.mono_s())]

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

    def _report(self, gestures: Iterable[tuple[Control, Gesture]]) -> None:
        for control, gesture in gestures:
            if self._presence_requests and (control, gesture) == ("event", "hold"):
                requests, self._presence_requests = self._presence_requests, []
                for answered in requests:
                    answered.set()
            else:
                self._on_gesture(control, gesture)

    def _await_holds(self) -> None:
        """Start the timer for holds unless it runs. It is not cancelled when a button comes up, but finds that out when
        it is due: one timer serves all presses.
        """
        if self._holds is None and self._buttons.due_s is not None:
            self._holds = asyncio.create_task(self._report_holds(), name="holds")

    async def _report_holds(self) -> None:
        while (due_s := self._buttons.due_s) is not None:
            await self._clock.sleep(max(0.0, due_s - self._clock.mono_s()))
            self._report(self._buttons.advance(due_s))  # nothing, if the button came up in the meantime
        self._holds = None

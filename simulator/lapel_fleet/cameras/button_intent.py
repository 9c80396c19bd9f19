"""What a wearer intends with the buttons, according to the manual. Independent of the firmware's own detection
(`lapel.gestures`, `lapel.button_set`), which is checked against it.
"""

from typing import Literal

from lapel.gestures import DOUBLE_S, HOLD_S, Timings
from lapel.hardware.interfaces import ButtonName

ButtonIntent = Literal["start", "mark"]
HoldIntent = Literal["stop", "stealth"]

_TOGETHER_S, _DEBOUNCE_S = Timings().together_s, Timings().debounce_s
_TOLERANCE_S = 1e-6
"""Holding for exactly the required time counts as a hold, though sums of times may be off in the last digit."""


class ButtonModel:
    """The buttons, edge by edge; what they mean depends on whether the camera records. Times are seconds."""

    __slots__ = ("_came_up_s", "_is_down", "_may_stop", "_pressed_s", "_since_s")

    def __init__(self) -> None:
        self._is_down: frozenset[ButtonName] = frozenset()
        self._since_s: dict[ButtonName, float] = {}
        """When the presses began that may still become something."""
        self._came_up_s: dict[ButtonName, float] = {}
        self._pressed_s = -DOUBLE_S * 2
        self._may_stop = False

    def down(self, button: ButtonName, now_s: float, *, is_recording: bool) -> ButtonIntent | None:
        """A button goes down: the event button for the second time within `DOUBLE_S` means a start."""
        if now_s - self._came_up_s.get(button, -1.0) < _DEBOUNCE_S - _TOLERANCE_S:
            self._is_down |= {button}
            return None
        again = button == "event" and now_s - self._pressed_s <= DOUBLE_S
        self._is_down |= {button}
        self._since_s.pop(button, None)
        if not again:
            self._since_s[button] = now_s
        if button == "event":
            self._pressed_s, self._may_stop = -DOUBLE_S * 2, is_recording
        return "start" if again and not is_recording else None

    def up(self, button: ButtonName, now_s: float, *, is_recording: bool) -> ButtonIntent | None:
        """A button comes up: a short press of the event button means a marker."""
        self._is_down -= {button}
        self._came_up_s[button] = now_s
        since_s = self._since_s.get(button)
        if since_s is None or now_s - since_s < _DEBOUNCE_S - _TOLERANCE_S:
            return None
        for other in {button, *(name for name in self._is_down if now_s >= self._due_s(name) - _TOLERANCE_S)}:
            self._since_s.pop(other, None)
        if button != "event" or now_s - since_s >= HOLD_S - _TOLERANCE_S:
            return None
        self._pressed_s = now_s
        return "mark" if is_recording else None

    def end_recording(self) -> None:
        """The recording has ended: the event button, if it is held, does not stop the next one."""
        self._may_stop = False

    def take_holds(self, now_s: float) -> list[tuple[float, HoldIntent]]:
        """The holds that have lasted long enough by now and mean something, with their times; each is returned once."""
        found: list[tuple[float, HoldIntent]] = []
        held = sorted((since_s, name) for name, since_s in self._since_s.items() if name in self._is_down)
        for _, name in held:
            if name not in self._since_s:
                continue  # held together with one before
            group = self._held_with(name)
            due_s = max(self._since_s[one] for one in group) + HOLD_S
            if due_s <= now_s + _TOLERANCE_S:
                found += self._meaning(group, due_s)
                for one in group:
                    del self._since_s[one]
        return found

    def _meaning(self, group: set[ButtonName], due_s: float) -> list[tuple[float, HoldIntent]]:
        if group == {"event", "select"}:
            return [(due_s, "stealth")]
        return [(due_s, "stop")] if group == {"event"} and self._may_stop else []

    def _held_with(self, name: ButtonName) -> set[ButtonName]:
        """The button and those that went down together with it, or with one of them, and are held as well."""
        group = {name}
        for since_s, other in sorted((since_s, one) for one, since_s in self._since_s.items() if one in self._is_down):
            if any(abs(since_s - self._since_s[one]) <= _TOGETHER_S for one in group):
                group.add(other)
        return group

    def _due_s(self, name: ButtonName) -> float:
        return self._since_s.get(name, float("inf")) + HOLD_S

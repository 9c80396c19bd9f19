"""Gestures of one button: press, double press, hold. Pure: down and up edges with their times in, gestures out.

A press is part of one gesture at most: the second press of a double press is never also a hold, and a stuck button is
held once, however long it is down. What several buttons mean together is decided in `button_set.py`.
"""

from dataclasses import dataclass
from typing import Literal

HOLD_S = 3.0
"""Seconds down that are a hold, as in vendors' manuals for stopping, muting and switching off."""
DOUBLE_S = 0.5
"""Longest pause inside a double press: our choice, as desktop systems have it for a double click."""

Gesture = Literal["press", "double press", "hold"]


@dataclass(frozen=True, slots=True)
class Timings:
    """When presses are which gesture."""

    hold_s: float = HOLD_S
    double_press_s: float = DOUBLE_S
    debounce_s: float = 0.02
    """A contact that closes or opens for less has bounced: our choice, some times what a push button bounces."""
    together_s: float = 0.5
    """Buttons that go down within this time, and are held, are held together: our choice, as for a double press."""


class GestureDetector:
    """Detects the gestures of one button. Times are monotonic seconds and never step back.

    A hold is not reported here, but due at `hold_due_s`: only a set of buttons knows whether it is held alone.
    """

    __slots__ = ("_has_meaning", "_is_down", "_pressed_s", "_timings", "_up_s", "down_s")

    def __init__(self, timings: Timings = Timings()) -> None:
        self._timings = timings
        self._is_down = self._has_meaning = False
        self._up_s = self._pressed_s = -float("inf")
        self.down_s = 0.0
        """When the current or last press began; a contact that bounces goes on with the same press."""

    @property
    def hold_due_s(self) -> float | None:
        """When the current press becomes a hold; None when it will not."""
        return self.down_s + self._timings.hold_s if self._is_down and self._has_meaning else None

    def held_s(self, now_s: float) -> float | None:
        """How long the button has been down; None while it is up."""
        return now_s - self.down_s if self._is_down else None

    def end_gesture(self) -> None:
        """The current press has had its gesture, or is none: nothing follows from it any more."""
        self._has_meaning = False

    def ignore_press(self, now_s: float) -> None:
        """The button is down already when the camera starts: this press is no gesture."""
        self._is_down, self.down_s, self._has_meaning = True, now_s, False

    def on_down(self, now_s: float) -> Gesture | None:
        """The button went down. A double press is reported at once, without waiting for the button to come up."""
        if self._is_down:
            return None  # the edge between the two was lost: the press continues
        self._is_down = True
        if now_s - self._up_s < self._timings.debounce_s:
            return None
        is_second = now_s - self._pressed_s <= self._timings.double_press_s
        self.down_s, self._pressed_s, self._has_meaning = now_s, -float("inf"), not is_second
        return "double press" if is_second else None

    def on_up(self, now_s: float) -> Gesture | None:
        """The button came up."""
        if not self._is_down:
            return None
        self._is_down, self._up_s = False, now_s
        length_s = now_s - self.down_s
        if length_s < self._timings.debounce_s or not self._has_meaning:
            return None
        self._has_meaning = False
        if length_s >= self._timings.hold_s:
            return None
        self._pressed_s = now_s
        return "press"

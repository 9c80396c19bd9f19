"""Gestures of a button: press, double press, hold. Pure: down and up edges with their times in, gestures out.

A press is part of one gesture at most: the second press of a double press is never also a hold, and a stuck button is
held once, however long it is down.
"""

from typing import Literal

HOLD_S = 3.0
"""Seconds down that are a hold, as in vendors' manuals for stopping, muting and switching off."""
DOUBLE_S = 0.5
"""Longest pause inside a double press: our choice, as desktop systems have it for a double click."""

Gesture = Literal["press", "double press", "hold"]


class GestureDetector:
    """Detects the gestures of one button. Times are monotonic seconds and never step back."""

    def __init__(self) -> None:
        self._down_s: float | None = None
        self._up_s: float | None = None
        self._has_meaning = True
        """Whether the current press can still become a press or a hold."""

    @property
    def hold_due_s(self) -> float | None:
        """When `on_hold_due` must be called because the current press becomes a hold; None when it will not."""
        return self._down_s + HOLD_S if self._down_s is not None and self._has_meaning else None

    def held_s(self, now_s: float) -> float | None:
        """How long the button has been down; None while it is up."""
        return None if self._down_s is None else now_s - self._down_s

    def ignore_press(self, now_s: float) -> None:
        """The button is down already when the camera starts: this press is no gesture."""
        self._down_s, self._has_meaning = now_s, False

    def on_down(self, now_s: float) -> Gesture | None:
        """The button went down. A double press is reported at once, without waiting for the button to come up."""
        if self._down_s is not None:
            return None  # the edge between the two was lost: the press continues
        is_second = self._up_s is not None and now_s - self._up_s <= DOUBLE_S
        self._down_s, self._up_s, self._has_meaning = now_s, None, not is_second
        return "double press" if is_second else None

    def on_up(self, now_s: float) -> Gesture | None:
        """The button came up."""
        due_s, self._down_s = self.hold_due_s, None
        if due_s is None:
            return None
        if now_s >= due_s:
            return "hold"
        self._up_s = now_s
        return "press"

    def on_hold_due(self, now_s: float) -> Gesture | None:
        """The time that `hold_due_s` gave has come."""
        due_s = self.hold_due_s
        if due_s is None or now_s < due_s:
            return None
        self._has_meaning = False
        return "hold"

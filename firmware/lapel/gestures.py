"""What a button's downs and ups mean: pressed, pressed twice, held. Pure: one button, seconds in, gestures out.

One press means one thing at most: what began a double press is no hold as well, and a button that is stuck is held
once, whatever it does to the technician's day.
"""

from typing import Literal

HOLD_S = 3.0
"""Seconds down that are a hold: vendors' manuals stop, mute and switch off by it."""
DOUBLE_S = 0.5
"""Longest pause inside a double press: our choice, what desktop systems take for a double click."""

Gesture = Literal["press", "double press", "hold"]


class Gestures:
    """One button, from edge to edge. Times are monotonic seconds and never step back."""

    def __init__(self) -> None:
        self._down_s: float | None = None
        self._up_s: float | None = None
        self._is_spent = False

    @property
    def hold_due_s(self) -> float | None:
        """When `passed` must be called, because the press under way becomes a hold; None when none will."""
        return None if self._down_s is None or self._is_spent else self._down_s + HOLD_S

    def held_s(self, now_s: float) -> float | None:
        """How long it is down; None while it is up."""
        return None if self._down_s is None else now_s - self._down_s

    def found_down(self, now_s: float) -> None:
        """It was down when the camera started, and means nothing by it."""
        self._down_s, self._is_spent = now_s, True

    def down(self, now_s: float) -> Gesture | None:
        """It goes down. The second time is a double press at once: the wearer is in a hurry."""
        if self._down_s is not None:
            return None  # an edge was lost: the press goes on
        self._is_spent = self._up_s is not None and now_s - self._up_s <= DOUBLE_S
        self._down_s, self._up_s = now_s, None
        return "double press" if self._is_spent else None

    def up(self, now_s: float) -> Gesture | None:
        """It comes up."""
        due_s, self._down_s = self.hold_due_s, None
        if due_s is None:
            return None
        if now_s >= due_s:
            return "hold"
        self._up_s = now_s
        return "press"

    def passed(self, now_s: float) -> Gesture | None:
        """Time went by."""
        due_s = self.hold_due_s
        if due_s is None or now_s < due_s:
            return None
        self._is_spent = True
        return "hold"

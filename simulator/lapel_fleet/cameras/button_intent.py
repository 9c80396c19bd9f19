"""What a wearer intends with the event button, according to the manual. Independent of the firmware's own detection
(`lapel.gestures`), which is checked against it.
"""

from typing import Literal

from lapel.gestures import DOUBLE_S, HOLD_S

ButtonIntent = Literal["start", "mark"]

_TOLERANCE_S = 1e-6
"""Holding for exactly the required time counts as a hold, though sums of times may be off in the last digit."""


class EventButtonModel:
    """The event button, edge by edge; what it means depends on whether the camera records. Times are seconds."""

    def __init__(self) -> None:
        self._down_s: float | None = None
        self._up_s: float | None = None
        self._stop_due_s: float | None = None

    def down(self, now_s: float, *, is_recording: bool) -> ButtonIntent | None:
        """The button goes down: for the second time within `DOUBLE_S` it means a start."""
        again = self._up_s is not None and now_s - self._up_s <= DOUBLE_S
        self._down_s, self._up_s = None if again else now_s, None
        self._stop_due_s = now_s + HOLD_S if is_recording and not again else None
        return "start" if again and not is_recording else None

    def up(self, now_s: float, *, is_recording: bool) -> ButtonIntent | None:
        """The button comes up: a short press means a marker."""
        down_s, self._down_s, self._stop_due_s = self._down_s, None, None
        if down_s is None or now_s - down_s >= HOLD_S - _TOLERANCE_S:
            return None
        self._up_s = now_s
        return "mark" if is_recording else None

    def stopped_at_s(self, now_s: float) -> float | None:
        """When it had been down long enough to mean a stop; returned once, None before and afterwards."""
        if self._stop_due_s is None or now_s < self._stop_due_s - _TOLERANCE_S:
            return None
        due_s, self._stop_due_s = self._stop_due_s, None
        return due_s

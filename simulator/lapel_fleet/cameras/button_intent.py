"""What a wearer means by what he does with the event button, as the manual has it. Knows nothing of how the firmware
finds that out (`lapel.gestures`): the one is judged by the other.
"""

from typing import Literal

from lapel.gestures import DOUBLE_S, HOLD_S

ButtonIntent = Literal["start", "mark"]

_A_MOMENT_S = 1e-6
"""Who holds for just as long as it takes holds: sums of times may be off in the last digit."""


class EventButtonModel:
    """One button, from edge to edge; what it means depends on whether the camera records. Times are seconds."""

    def __init__(self) -> None:
        self._down_s: float | None = None
        self._up_s: float | None = None
        self._stop_due_s: float | None = None

    def down(self, now_s: float, *, is_recording: bool) -> ButtonIntent | None:
        """It goes down: the second time in a moment means a start."""
        again = self._up_s is not None and now_s - self._up_s <= DOUBLE_S
        self._down_s, self._up_s = None if again else now_s, None
        self._stop_due_s = now_s + HOLD_S if is_recording and not again else None
        return "start" if again and not is_recording else None

    def up(self, now_s: float, *, is_recording: bool) -> ButtonIntent | None:
        """It comes up: a short press means a mark."""
        down_s, self._down_s, self._stop_due_s = self._down_s, None, None
        if down_s is None or now_s - down_s >= HOLD_S - _A_MOMENT_S:
            return None
        self._up_s = now_s
        return "mark" if is_recording else None

    def stopped_at_s(self, now_s: float) -> float | None:
        """When it has been down for so long that it means a stop; told once, None before and after that."""
        if self._stop_due_s is None or now_s < self._stop_due_s - _A_MOMENT_S:
            return None
        due_s, self._stop_due_s = self._stop_due_s, None
        return due_s

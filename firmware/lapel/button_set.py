"""Gestures of a camera's buttons, alone and held together. Pure: edges with their times in, gestures out."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from lapel.gestures import Gesture, GestureDetector, Timings
from lapel.hardware.interfaces import ButtonName

Control = ButtonName | Literal["event+select"]
"""What a gesture is made with: a button, or two that are held together."""

_PAIRS: Mapping[frozenset[ButtonName], Control] = {frozenset[ButtonName](("event", "select")): "event+select"}
"""Any other buttons that are held together mean nothing: a camera that is squeezed must not stop or switch off."""


class ButtonSet:
    """Detects the gestures of all buttons. Times are monotonic seconds; one that steps back counts as the last one."""

    __slots__ = ("_buttons", "_now_s", "_timings")

    def __init__(self, timings: Timings = Timings()) -> None:  # noqa: B008 (immutable)
        self._timings = timings
        self._buttons: Mapping[ButtonName, GestureDetector] = {
            name: GestureDetector(timings) for name in get_args(ButtonName)
        }
        self._now_s = -float("inf")

    def held(self, now_s: float) -> list[tuple[ButtonName, float]]:
        """The buttons that are down, and for how many seconds."""
        seconds = ((name, button.held_s(now_s)) for name, button in self._buttons.items())
        return [(name, held_s) for name, held_s in seconds if held_s is not None]

    def ignore_presses(self, names: Iterable[ButtonName], now_s: float) -> None:
        """These buttons are down already when the camera starts: that is no gesture."""
        for name in names:
            self._buttons[name].ignore_press(now_s)

    def on_edge(self, name: ButtonName, at_s: float, *, is_down: bool) -> list[tuple[Control, Gesture]]:
        """A button went down or came up. Holds that became due before are among what is returned."""
        at_s = max(at_s, self._now_s)
        found, button = self.advance(at_s), self._buttons[name]
        gesture = button.on_down(at_s) if is_down else button.on_up(at_s)
        if not is_down:
            self._end_overdue(at_s)
        return [*found, (name, gesture)] if gesture is not None else found

    @property
    def due_s(self) -> float | None:
        """When `advance` has a hold to report, if no button moves before; None when none is to come."""
        return min((due_s for due_s, _ in self._holds()), default=None)

    def advance(self, now_s: float) -> list[tuple[Control, Gesture]]:
        """It is `now_s`: the holds that are due by now, each reported once."""
        self._now_s = max(now_s, self._now_s)
        found: list[tuple[Control, Gesture]] = []
        for due_s, names in self._holds():
            if due_s <= self._now_s:
                for name in names:
                    self._buttons[name].end_gesture()
                control = names[0] if len(names) == 1 else _PAIRS.get(frozenset(names))
                found += [(control, "hold")] if control is not None else []
        return found

    def _holds(self) -> list[tuple[float, list[ButtonName]]]:
        """The buttons that are held, those together that went down together, and when each group becomes a hold."""
        down = ((button.down_s, name) for name, button in self._buttons.items() if button.hold_due_s is not None)
        groups: list[tuple[float, list[ButtonName]]] = []
        for down_s, name in sorted(down):
            together: list[ButtonName] = []
            if groups and down_s - groups[-1][0] <= self._timings.together_s:
                together = groups.pop()[1]
            groups.append((down_s, [*together, name]))
        return [(down_s + self._timings.hold_s, names) for down_s, names in groups]

    def _end_overdue(self, now_s: float) -> None:
        """Of two buttons held together, one came up when the other alone would have been a hold already. Which of the
        two was intended is not known: it is neither.
        """
        for button in self._buttons.values():
            if button.hold_due_s is not None and button.hold_due_s <= now_s:
                button.end_gesture()

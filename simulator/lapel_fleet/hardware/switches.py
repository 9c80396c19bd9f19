"""The buttons of a camera, as switches that the outside world presses, holds and gets stuck."""

from collections.abc import AsyncIterator, Callable, Sequence

from lapel.clock import Clock
from lapel.gestures import HOLD_S
from lapel.hardware.interfaces import ButtonName, Edge
from lapel.light_event import Broadcast

HELD_S = HOLD_S + 0.5
"""How long a wearer holds a button. A release at the very moment at which a hold begins to count would be decided by
chance in real time.
"""

_PRESS_S = 0.1
"""How long a button is down in a short press, and up between two."""


class SimulatedSwitches:
    """Implements `lapel.hardware.interfaces.Switches`. The outside world calls all but the first two methods."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._down: list[ButtonName] = []
        self._stuck: frozenset[ButtonName] = frozenset()
        self._edges = Broadcast[Edge]()
        self._moved_s = -float("inf")
        """When a button moved last."""
        self.history: list[str] = []
        """What was done to the buttons, in order."""
        self.watchers: list[Callable[[Edge], object]] = []
        """Called for each edge, before it is delivered to the firmware."""

    def down(self) -> Sequence[ButtonName]:
        """See `Switches.down`."""
        return tuple(self._down)

    def edges(self) -> AsyncIterator[Edge]:
        """See `Switches.edges`."""
        return self._edges.items()

    @property
    def are_read(self) -> bool:
        """Whether the firmware reads the buttons. While it starts it does not yet."""
        return self._edges.has_readers

    # -- the outside world ---------------------------------------------------------------------------------------------

    def press(self, button: ButtonName, times: int = 1) -> None:
        """Press and release a button, several times. A stuck button does not move. It has just been done: the edges
        come at once, with times that are past.
        """
        self.history.append(f"press {button}" + (f" {times} times" if times > 1 else ""))
        began_s = self._clock.mono_s() - 2 * _PRESS_S * times
        for number in range(times):
            self._press(button, max(self._moved_s, began_s + (2 * number + 1) * _PRESS_S))
            self._release(button, max(self._moved_s, began_s + (2 * number + 2) * _PRESS_S))

    async def hold(self, button: ButtonName, seconds: float) -> None:
        """Press a button and release it after `seconds`."""
        self.history.append(f"hold {button} for {seconds:g} s")
        self._press(button)
        await self._clock.sleep(seconds)
        self._release(button)

    def stick(self, button: ButtonName) -> None:
        """Press a button and keep it down until `free`."""
        self.history.append(f"{button} sticks")
        self._press(button)
        self._stuck |= {button}

    def free(self, button: ButtonName) -> None:
        """Release a stuck button."""
        self.history.append(f"{button} is freed")
        self._stuck -= {button}
        self._release(button)

    def _press(self, button: ButtonName, at_s: float | None = None) -> None:
        if button not in self._down:
            self._down.append(button)
            self._deliver(button, at_s, is_down=True)

    def _release(self, button: ButtonName, at_s: float | None = None) -> None:
        if button in self._down and button not in self._stuck:
            self._down.remove(button)
            self._deliver(button, at_s, is_down=False)

    def _deliver(self, button: ButtonName, at_s: float | None, *, is_down: bool) -> None:
        self._moved_s = self._clock.mono_s() if at_s is None else at_s
        edge = Edge(button, is_down, self._moved_s)
        for watcher in self.watchers:
            watcher(edge)
        self._edges.put(edge)

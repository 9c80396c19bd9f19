"""Buttons that somebody presses, holds, or finds stuck."""

from collections.abc import AsyncIterator, Callable, Sequence

from lapel.clock import Clock
from lapel.gestures import HOLD_S
from lapel.hardware.interfaces import ButtonName, Edge
from lapel.light_event import Inbox

HELD_S = HOLD_S + 0.5
"""So long somebody holds a button who means it. Nobody lets go at the very moment at which it begins to count; where
time is real, that would be a toss-up.
"""


class SimulatedButtons:
    """Implements `lapel.hardware.interfaces.Switches`. The outside world calls all but the first two methods."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._down: list[ButtonName] = []
        self._stuck: set[ButtonName] = set()
        self._readers: list[Inbox[Edge]] = []
        self.history: list[str] = []
        """What was done to them, in order."""
        self.watchers: list[Callable[[Edge], object]] = []
        """Who is told when one moves, before those who read them are."""

    def down(self) -> Sequence[ButtonName]:
        """See `Switches.down`."""
        return tuple(self._down)

    async def edges(self) -> AsyncIterator[Edge]:
        """See `Switches.edges`."""
        edges = Inbox[Edge]()
        self._readers.append(edges)
        try:
            while True:
                yield await edges.get()
        finally:
            self._readers.remove(edges)

    @property
    def are_read(self) -> bool:
        """Whether the firmware looks at them; while it starts it does not yet."""
        return bool(self._readers)

    # -- the outside world ---------------------------------------------------------------------------------------------

    def press(self, button: ButtonName, times: int = 1) -> None:
        """Down and up, so many times, as quickly as can be. A stuck button does not move."""
        self.history.append(f"press {button}" + (f" {times} times" if times > 1 else ""))
        for _ in range(times):
            self._push(button)
            self._let_go(button)

    async def hold(self, button: ButtonName, seconds: float) -> None:
        """Down for so long, then up."""
        self.history.append(f"hold {button} for {seconds:g} s")
        self._push(button)
        await self._clock.sleep(seconds)
        self._let_go(button)

    def stick(self, button: ButtonName) -> None:
        """It goes down and stays there."""
        self.history.append(f"{button} sticks")
        self._push(button)
        self._stuck.add(button)

    def free(self, button: ButtonName) -> None:
        """Somebody cleans its rim."""
        self.history.append(f"{button} is freed")
        self._stuck.discard(button)
        self._let_go(button)

    def _push(self, button: ButtonName) -> None:
        if button not in self._down:
            self._down.append(button)
            self._tell(Edge(button, is_down=True))

    def _let_go(self, button: ButtonName) -> None:
        if button in self._down and button not in self._stuck:
            self._down.remove(button)
            self._tell(Edge(button, is_down=False))

    def _tell(self, edge: Edge) -> None:
        for watcher in self.watchers:
            watcher(edge)
        for reader in self._readers:
            reader.put(edge)

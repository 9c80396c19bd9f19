"""The buttons of a camera on pins: raw edges. What they mean is decided by `lapel.gestures`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from lapel.clock import Clock
from lapel.hardware.interfaces import ButtonName, Edge
from lapel.hardware.pi.pins import ContactPin, PinFactory
from lapel.light_event import Inbox


class PiSwitches:
    """Implements `lapel.hardware.interfaces.Switches`. A button connects its pin to ground."""

    def __init__(self, factory: PinFactory, pins: Mapping[ButtonName, int], clock: Clock) -> None:
        self._readers: list[Inbox[Edge]] = []
        self._pins = {
            name: ContactPin(factory, number, clock, partial(self._on_change, name)) for name, number in pins.items()
        }

    def down(self) -> Sequence[ButtonName]:
        """See `Switches.down`."""
        return tuple(name for name, pin in self._pins.items() if pin.is_closed)

    async def edges(self) -> AsyncIterator[Edge]:
        """See `Switches.edges`."""
        edges = Inbox[Edge]()
        self._readers.append(edges)
        for pin in self._pins.values():
            pin.listen()
        try:
            while True:
                yield await edges.get()
        finally:
            self._readers.remove(edges)

    def close(self) -> None:
        """Release the pins."""
        for pin in self._pins.values():
            pin.close()

    def _on_change(self, name: ButtonName, is_down: bool, at_s: float) -> None:
        for reader in self._readers:
            reader.put(Edge(name, is_down, at_s))

"""The buttons of a camera on pins: raw edges. What they mean is decided by `lapel.gestures`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from lapel.clock import Clock
from lapel.hardware.interfaces import ButtonName, Edge
from lapel.hardware.pi.pins import ContactPin, PinFactory
from lapel.light_event import Broadcast


class PiSwitches:
    """Implements `lapel.hardware.interfaces.Switches`. A button connects its pin to ground."""

    def __init__(self, factory: PinFactory, pins: Mapping[ButtonName, int], clock: Clock) -> None:
        self._edges = Broadcast[Edge]()
        self._pins = {
            name: ContactPin(factory, number, clock, partial(self._on_change, name)) for name, number in pins.items()
        }

    def down(self) -> Sequence[ButtonName]:
        """See `Switches.down`."""
        return tuple(name for name, pin in self._pins.items() if pin.is_closed)

    def edges(self) -> AsyncIterator[Edge]:
        """See `Switches.edges`."""
        for pin in self._pins.values():
            pin.listen()
        return self._edges.items()

    def close(self) -> None:
        """Release the pins."""
        for pin in self._pins.values():
            pin.close()

    def _on_change(self, name: ButtonName, is_down: bool, at_s: float) -> None:
        self._edges.put(Edge(name, is_down, at_s))

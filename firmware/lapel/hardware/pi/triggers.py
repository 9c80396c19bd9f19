"""Trigger inputs on pins: a holster or a light bar closes a contact to ground."""

from collections.abc import AsyncIterator, Mapping
from functools import partial

from lapel.clock import Clock
from lapel.hardware.interfaces import TriggerEdge
from lapel.hardware.pi.pins import ContactPin, PinFactory
from lapel.light_event import Broadcast
from lapel.policy.profile import TriggerSource


class PiTriggers:
    """Implements `lapel.hardware.interfaces.Triggers`."""

    def __init__(self, factory: PinFactory, pins: Mapping[TriggerSource, int], clock: Clock) -> None:
        """`pins` by what is connected to each."""
        self._edges = Broadcast[TriggerEdge]()
        self._pins = [
            ContactPin(factory, number, clock, partial(self._on_change, source)) for source, number in pins.items()
        ]

    def edges(self) -> AsyncIterator[TriggerEdge]:
        """See `Triggers.edges`."""
        for pin in self._pins:
            pin.listen()
        return self._edges.items()

    def close(self) -> None:
        """Release the pins."""
        for pin in self._pins:
            pin.close()

    def _on_change(self, source: TriggerSource, is_closed: bool, at_s: float) -> None:
        self._edges.put(TriggerEdge(source, is_closed, at_s))

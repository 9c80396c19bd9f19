"""Trigger inputs on pins: a holster or a light bar closes a contact to ground."""

from collections.abc import AsyncIterator, Mapping
from functools import partial

from lapel.clock import Clock
from lapel.hardware.pi.pins import ContactPin, PinFactory
from lapel.light_event import Inbox


class PiTriggers:
    """Implements `lapel.hardware.interfaces.Triggers`."""

    def __init__(self, factory: PinFactory, pins: Mapping[str, int], clock: Clock) -> None:
        """`pins` by the name of what is connected to each."""
        self._readers: list[Inbox[str]] = []
        self._pins = [
            ContactPin(factory, number, clock, partial(self._on_change, name)) for name, number in pins.items()
        ]

    async def fired(self) -> AsyncIterator[str]:
        """See `Triggers.fired`."""
        fired = Inbox[str]()
        self._readers.append(fired)
        for pin in self._pins:
            pin.listen()
        try:
            while True:
                yield await fired.get()
        finally:
            self._readers.remove(fired)

    def close(self) -> None:
        """Release the pins."""
        for pin in self._pins:
            pin.close()

    def _on_change(self, name: str, is_closed: bool, at_s: float) -> None:  # noqa: ARG002
        if is_closed:
            for reader in self._readers:
                reader.put(name)

"""The dock's contact on a pin: closed to ground while the camera is in it."""

from lapel.clock import Clock
from lapel.hardware.pi.pins import ContactPin, PinFactory
from lapel.light_event import LightEvent


class PiDock:
    """Implements `lapel.hardware.interfaces.Dock`."""

    def __init__(self, factory: PinFactory, pin: int, clock: Clock) -> None:
        self._changed = LightEvent()
        self._pin = ContactPin(factory, pin, clock, lambda is_docked, at_s: self._changed.pulse())  # noqa: ARG005

    def is_docked(self) -> bool:
        """See `Dock.is_docked`."""
        return self._pin.is_closed

    async def changed(self) -> None:
        """See `Dock.changed`."""
        self._pin.listen()
        await self._changed.wait()

    def close(self) -> None:
        """Release the pin."""
        self._pin.close()

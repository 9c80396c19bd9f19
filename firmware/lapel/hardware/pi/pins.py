"""Input pins by gpiozero on lgpio: debounced by the kernel, with the kernel's time stamps."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from lapel.clock import Clock

BOUNCE_S = 0.01
"""Contacts of a push button bounce for a few milliseconds."""
_LATE_S = 10.0
"""A time stamp older than this is on another clock than ours."""


class Pin(Protocol):
    """A gpiozero pin, as far as it is used here."""

    function: str
    pull: str
    bounce: float | None
    edges: str
    state: float
    when_changed: Callable[[float, float], None] | None

    def close(self) -> None:
        """Release the pin."""


class PinFactory(Protocol):
    """Makes pins: gpiozero's on lgpio, or its mock factory."""

    def pin(self, name: int) -> Pin:
        """The pin with that BCM number. Raises gpiozero's errors when there is none, or it is in use."""


class ContactPin:
    """A contact between a pin and ground: closed pulls it low."""

    def __init__(
        self, factory: PinFactory, number: int, clock: Clock, on_change: Callable[[bool, float], None]
    ) -> None:
        """`on_change(is_closed, at_s)` is called on the event loop that runs when the contact first changes; before
        `listen` it is not called.
        """
        self._pin = factory.pin(number)
        self._pin.function, self._pin.pull = "input", "up"
        self._pin.bounce, self._pin.edges = BOUNCE_S, "both"
        self._clock, self._on_change = clock, on_change
        self._was_closed = self.is_closed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pin.when_changed = self._changed

    @property
    def is_closed(self) -> bool:
        """Whether it is closed right now."""
        return not self._pin.state

    def listen(self) -> None:
        """Report changes to the running event loop from now on."""
        self._loop = asyncio.get_running_loop()
        self._was_closed = self.is_closed

    def close(self) -> None:
        """Release the pin."""
        self._pin.when_changed = None
        self._pin.close()

    def _changed(self, at_s: float, state: float) -> None:
        """In gpiozero's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._report, not state, at_s)

    def _report(self, is_closed: bool, at_s: float) -> None:
        if is_closed is self._was_closed:
            return  # the edge between the two was lost
        self._was_closed = is_closed
        self._on_change(is_closed, likely_time(at_s, self._clock.mono_s()))


def likely_time(at_s: float, now_s: float) -> float:
    """The time stamp of an edge where it can be on our clock; else now."""
    return at_s if 0 <= now_s - at_s <= _LATE_S else now_s

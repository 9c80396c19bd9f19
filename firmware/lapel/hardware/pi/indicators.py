"""Lights, buzzer and vibration motor on pins, as patterns in time. Lines of text go to the indicators behind it."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import cycle

from lapel.clock import Clock
from lapel.hardware.interfaces import Indicators, Signal
from lapel.hardware.pi.pins import Pin, PinFactory
from lapel.indications import LIGHTS, Light
from lapel.states import State

BLINK_S = 0.5
_IDENTIFY_BLINK_S = 0.1
SIGNALS: Mapping[Signal, tuple[int, float]] = {
    "recording": (2, 0.15),
    "refused": (3, 0.15),
    "low battery": (1, 0.6),
    "critical battery": (5, 0.3),
    "live view": (1, 0.15),
}
"""How many tones and vibrations, and the length of each and of the pause behind it in seconds. The numbers of the first
two are those of vendors' manuals, the others our choice.
"""


class OutputPin:
    """A pin that switches a light, a buzzer or a motor, and the pattern that it plays."""

    def __init__(self, factory: PinFactory, number: int, clock: Clock) -> None:
        self._pin: Pin = factory.pin(number)
        self._pin.function = "output"
        self._clock = clock
        self._playing: asyncio.Task[None] | None = None
        self.set(False)

    def set(self, is_on: bool) -> None:
        """Switch it, and end its pattern."""
        self._stop()
        self._pin.state = float(is_on)

    def blink(self, on_s: float, off_s: float, times: int | None = None) -> None:
        """Switch it on and off, `times` or until something else is asked of it. Needs a running event loop."""
        self._stop()
        self._playing = asyncio.create_task(self._blink(on_s, off_s, times), name="light")

    def close(self) -> None:
        """Switch it off and release the pin."""
        self.set(False)
        self._pin.close()

    def _stop(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None

    async def _blink(self, on_s: float, off_s: float, times: int | None) -> None:
        steps: Sequence[tuple[float, float]] = [(1.0, on_s), (0.0, off_s)]
        for number, (state, seconds) in enumerate(cycle(steps)):
            if times is not None and number >= 2 * times:
                return
            self._pin.state = state
            await self._clock.sleep(seconds)


class PiIndicators:
    """Implements `lapel.hardware.interfaces.Indicators`. Each output is optional."""

    def __init__(
        self,
        lines: Indicators,
        *,
        red: OutputPin | None = None,
        green: OutputPin | None = None,
        buzzer: OutputPin | None = None,
        vibration: OutputPin | None = None,
        clock: Clock,
    ) -> None:
        """`lines` shows the lines of text, and is given everything else, too."""
        self._lines, self._clock = lines, clock
        self._lights: Mapping[str, OutputPin | None] = {"red": red, "green": green}
        self._noises = [pin for pin in (buzzer, vibration) if pin is not None]
        self._light: Light = "dark"
        self._identifying: asyncio.Task[None] | None = None

    def show_line(self, line: str) -> None:
        """See `Indicators.show_line`."""
        self._lines.show_line(line)

    def show_state(self, state: State) -> None:
        """See `Indicators.show_state`."""
        self._lines.show_state(state)
        self._light = LIGHTS[state]
        if self._identifying is None:
            self._show_light()

    def signal(self, signal: Signal) -> None:
        """See `Indicators.signal`."""
        self._lines.signal(signal)
        times, seconds = SIGNALS[signal]
        for pin in self._noises:
            pin.blink(seconds, seconds, times)

    def identify(self, seconds: float) -> None:
        """See `Indicators.identify`."""
        self._lines.identify(seconds)
        if self._identifying is not None:
            self._identifying.cancel()
        self._identifying = asyncio.create_task(self._identify(seconds), name="identify")

    def close(self) -> None:
        """Switch everything off and release the pins."""
        if self._identifying is not None:
            self._identifying.cancel()
        for pin in (*self._lights.values(), *self._noises):
            if pin is not None:
                pin.close()

    async def _identify(self, seconds: float) -> None:
        for pin in (*self._lights.values(), *self._noises):
            if pin is not None:
                pin.blink(_IDENTIFY_BLINK_S, _IDENTIFY_BLINK_S)
        await self._clock.sleep(seconds)
        for pin in self._noises:
            pin.set(False)
        self._identifying = None
        self._show_light()

    def _show_light(self) -> None:
        how, _, colour = self._light.partition(" ")
        for name, pin in self._lights.items():
            if pin is None:
                continue
            if name == colour and how == "blinking":
                pin.blink(BLINK_S, BLINK_S)
            else:
                pin.set(name == colour)

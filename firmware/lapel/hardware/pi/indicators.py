"""Lights, buzzer and vibration motor on pins, as patterns in time. Lines of text go to the indicators behind it."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import cycle

from lapel.clock import Clock
from lapel.hardware.interfaces import Indicators
from lapel.hardware.pi.pins import Pin, PinFactory
from lapel.indications import Colour, Light, Pattern, Signal
from lapel.states import State

BLINK_S, FLASH_S = 0.5, 0.125
_IDENTIFY_BLINK_S = 0.1
_PAUSE_S = 0.5
"""Between two signals, so that the wearer can count each."""
_WAITING_MAX = 4
"""Signals that wait while another one is given; any more would come too late to mean anything."""
_STANDS_IN: Mapping[str, str] = {"blue": "red"}
"""A muted recording must be visible where there is no blue light. Nothing stands in for green: red would be a lie."""


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
        blue: OutputPin | None = None,
        buzzer: OutputPin | None = None,
        vibration: OutputPin | None = None,
        clock: Clock,
    ) -> None:
        """`lines` shows the lines of text, and is given everything else, too."""
        self._lines, self._clock = lines, clock
        lights: Mapping[Colour, OutputPin | None] = {"red": red, "green": green, "blue": blue}
        self._lights = {colour: pin for colour, pin in lights.items() if pin is not None}
        self._buzzer, self._vibration = buzzer, vibration
        self._light: Light = "dark"
        self._waiting: list[Pattern] = []
        self._signalling: asyncio.Task[None] | None = None
        self._identifying: asyncio.Task[None] | None = None

    def show_line(self, line: str) -> None:
        """See `Indicators.show_line`."""
        self._lines.show_line(line)

    def show_state(self, state: State) -> None:
        """See `Indicators.show_state`."""
        self._lines.show_state(state)

    def show_light(self, light: Light) -> None:
        """See `Indicators.show_light`."""
        self._lines.show_light(light)
        self._light = light
        if self._identifying is None:
            self._switch_lights()

    def signal(self, signal: Signal, pattern: Pattern) -> None:
        """See `Indicators.signal`."""
        self._lines.signal(signal, pattern)
        if len(self._waiting) < _WAITING_MAX and self._noises:
            self._waiting.append(pattern)
            if self._signalling is None:
                self._signalling = asyncio.create_task(self._give_signals(), name="signals")

    def identify(self, seconds: float) -> None:
        """See `Indicators.identify`."""
        self._lines.identify(seconds)
        if self._identifying is not None:
            self._identifying.cancel()
        self._identifying = asyncio.create_task(self._identify(seconds), name="identify")

    def silence(self) -> None:
        """See `Indicators.silence`."""
        self._lines.silence()
        self._end_noises()
        self._switch_lights()

    def close(self) -> None:
        """Switch everything off and release the pins."""
        self._end_noises()
        for pin in (*self._lights.values(), *self._noises):
            pin.close()

    def _end_noises(self) -> None:
        for task in (self._identifying, self._signalling):
            if task is not None:
                task.cancel()
        self._identifying = self._signalling = None
        self._waiting.clear()
        for pin in self._noises:
            pin.set(False)

    @property
    def _noises(self) -> list[OutputPin]:
        return [pin for pin in (self._buzzer, self._vibration) if pin is not None]

    async def _give_signals(self) -> None:
        """One after the other."""
        while self._waiting:
            pattern = self._waiting.pop(0)
            counted = ((self._buzzer, pattern.tones), (self._vibration, pattern.vibrations))
            for pin, times in counted:
                if pin is not None:
                    pin.blink(pattern.each_s, pattern.each_s, times)
            await self._clock.sleep(2 * pattern.each_s * max(pattern.tones, pattern.vibrations) + _PAUSE_S)
        self._signalling = None

    async def _identify(self, seconds: float) -> None:
        for pin in (*self._lights.values(), *self._noises):
            pin.blink(_IDENTIFY_BLINK_S, _IDENTIFY_BLINK_S)
        await self._clock.sleep(seconds)
        for pin in self._noises:
            pin.set(False)
        self._identifying = None
        self._switch_lights()

    def _switch_lights(self) -> None:
        how, _, colour = self._light.partition(" ")
        if colour not in self._lights:
            colour = _STANDS_IN.get(colour, colour)
        for name, pin in self._lights.items():
            if name == colour and how in ("blinking", "flashing"):
                half_s = BLINK_S if how == "blinking" else FLASH_S
                pin.blink(half_s, half_s)
            else:
                pin.set(name == colour)

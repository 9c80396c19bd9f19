"""Lights, tones and status lines that keep a history of what they showed."""

from collections.abc import Callable

from lapel.hardware.interfaces import Signal
from lapel.indications import LIGHTS, Light
from lapel.states import State


class SimulatedIndicators:
    """Implements `lapel.hardware.interfaces.Indicators`."""

    def __init__(self) -> None:
        self.history: list[str] = []
        """Each line, light and signal, in order."""
        self.light: Light = LIGHTS[State.OFF]
        """The light that is on right now."""
        self.watchers: list[Callable[[State], None]] = []
        """Called with each state that is shown: simulated devices that depend on what the camera does."""

    def show_line(self, line: str) -> None:
        """See `Indicators.show_line`."""
        self.history.append(line)

    def show_state(self, state: State) -> None:
        """See `Indicators.show_state`."""
        self.light = LIGHTS[state]
        self.history.append(f"shows {self.light}")
        for watcher in self.watchers:
            watcher(state)

    def signal(self, signal: Signal) -> None:
        """See `Indicators.signal`."""
        self.history.append(f"signals {signal}")

    def identify(self, seconds: float) -> None:
        """See `Indicators.identify`."""
        self.history.append(f"blinks and beeps for {seconds:g} s")

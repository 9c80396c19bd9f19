"""Lights and tones that remember what they showed, and let the world around the camera see it."""

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
        """What is lit right now."""
        self.watchers: list[Callable[[State], None]] = []
        """Who is told each state that is shown: parts of the simulated world that hang on what the camera does."""

    def show_line(self, line: str) -> None:
        """Remember it."""
        self.history.append(line)

    def show_state(self, state: State) -> None:
        """Light up, and tell the watchers."""
        self.light = LIGHTS[state]
        self.history.append(f"shows {self.light}")
        for watcher in self.watchers:
            watcher(state)

    def signal(self, signal: Signal) -> None:
        """Remember it."""
        self.history.append(f"signals {signal}")

    def identify(self, seconds: float) -> None:
        """Remember that too."""
        self.history.append(f"blinks and beeps for {seconds:g} s")

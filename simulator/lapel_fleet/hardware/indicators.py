"""Lights, tones and status lines that keep a history of what they showed."""

from collections.abc import Callable

from lapel.indications import Light, Pattern, Signal
from lapel.states import State


class SimulatedIndicators:
    """Implements `lapel.hardware.interfaces.Indicators`."""

    def __init__(self) -> None:
        self.history: list[str] = []
        """Each line, light and signal, in order."""
        self.light: Light = "dark"
        """The light that is on right now."""
        self.watchers: list[Callable[[State], None]] = []
        """Called with each state that is shown: simulated devices that depend on what the camera does."""
        self.light_watchers: list[Callable[[Light], None]] = []
        """Called with each light that is shown."""

    def show_line(self, line: str) -> None:
        """See `Indicators.show_line`."""
        self.history.append(line)

    def show_state(self, state: State) -> None:
        """See `Indicators.show_state`."""
        for watcher in self.watchers:
            watcher(state)

    def show_light(self, light: Light) -> None:
        """See `Indicators.show_light`."""
        self.light = light
        self.history.append(f"shows {light}")
        for watcher in self.light_watchers:
            watcher(light)

    def lose_power(self) -> None:
        """Everything goes dark, whatever the firmware has last asked for."""
        self.show_state(State.OFF)
        self.show_light("dark")

    def signal(self, signal: Signal, pattern: Pattern) -> None:  # noqa: ARG002
        """See `Indicators.signal`."""
        self.history.append(f"signals {signal}")

    def identify(self, seconds: float) -> None:
        """See `Indicators.identify`."""
        self.history.append(f"blinks and beeps for {seconds:g} s")

    def silence(self) -> None:
        """See `Indicators.silence`."""
        self.history.append("is silent")

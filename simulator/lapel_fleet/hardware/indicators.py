"""Lights and tones that remember what they showed."""


class SimulatedIndicators:
    """Implements `lapel.hardware.interfaces.Indicators`."""

    def __init__(self) -> None:
        self.history: list[str] = []
        """Each line, in order."""

    def say(self, line: str) -> None:
        """Remember it."""
        self.history.append(line)

    def identify(self, seconds: float) -> None:
        """Remember that too."""
        self.history.append(f"blinks and beeps for {seconds:g} s")

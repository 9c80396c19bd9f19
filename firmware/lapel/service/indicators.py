"""A service's indicators: states go to the service manager, lines to the journal."""

from lapel.hardware.interfaces import Indicators
from lapel.indications import Light, Pattern, Signal
from lapel.sanitize import plain
from lapel.service.journal import Journal
from lapel.service.notify import ServiceManager
from lapel.states import State

_NOT_READY = (State.OFF, State.BOOTING)


class ServiceIndicators:
    """Implements `lapel.hardware.interfaces.Indicators`. What the journal does not take is printed by `lines`."""

    def __init__(self, manager: ServiceManager, journal: Journal | None, lines: Indicators) -> None:
        self._manager, self._journal, self._lines = manager, journal, lines
        self._state = State.OFF

    def show_line(self, line: str) -> None:
        """Write it to the journal."""
        if self._journal is None or not self._journal.write(plain(line), LAPEL_STATE=self._state.value):
            self._lines.show_line(line)

    def show_state(self, state: State) -> None:
        """Report it to the service manager; the first one after booting means that the camera is ready."""
        ready = {"READY": "1"} if state not in _NOT_READY else {}
        self._state = state
        self._manager.notify(**ready, STATUS=state.value)
        self._lines.show_state(state)

    def show_light(self, light: Light) -> None:
        """As `lines` does."""
        self._lines.show_light(light)

    def signal(self, signal: Signal, pattern: Pattern) -> None:
        """As `lines` does."""
        self._lines.signal(signal, pattern)

    def identify(self, seconds: float) -> None:
        """As `lines` does."""
        self._lines.identify(seconds)

    def silence(self) -> None:
        """As `lines` does."""
        self._lines.silence()

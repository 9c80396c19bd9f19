"""The page's control of a simulated run: what is done by hand to its cameras. The run itself is passed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from lapel.clock import Clock
from lapel.errors import LapelError

HandAction = Literal["press", "press-twice", "hold", "press-power", "swap-battery"]
HAND_ACTIONS: Mapping[HandAction, str] = {
    "press": "press the event button",
    "press-twice": "press it twice: start",
    "hold": "hold it for 3 s: stop",
    "press-power": "press the power button",
    "swap-battery": "replace the battery",
}
"""What a hand can do to a camera, in the words of a button."""
_POLL_S = 2.0


@dataclass(frozen=True, slots=True)
class RunFault:
    """A fault that was injected by hand and is active."""

    number: int
    kind: str
    where: Sequence[str]
    """Sites and cameras; empty: everywhere."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Where a run stands."""

    run: str
    scenario: str
    now_s: float
    """The cameras' time."""
    counts: Mapping[str, int]
    """Cameras by their true state."""
    faults: Sequence[RunFault]

    def faults_of(self, camera: str) -> list[RunFault]:
        """The faults that may affect a camera."""
        site = camera.partition("/")[0]
        return [one for one in self.faults if not one.where or camera in one.where or site in one.where]


class RunControl(Protocol):
    """A running simulation. Each method raises LapelError for what is impossible, or when the run is gone."""

    @property
    def fault_kinds(self) -> Mapping[str, str]:
        """The kinds of faults that can be injected into a camera, each with its meaning."""

    async def progress(self) -> RunProgress:
        """Where the run stands."""

    async def act(self, camera: str, action: HandAction, by: str) -> None:
        """Do something to a camera. `by`: who does it, for the run's trace."""

    async def begin_fault(self, camera: str, kind: str, by: str) -> None:
        """Inject a fault into a camera, until it is ended."""

    async def end_fault(self, number: int, by: str) -> None:
        """End a fault."""


class RunWatch:
    """Asks a run again and again where it stands."""

    def __init__(self, control: RunControl, clock: Clock) -> None:
        self.control, self._clock = control, clock
        self.progress: RunProgress | None = None
        """As it was reported last; None before that."""
        self.error = ""
        """Why the run does not answer; empty while it does."""
        self.answers = 0
        """Counts the answers, so that pages notice them."""

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.ask()
            await self._clock.sleep(_POLL_S)

    async def ask(self) -> None:
        """Ask now."""
        try:
            self.progress, self.error = await self.control.progress(), ""
        except LapelError as error:
            self.error = str(error)
        self.answers += 1

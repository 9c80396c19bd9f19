"""What is known of a run when it is judged: what was done to each camera, what it holds, and what was heard of it.

Checkers read this and nothing else. The truth comes from the simulator; what was heard can come from any back end.
"""

from dataclasses import dataclass, field
from typing import Protocol

from lapel.link.messages import EventMessage, Reply, StateMessage
from lapel.recording import Account


@dataclass(frozen=True, slots=True)
class Activation:
    """Somebody wanted a recording to begin: when, on both of the camera's time lines, and by which command, if any."""

    at_s: float
    utc: str
    command: str = ""


@dataclass(slots=True)
class Truth:
    """One camera as it really was."""

    camera: str
    """`site/name`."""
    activations: list[Activation] = field(default_factory=list)
    power_cuts: int = 0
    clock_steps: int = 0
    card_faults: int = 0
    commands: list[str] = field(default_factory=list)
    """Ids of the commands that must be answered."""
    expired: list[str] = field(default_factory=list)
    """Those among them that came too late to be carried out."""
    accounts: list[Account] = field(default_factory=list)
    state: str = "off"
    session: str = ""
    """At the end."""


@dataclass(slots=True)
class Heard:
    """What a back end has of one camera."""

    events: list[EventMessage] = field(default_factory=list)
    """In the order of their coming; repeats and all."""
    replies: list[Reply] = field(default_factory=list)
    states: list[StateMessage] = field(default_factory=list)

    @property
    def state(self) -> StateMessage | None:
        """The newest."""
        return self.states[-1] if self.states else None

    def so_far(self) -> "Heard":
        """A copy to which nothing is added any more."""
        return Heard(list(self.events), list(self.replies), list(self.states))


class BackEndProbe(Protocol):
    """A back end that is to be judged against the truth. Cameras are named `site/name`."""

    def state(self, camera: str) -> str:
        """What it believes the camera does: a state of the chart, or `offline`."""

    def events(self, camera: str) -> list[str]:
        """Ids of the camera's events as it keeps them, in its order."""

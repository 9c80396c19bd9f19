"""A story: what reaches a back end in one situation, in order, and what it must believe at which point.

Stories are made once per situation and seed (`stage.py`), then delivered to a back end (`subject.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lapel.link.messages import EventMessage
from lapel.link.transport import Envelope

Question = Literal["state", "session", "events", "recordings"]
QUESTIONS: tuple[Question, ...] = ("state", "session", "events", "recordings")
"""What a probe may be asked about a camera."""


@dataclass(frozen=True, slots=True)
class Publish:
    """A message reaches the back end's broker."""

    at_s: float
    """Seconds of the cameras' time since the situation began."""
    camera: str
    """`site/camera`."""
    envelope: Envelope
    note: str = ""
    """How its delivery differs from the ordinary; empty when it does not."""
    label: str = ""
    """What it is, in a few words."""


@dataclass(frozen=True, slots=True)
class StopBackEnd:
    """The back end is ended. The broker and the cameras go on."""

    at_s: float


@dataclass(frozen=True, slots=True)
class StartBackEnd:
    """The back end is started and subscribes again, which brings it the retained messages."""

    at_s: float
    empty: bool
    """Whether its database is empty, as in a new deployment."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true about one camera. A question that is None is not asked."""

    camera: str
    """`site/camera`."""
    state: str | None = None
    session: str | None = None
    events: tuple[EventMessage, ...] | None = None
    """In the order in which they happened; without those that a broker may have dropped meanwhile."""
    maybe_events: frozenset[str] = frozenset()
    """Ids of events that were published while the back end was away: it may have them or not."""
    recordings: tuple[str, ...] | None = None

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions with a true answer."""
        return tuple(one for one in QUESTIONS if getattr(self, one) is not None)


@dataclass(frozen=True, slots=True)
class Ask:
    """The back end is asked, once it has processed everything before."""

    at_s: float
    truths: tuple[Truth, ...]


Step = Publish | StopBackEnd | StartBackEnd | Ask


@dataclass(frozen=True, slots=True)
class Story:
    """The steps of one situation."""

    steps: tuple[Step, ...]
    state_topics: Mapping[str, str]
    """Topic of the retained state of each camera, by `site/camera`: cleared at the end."""

    @property
    def asked(self) -> set[Question]:
        """The questions that it asks."""
        asks = [step for step in self.steps if isinstance(step, Ask)]
        return {question for ask in asks for truth in ask.truths for question in truth.asked}

    @property
    def restarts(self) -> bool:
        """Whether the back end must be stopped and started."""
        return any(isinstance(step, StopBackEnd) for step in self.steps)

"""What is known of a run when it is judged: what was done to each camera, what it holds, and what was heard of it.

Checkers read this and nothing else. The truth comes from the simulator; what was heard can come from any back end.
Times that end in `_s` are monotonic seconds on one line, the run's own, for the truth and for what was heard.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Protocol

import msgspec

from lapel.link.messages import EventMessage, Reply, StateMessage, Telemetry
from lapel.recording import Account

NEWS_S = 10.0
LIVE_PRECISION_S = 0.25
"""`ActualRecord.precision_s` at the speed of real time: what a busy machine may need to deliver a press."""
Message = StateMessage | EventMessage | Reply | Telemetry


@dataclass(frozen=True, slots=True)
class Activation:
    """Somebody wanted a recording to begin: when, on both of the camera's time lines, and by which command, if any."""

    at_s: float
    utc: str
    command: str = ""


class Resource(msgspec.Struct, frozen=True, gc=False):
    """How much of something was left at a moment: percent of a battery's charge, free bytes of a card."""

    at_s: float
    left: float
    refilling: bool = False
    """Whether it may have risen since the sample before: on a charger, swapped, offloaded."""


@dataclass(slots=True)
class ActualRecord:
    """One camera as it really was. What a simulator does not record stays empty, and its checkers say *skipped*."""

    camera: str
    """`site/name`."""
    activations: list[Activation] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    """When a recording was to end: the press or the command, and the configured post-event time after it."""
    markers: list[float] = field(default_factory=list)
    """When somebody wanted to mark a moment."""
    power_cuts: int = 0
    clock_steps: int = 0
    card_faults: int = 0
    came: dict[str, float] = field(default_factory=dict)
    """When each command reached it, by its id."""
    commands: list[str] = field(default_factory=list)
    """Ids of the commands that must be answered."""
    at_console: list[str] = field(default_factory=list)
    """Ids of those that somebody gave at the technician's console, which answers them itself."""
    expired: list[str] = field(default_factory=list)
    """Those among them that came too late to be carried out."""
    accounts: list[Account] = field(default_factory=list)
    """Every clip that it ever made, offloaded ones too."""
    states: list[tuple[float, str]] = field(default_factory=list)
    """What it did from when on, as its lights showed it: states of the chart; `off` after a power cut."""
    dark: list[tuple[float, float]] = field(default_factory=list)
    """From when to when its lens gave no pictures; the end is infinite while that goes on."""
    fps: float = 30.0
    """Pictures a second that its lens gives."""
    precision_s: float = 0.0
    """How far a time here may lie from the camera's own for one thing: where time is real, a press is felt later."""
    telemetry_s: float = 30.0
    """Seconds between two looks at battery and card."""
    battery: list[Resource] = field(default_factory=list)
    storage: list[Resource] = field(default_factory=list)
    state: str = "off"
    session: str = ""
    """At the end."""
    outages: list[tuple[float, float]] = field(default_factory=list)
    """From when to when the broker was away. It forgets every connection then, and the last will with it."""
    will_after_s: float = 45.0
    """Seconds after a connection went silent at which the broker publishes its last will: 1.5 keepalives."""
    unsent_events: list[EventMessage] = field(default_factory=list)
    """Of a camera that is off: the events on its flash that no broker acknowledged. Its next start sends them."""
    unsent_replies: list[Reply] = field(default_factory=list)
    """The same for replies."""

    @property
    def news_s(self) -> float:
        """How old news may be: a message is on its way no longer than its acknowledgement is awaited, in real time."""
        return max(NEWS_S, NEWS_S * self.precision_s / LIVE_PRECISION_S)

    def states_between(self, from_s: float, to_s: float) -> set[str]:
        """Every state that it was in at some moment from the one to the other, these included: in a moment there may be
        several.
        """
        since = bisect_left(self.states, from_s, key=itemgetter(0))
        until = bisect_right(self.states, to_s, key=itemgetter(0))
        before = "off" if since == 0 else self.states[since - 1][1]
        return {before, *(state for _, state in self.states[since:until])}

    def dark_s(self, from_s: float, to_s: float) -> float:
        """How long it had no pictures between the two."""
        return sum(max(0.0, min(end_s, to_s) - max(start_s, from_s)) for start_s, end_s in self.dark)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that was heard, and when."""

    at_s: float
    message: Message


@dataclass(slots=True)
class ReceivedRecord:
    """What a back end has of one camera."""

    events: list[EventMessage] = field(default_factory=list)
    """In the order of their coming; repeats and all."""
    replies: list[Reply] = field(default_factory=list)
    states: list[StateMessage] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    """All of these and telemetry, in the order of their coming, with their times. Empty where nobody had a clock."""
    telemetry_every_s: float = 0.0
    """Telemetry is kept no more often than this: 1,600 cameras say more of it in a shift than anybody needs."""
    keeps_time: bool = True
    """Without it there are no arrivals: nobody can tell when things came."""
    _telemetry_from_s: float = -math.inf

    def hear(self, at_s: float, leaf: str, payload: bytes) -> None:
        """A message came in at `at_s` on the camera's topic that ends in `leaf`. Raises msgspec.MsgspecError."""
        if leaf == "telemetry":
            self._hear_telemetry(at_s, payload)
        elif leaf in _KINDS:
            message = msgspec.json.decode(payload, type=_KINDS[leaf])
            if self.keeps_time:
                self.arrivals.append(Arrival(at_s, message))
            match message:
                case StateMessage():
                    self.states.append(message)
                case EventMessage():
                    self.events.append(message)
                case Reply():
                    self.replies.append(message)

    def _hear_telemetry(self, at_s: float, payload: bytes) -> None:
        if self.keeps_time and at_s >= self._telemetry_from_s:
            self._telemetry_from_s = at_s + self.telemetry_every_s
            self.arrivals.append(Arrival(at_s, msgspec.json.decode(payload, type=Telemetry)))

    @property
    def state(self) -> StateMessage | None:
        """The newest."""
        return self.states[-1] if self.states else None

    @property
    def telemetry(self) -> list[tuple[float, Telemetry]]:
        """With the time of its coming."""
        return [(one.at_s, one.message) for one in self.arrivals if isinstance(one.message, Telemetry)]

    def so_far(self) -> "ReceivedRecord":
        """A copy to which nothing is added any more."""
        return ReceivedRecord(list(self.events), list(self.replies), list(self.states), list(self.arrivals))


_KINDS: dict[str, type[StateMessage] | type[EventMessage] | type[Reply]] = {
    "state": StateMessage,
    "event": EventMessage,
    "reply": Reply,
}

Case = tuple[ActualRecord, ReceivedRecord]
Checker = Callable[[Case], Iterator[str | None]]
"""Yields once for each occasion: None when all is well, else what is wrong."""


class BackEndProbe(Protocol):
    """A back end that is to be judged against the truth. Cameras are named `site/name`.

    It may answer more: `session(camera) -> str`, the run of the firmware that it believes is live, and
    `recordings(camera) -> list[str]`, ids of the clips that it knows to be complete. Where it does not, the checkers
    that would ask say *skipped*.
    """

    def state(self, camera: str) -> str:
        """What it believes the camera does: a state of the chart, or `offline`."""

    def events(self, camera: str) -> list[str]:
        """Ids of the camera's events as it keeps them, in its order."""


def first_receipts(received: ReceivedRecord) -> list[EventMessage]:
    """Each event once, in the order of its first coming."""
    return _each_once(received.events)


def _each_once(events: Iterable[EventMessage]) -> list[EventMessage]:
    first: dict[str, EventMessage] = {}
    for event in events:
        first.setdefault(event.id, event)
    return list(first.values())


def events_of(case: Case) -> list[EventMessage]:
    """Every event that was received, or that waits on the flash of a camera that is off: each once, in order. What
    waits there is not lost, only late.
    """
    actual, received = case
    return _each_once([*received.events, *actual.unsent_events])


def replies_of(case: Case) -> list[Reply]:
    """The same for replies, repeats and all."""
    actual, received = case
    return [*received.replies, *(reply for reply in actual.unsent_replies if reply not in received.replies)]


def broker_can_know_that_it_is_off(case: Case) -> bool:
    """Whether the broker had a connection to the camera that is off, so that a goodbye or a last will could reach it.
    It had none where it was away when the camera went off, or before the last will was due, and the camera did not
    connect again afterwards.
    """
    actual, received = case
    if not actual.states or actual.states[-1][1] != "off":
        return True
    will_s = actual.states[-1][0] + actual.will_after_s
    last_s = max((one.at_s for one in received.arrivals), default=-math.inf)
    return not any(from_s <= will_s and last_s < to_s for from_s, to_s in actual.outages)


def number_of(event: EventMessage) -> int:
    """Which event of its session it is, from 1."""
    return int(event.id.rsplit("-", 1)[1])

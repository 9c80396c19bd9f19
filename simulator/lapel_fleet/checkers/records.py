"""The input of the checkers, for each camera: what really happened to it, and what a subscriber received from it.

Checkers read nothing else. The actual record comes from the simulator; the received record can come from any back end.
Times that end in `_s` are monotonic seconds of the run's own time line, in both records.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Protocol

import msgspec

from lapel.audit_entry import AuditEntry
from lapel.evidence.ledger import Ledger
from lapel.link.messages import EventMessage, Reply, StateMessage, Telemetry
from lapel.policy.profile import Declarable, Profile
from lapel.recording import Account
from lapel_fleet.checkers.uploads import Upload

MESSAGE_AGE_S = 10.0
LIVE_PRECISION_S = 0.25
"""`ActualRecord.precision_s` at the speed of real time: what a busy machine may need to deliver a press."""
Message = StateMessage | EventMessage | Reply | Telemetry


@dataclass(frozen=True, slots=True)
class Activation:
    """A request to start a recording: its time, monotonic and in the camera's UTC, and its command's id, if any."""

    at_s: float
    utc: str
    command: str = ""
    trigger: str = ""
    """The sensor that asked for it; empty where it was a person."""
    attests: bool = False
    """Whether it is the wearer's answer to the camera's question."""


@dataclass(frozen=True, slots=True)
class Declared:
    """Something was declared at the camera, for some time."""

    at_s: float
    what: Declarable
    by: str
    """`wearer` or `dispatcher`."""
    until_s: float


@dataclass(frozen=True, slots=True)
class Encounter:
    """Something that the wearer came upon."""

    number: int
    title: str
    declared: tuple[Declarable, ...]
    begins_s: float
    ends_s: float


class Resource(msgspec.Struct, frozen=True, gc=False):
    """How much was left at a moment: percent of a battery's charge, or free bytes of a storage card."""

    at_s: float
    left: float
    refilling: bool = False
    """Whether it may have risen since the sample before: on a charger, swapped, offloaded."""


class ManifestSummary(msgspec.Struct, frozen=True):
    """What the manifest of a clip holds."""

    recording: str
    problem: str
    """Where it is not as its camera wrote it; empty when it is."""
    ending: str
    """Kind of its last record: `close`, `recovered`, or empty without one."""
    described: int
    """Fragments that its records describe."""
    counted: int
    """Fragments by its last record."""
    with_sound: int = 0
    """Fragments that contain sound."""
    first_sound_s: float | None = None
    """Where the first of these ends, on the clip's own time line; None without any."""


class ClipContent(msgspec.Struct, frozen=True):
    """What a clip on the storage card holds, once it has ended."""

    size_bytes: int
    """Of its video."""
    close: str
    """SHA-256 of its manifest's last line."""
    md5: str = ""
    """Of its video, in hex; empty where it is not known."""
    is_encrypted: bool = False


class Deletion(msgspec.Struct, frozen=True):
    """A clip was deleted from the storage card."""

    at_s: float
    clip: str
    close: str
    """That of the clip, as it was on the card."""


@dataclass(slots=True)
class ActualRecord:
    """What really happened to one camera. A simulator leaves empty what it does not record, and the checkers that need
    it report *skipped*.
    """

    camera: str
    """`site/name`."""
    activations: list[Activation] = field(default_factory=list)
    policy: Profile | None = None
    """The profile in force; None where it is not known."""
    declared: list[Declared] = field(default_factory=list)
    """What was declared, in order."""
    encounters: list[Encounter] = field(default_factory=list)
    """What the wearer came upon, in order."""
    stops: list[float] = field(default_factory=list)
    """When a recording was to end: the press or the command, plus the configured post-event time."""
    markers: list[float] = field(default_factory=list)
    """When the wearer set a marker."""
    stealth_changes: list[float] = field(default_factory=list)
    """When the wearer held the buttons that switch lights, tones and vibrations off or on."""
    lights: list[tuple[float, str]] = field(default_factory=list)
    """Each light that was shown, and since when."""
    power_cuts: int = 0
    delivery_faults: list[str] = field(default_factory=list)
    """Faults that disturbed its messages behind it. What was received then says nothing about the camera."""
    clock_steps: int = 0
    card_faults: int = 0
    command_arrivals_s: dict[str, float] = field(default_factory=dict)
    """When each command reached the camera, by its id."""
    commands: list[str] = field(default_factory=list)
    """Ids of the commands that must get a final reply."""
    console_commands: list[str] = field(default_factory=list)
    """Ids of the commands given at the technician's console, which answers them itself."""
    expired: list[str] = field(default_factory=list)
    """Ids of those commands that arrived after their expiry."""
    accounts: list[Account] = field(default_factory=list)
    """The account of every clip that it ever made, offloaded ones too."""
    manifests: list[ManifestSummary] = field(default_factory=list)
    """Of the clips whose manifests were verified."""
    audit: list[AuditEntry] = field(default_factory=list)
    """The entries of its audit log."""
    ledger: Ledger | None = None
    """The ledger by these entries, from when a checker first needed it."""
    states: list[tuple[float, str]] = field(default_factory=list)
    """Its states and when each began, as its lights showed them: those of the chart; `off` after a power cut."""
    frame_outages: list[tuple[float, float]] = field(default_factory=list)
    """When its video source delivered no frames, from and to; the end is infinite while that lasts."""
    records_sound: bool | None = None
    """Whether it is configured to record sound; None where that is not known or has changed."""
    microphone_outages: Sequence[tuple[float, float]] = ()
    """When its microphone was unplugged, from and to; the end is infinite while that lasts."""
    microphone_stalls: Sequence[tuple[float, float]] = ()
    """When no sound arrived though it was plugged in, as where a delay began."""
    microphone_silences: Sequence[tuple[float, float]] = ()
    """When it delivered nothing but zeros."""
    fps: float = 30.0
    """Frame rate of its video source."""
    precision_s: float = 0.0
    """How far a time here may differ from the camera's own for the same thing: in real time, a press arrives late."""
    telemetry_s: float = 30.0
    """Seconds between two samples of battery and storage."""
    battery: list[Resource] = field(default_factory=list)
    storage: list[Resource] = field(default_factory=list)
    state: str = "off"
    """At the end, as `session`."""
    session: str = ""
    contents: dict[str, ClipContent] = field(default_factory=dict)
    """Of the clips that have ended, by id. Empty for a camera that does not offload."""
    deletions: list[Deletion] = field(default_factory=list)
    critical: tuple[str, ...] = ()
    """Sources and reasons of starts whose recordings leave first."""
    outages: list[tuple[float, float]] = field(default_factory=list)
    """When the broker was away, from and to. It forgets every connection then, and the last will with it."""
    will_after_s: float = 45.0
    """Seconds after a connection went silent at which the broker publishes its last will: 1.5 keepalives."""
    unsent_events: list[EventMessage] = field(default_factory=list)
    """Of a camera that is off: the events on its flash that no broker acknowledged. It sends them after its next start.
    """
    unsent_replies: list[Reply] = field(default_factory=list)
    """The same for replies."""

    @property
    def message_age_s(self) -> float:
        """How old a received message may be: as old as a client waits for an acknowledgement, in real time."""
        return max(MESSAGE_AGE_S, MESSAGE_AGE_S * self.precision_s / LIVE_PRECISION_S)

    def states_between(self, from_s: float, to_s: float) -> set[str]:
        """Every state that it was in between two moments, inclusive: several states may share a moment."""
        since = bisect_left(self.states, from_s, key=itemgetter(0))
        until = bisect_right(self.states, to_s, key=itemgetter(0))
        before = "off" if since == 0 else self.states[since - 1][1]
        return {before, *(state for _, state in self.states[since:until])}

    def without_frames_s(self, from_s: float, to_s: float) -> float:
        """Seconds without frames between the two moments."""
        return overlap_s(self.frame_outages, from_s, to_s)


def overlap_s(intervals: Iterable[tuple[float, float]], from_s: float, to_s: float) -> float:
    """Seconds of `intervals`, which are apart, between two moments."""
    return sum(max(0.0, min(end_s, to_s) - max(start_s, from_s)) for start_s, end_s in intervals)


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A received message and its time."""

    at_s: float
    message: Message


@dataclass(slots=True)
class ReceivedRecord:
    """What a subscriber received from one camera."""

    events: list[EventMessage] = field(default_factory=list)
    """In the order of arrival, repeats included."""
    replies: list[Reply] = field(default_factory=list)
    states: list[StateMessage] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    """All of these and telemetry, in the order of arrival, with their times. Empty without `keeps_time`."""
    telemetry_every_s: float = 0.0
    """Telemetry is kept no more often than this: 1,600 cameras send more in a shift than any checker needs."""
    keeps_time: bool = True
    """Without it there are no arrivals: their times would mean nothing."""
    uploads: list[Upload] | None = None
    """What an evidence back end received from it, in order; None where that is not known."""
    delivery_loss: str = ""
    """Why the broker may have lost events and replies; empty when it loses none."""
    _telemetry_from_s: float = -math.inf

    def add(self, at_s: float, leaf: str, payload: bytes) -> None:
        """Add a message received at `at_s` on the camera's topic that ends in `leaf`. Raises msgspec.MsgspecError."""
        if leaf == "telemetry":
            self._add_telemetry(at_s, payload)
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

    def _add_telemetry(self, at_s: float, payload: bytes) -> None:
        if self.keeps_time and at_s >= self._telemetry_from_s:
            self._telemetry_from_s = at_s + self.telemetry_every_s
            self.arrivals.append(Arrival(at_s, msgspec.json.decode(payload, type=Telemetry)))

    @property
    def state(self) -> StateMessage | None:
        """The newest state message."""
        return self.states[-1] if self.states else None

    @property
    def telemetry(self) -> list[tuple[float, Telemetry]]:
        """Each telemetry message with its arrival time."""
        return [(one.at_s, one.message) for one in self.arrivals if isinstance(one.message, Telemetry)]

    def snapshot(self) -> "ReceivedRecord":
        """A copy that does not grow any more."""
        return replace(
            self,
            events=list(self.events),
            replies=list(self.replies),
            states=list(self.states),
            arrivals=list(self.arrivals),
        )


_KINDS: dict[str, type[StateMessage] | type[EventMessage] | type[Reply]] = {
    "state": StateMessage,
    "event": EventMessage,
    "reply": Reply,
}

Case = tuple[ActualRecord, ReceivedRecord]
Checker = Callable[[Case], Iterator[str | None]]
"""Yields once for each occasion: None for success, else a text that describes the failure."""


class BackEndProbe(Protocol):
    """How checkers query a back end. Cameras are named `site/name`.

    A probe may have three more methods: `session(camera) -> str`, the run of the firmware that the back end takes for
    live; `recordings(camera) -> list[str]`, ids of the clips that it knows to be complete; and `evidence(camera) ->
    list[str]`, ids of the clips that its evidence system has. Without them, the checkers that need them report
    *skipped*.
    """

    def state(self, camera: str) -> str:
        """The camera's state as the back end shows it: a state of the chart, or `offline`."""

    def events(self, camera: str) -> list[str]:
        """Ids of the camera's events as the back end keeps them, in its order."""


def first_receipts(received: ReceivedRecord) -> list[EventMessage]:
    """Each event once, in the order of its first arrival."""
    return _each_once(received.events)


def _each_once(events: Iterable[EventMessage]) -> list[EventMessage]:
    first: dict[str, EventMessage] = {}
    for event in events:
        first.setdefault(event.id, event)
    return list(first.values())


def events_of(case: Case) -> list[EventMessage]:
    """Every event that was received, or that waits on the flash of a camera that is off, once each and in order. What
    waits there is not lost, only late.
    """
    actual, received = case
    return _each_once([*received.events, *actual.unsent_events])


def replies_of(case: Case) -> list[Reply]:
    """The same for replies, with repeats."""
    actual, received = case
    return [*received.replies, *(reply for reply in actual.unsent_replies if reply not in received.replies)]


def broker_can_show_it_offline(case: Case) -> bool:
    """Whether the broker had a connection to a camera that is off, so that its offline message or last will could reach
    it. It had none if it was away when the camera went off, or before the last will was due, and the camera did not
    connect again afterwards.
    """
    actual, received = case
    if not actual.states or actual.states[-1][1] != "off":
        return True
    will_s = actual.states[-1][0] + actual.will_after_s
    last_s = max((one.at_s for one in received.arrivals), default=-math.inf)
    return not any(from_s <= will_s and last_s < to_s for from_s, to_s in actual.outages)


def number_of(event: EventMessage) -> int:
    """The event's number in its session, from 1."""
    return int(event.id.rsplit("-", 1)[1])

"""The messages between a camera and its fleet: one struct per message, version 1 of the contract.

Times are ISO 8601 in UTC with a `Z`, as `lapel.clock.iso` writes them. An optional field without a value is
absent, never null. Receivers ignore fields that they do not know; no field is ever removed, renamed or tightened.
The docstring below each field is its public documentation.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lapel.config import Scalar
from lapel.errors import MessageError
from lapel.policy.profile import Declarable, TriggerSource

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=500)]
Time = Annotated[
    str, Meta(max_length=32, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$")
]
Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]

CameraState = Literal["off", "booting", "standby", "buffering", "recording", "docked", "fault"]
"""The states of the chart, by the names that go over the wire."""

PresenceState = Literal["off", "booting", "standby", "buffering", "recording", "docked", "fault", "offline"]
"""The same, and *offline*: the camera is not connected."""

EventKind = Literal[
    "booted",  # the firmware runs; self-test and recovery are done
    "power-off",  # the camera is about to end its session
    "state-changed",
    "recording-started",  # the first fragment is synced to disk
    "prebuffer-saved",  # everything from before the trigger is synced to disk
    "recording-saved",  # ended as it should, described and closed
    "recording-failed",  # the storage failed; what was synced before is kept
    "recovered",  # an earlier session's unfinished recording was found and kept
    "offload-started",  # recordings begin to leave for the evidence back end
    "recording-offloaded",  # the back end has all of it; nothing is confirmed yet
    "recording-confirmed",  # its receipt is on file: from now on it may be deleted after its time
    "receipt-refused",  # a receipt does not hold; the recording stays
    "offload-failed",  # the back end rejected a recording, or takes none until a person acts
    "recording-deleted",  # from the storage card, after a back end has confirmed that it imported it
    "footage-lost",  # frames that were not saved: how many, and why
    "muted",  # the recording holds silence from here on
    "unmuted",
    "stealth-changed",  # lights, tones and vibrations were switched off or on; the record goes on
    "category-chosen",  # what kind of incident a recording shows
    "wearer-changed",  # who wears the camera
    "note",  # in the wearer's or an operator's words, such as why something was not recorded
    "live-viewed",  # a person begins to watch the recording in progress
    "live-view-ended",  # … and no longer does
    "marker",  # the wearer or an operator marked this moment
    "refused",  # the state chart or the policy does not allow what was requested
    "policy-decided",  # which rule of the agency's policy has answered a request, and how
    "not-confirmed",  # the wearer was asked to press once more and did not
    "declared",  # a protected context, or an activity that must be recorded
    "declaration-ended",
    "duty-missed",  # an activity that must be recorded was declared, and no recording has started in time
    "duty-cut-short",  # a recording ended while such an activity went on
    "trigger-cancelled",  # a false signal of a trigger input, which started nothing
    "command-rejected",  # the received message was no valid command
    "source-lost",
    "source-restored",
    "video-reduced",  # smaller frames, because the encoder cannot keep up
    "picture-frozen",  # the video source delivers the same frame again and again
    "microphone-lost",  # no sound arrives; the video goes on
    "microphone-restored",
    "microphone-silent",  # sound arrives and is silent: a dead microphone
    "storage-failed",
    "file-damaged",  # a file that the camera keeps for itself could not be used and was set aside
    "battery-low",  # charge, minutes left to record, temperature of the cells
    "battery-critical",  # the camera finishes its recording and shuts down
    "overheated",
    "duplicate-name",  # another live camera uses this camera's name
    "publish-refused",  # the broker does not take a message, or any of a kind
    "command-accepted",  # who requested what, and why
    "self-tested",
    "configuration-changed",  # a new version is in force and has proved itself
    "configuration-rolled-back",  # a new version did not work; the one before is in force again
    "events-dropped",  # the outbox was full for too long: how many of each kind were dropped
]
"""Every kind of event that version 1 knows. More may come: a receiver ignores kinds that it does not know."""

CommandName = Literal[
    "start-recording",
    "stop-recording",
    "arm",
    "sleep",
    "mark",
    "status",  # answered at once, with telemetry
    "identify",  # blink and beep, so that the camera can be found
    "set-configuration",
    "request-log",
    "reboot",
    "self-test",
    "assign",  # to a wearer, or to none
    "category",
    "note",
    "declare",  # a protected context, or an activity that must be recorded
    "withdraw",  # a declaration
    "trigger",  # something outside the camera asks for a recording: another camera nearby, a light bar, a time table
    "offload",  # let one recording leave for the back end before all others, over the air if need be
]
"""The commands that a camera knows."""

Result = Literal["accepted", "progress", "done", "refused", "failed"]
"""*accepted*: it is on record and will be tried; more replies follow. *progress*: it continues. The others are final:
*done*; *refused*: the camera may not or cannot do it now, and nothing changed; *failed*: it was tried."""

Detail = Mapping[str, str | int | float | bool | Sequence[str] | None]
"""Flat on purpose, so that a back end can put it into columns."""


_FINITE = frozenset({str, int, bool, list, type(None)})
"""Types of fields that hold no number that JSON lacks."""


class _Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rejects NaN and infinity when a message is made: JSON has neither, and msgspec would silently write null."""

    def __post_init__(self) -> None:
        for name, value in zip(self.__struct_fields__, msgspec.structs.astuple(self), strict=True):
            kind = type(value)
            if kind not in _FINITE and not (kind is float and math.isfinite(value)):  # few are left to look into
                _require_finite(name, value)


def _require_finite(name: str, value: object) -> None:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise MessageError(f"message field {name} is {value}: JSON has no such number, leave the field out")
    elif value is not None and isinstance(value, Mapping):
        for key, inner in value.items():
            _require_finite(f"{name}.{key}", inner)


class StateMessage(_Message, frozen=True, kw_only=True):
    """What the camera is doing. Retained; the first one after a connect is the birth message."""

    state: PresenceState
    """State of the chart, or `offline`: after a clean disconnect (with `time`) or by the last will (without)."""
    agency: Name
    """First level of the camera's topics."""
    site: Name
    """Second level of the camera's topics."""
    camera: Name
    """The camera's name, unique within agency and site."""
    session: Id
    """Id of this run of the firmware: two live sessions under one name are two cameras."""
    firmware: Annotated[str, Meta(max_length=64)]
    """Version of the firmware."""
    flags: list[Annotated[str, Meta(max_length=64)]]
    """What is true beside the state, such as `source-lost` or `clock-unsynced`. Empty when all is well."""
    time: Time | None = None
    """When it was published. Absent in the last will, and only there: its content is fixed at the connect."""
    since: Time | None = None
    """When the state began. Absent in the last will."""
    reason: Text | None = None
    """Why: of a fault, or of being offline. Absent otherwise."""
    recording: Id | None = None
    """Id of the clip being recorded. Absent when none is."""
    configuration: Count = 0
    """Version of the configuration in force; absent (0) while it is the one that the camera was started with."""
    live_view: Annotated[str, Meta(max_length=300)] | None = None
    """Address below which the recording in progress can be watched, for those with a token. Absent without live view.
    """


class AuditHead(msgspec.Struct, frozen=True, kw_only=True):
    """Length and newest hash of the camera's audit log, so that removed entries are detected."""

    count: Count
    """Entries in the log."""
    hash: Annotated[str, Meta(max_length=128)]
    """Hash of the newest entry, in hexadecimal."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The camera's last known position."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    """Degrees in WGS 84, north positive."""
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    """Degrees in WGS 84, east positive."""
    accuracy_m: Annotated[float, Meta(ge=0)]
    """Radius in metres within which it lies, as the receiver estimates it."""
    age_s: Seconds
    """Seconds since the fix: large while there is no new one."""


class Telemetry(_Message, frozen=True, kw_only=True):
    """Measurements, published at an interval while connected. QoS 0: the next message replaces a lost one."""

    time: Time
    """When it was measured."""
    session: Id
    """Id of this run of the firmware."""
    state: CameraState
    """State of the chart."""
    uptime_s: Seconds
    """Seconds since the firmware started, on the monotonic clock."""
    buffered_s: Seconds
    """Seconds of video in the pre-event buffer."""
    buffered_bytes: Count
    """Bytes of encoded video in the pre-event buffer."""
    measured_fps: Seconds
    """Frames per second captured recently."""
    dropped_frames: Count
    """Frames that the video source delivered and the camera could not keep, since capturing began."""
    unwritten_bytes: Count
    """Bytes of the recording that are not written to disk yet."""
    events_waiting: Count
    """Events and replies that wait for the broker's acknowledgement."""
    events_dropped: Count
    """Events and replies dropped since the firmware started because the outbox was full."""
    storage_free_bytes: Count | None = None
    """Bytes left for recordings. Absent when the storage does not report it."""
    battery_percent: Annotated[float, Meta(ge=0, le=100)] | None = None
    """Charge. Absent where the camera has no battery gauge."""
    battery_minutes_left: Annotated[float, Meta(ge=0)] | None = None
    """Minutes that it could still record. Absent while charging, or where the gauge does not report it."""
    temperature_c: float | None = None
    """Temperature of the battery's cells in degrees Celsius. Absent where it is not measured."""
    position: Position | None = None
    """Where it is. Absent where there is no receiver, or was no fix yet."""
    sound_rms_dbfs: Annotated[float, Meta(le=0)] | None = None
    """Level of the sound over the last second, in dB below full scale; -120 for silence. Absent without sound."""
    sound_peak_dbfs: Annotated[float, Meta(le=20)] | None = None
    """Highest sample of that second."""
    offload_recordings_left: Count | None = None
    """Recordings on the card that the evidence back end does not have yet. Absent where none is configured."""
    offload_bytes_left: Count | None = None
    """Bytes of them that have not arrived."""
    offload_awaiting_receipt: Count | None = None
    """Recordings that the back end has, and has not confirmed."""
    offload_rate_bps: Seconds | None = None
    """Bits per second that have left over the last seconds; 0 while none do."""
    audit_head: AuditHead | None = None
    """Where the camera's audit log stands. Absent before its first entry is written."""


class EventMessage(_Message, frozen=True, kw_only=True):
    """Something that happened, once. QoS 1, in order, kept while the broker is away; a repeat carries the same `id`."""

    id: Id
    """Unique among all events of the camera."""
    kind: EventKind
    """What happened."""
    time: Time
    """When it happened, by the wall clock of that moment."""
    mono_s: float
    """The same moment in seconds on the monotonic clock of this session: orders events whatever the wall clock did."""
    camera: Name
    """The camera's name."""
    session: Id
    """Id of the run of the firmware in which it happened."""
    detail: Detail
    """More about it, by kind. Flat; empty when there is nothing to add."""


class Command(_Message, frozen=True, kw_only=True):
    """A request to the camera. Never retained. Answered by a Reply with the same `id`."""

    id: Id
    """The sender's own id for this command; idempotent by it."""
    command: CommandName
    """What to do."""
    reason: Text = ""
    """Why, in the sender's words. Goes on record."""
    sender: Annotated[str, Meta(max_length=128)] = ""
    """Who sent it. Goes on record."""
    sent_at: Time | None = None
    """When it was sent, by the sender's clock."""
    ttl_s: Annotated[float, Meta(gt=0)] | None = None
    """Seconds after `sent_at` from which it must not be carried out any more."""
    reply_to: Annotated[str, Meta(min_length=1, max_length=300)] | None = None
    """Topic for replies, at or below the camera's own `reply`. On MQTT 5 the response topic takes precedence."""
    configuration: dict[str, dict[str, Scalar]] | None = None
    """Of `set-configuration`: what to change, as sections, keys and values of the configuration file."""
    base_version: Annotated[int, Meta(ge=0)] | None = None
    """Of `set-configuration`: the version that the change was made for; refused when another is in force."""
    lines: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """Of `request-log`: how many of the newest lines; 100 when absent."""
    seconds: Annotated[float, Meta(gt=0, le=300)] | None = None
    """Of `identify`: how long; 10 when absent."""
    label: Annotated[str, Meta(max_length=100)] = ""
    """Of `mark`: what the marker is called. Absent: nothing."""
    category: Annotated[str, Meta(max_length=64)] | None = None
    """Of `category`: the category of the current recording, of the one just stopped, or else of the next one; empty or
    absent: none."""
    wearer: Annotated[str, Meta(max_length=64)] | None = None
    """Of `assign`: badge id of the wearer; empty or absent: no wearer."""
    declared: Declarable | None = None
    """Of `declare` and `withdraw`: the context or activity."""
    for_s: Annotated[float, Meta(gt=0, le=604_800)] | None = None
    """Of `declare`: seconds until it ends by itself; absent: it must be withdrawn."""
    trigger: TriggerSource | None = None
    """Of `trigger`: what asks for the recording."""
    peer: Annotated[str, Meta(max_length=128)] = ""
    """Of `trigger` by a `peer`: the other camera."""
    distance_m: Annotated[float, Meta(ge=0)] | None = None
    """Of `trigger` by a `peer`: how far away it is."""
    recording: Id | None = None
    """Of `offload`: which; the id of any of its clips."""


class Reply(_Message, frozen=True, kw_only=True):
    """The answer to one command."""

    id: Id
    """Id of the command."""
    command: Annotated[str, Meta(max_length=64)]
    """Name of the command as it was given; empty when it could not be read."""
    result: Result
    """The outcome."""
    state: CameraState
    """State of the chart after it."""
    time: Time
    """When it was answered."""
    reason: Text | None = None
    """Why it was refused or failed. Absent when done."""
    recording: Id | None = None
    """Id of the clip it began, ended or marked. Absent when there is none."""
    detail: Detail | None = None
    """Results: of `self-test`, each check and its finding; of `set-configuration`, the version. Absent when there are
    none."""
    lines: list[str] | None = None
    """Of `request-log`: lines of the log, oldest first, some with each *progress*. Absent otherwise."""


Outgoing = StateMessage | Telemetry | EventMessage | Reply
"""The messages that a camera publishes."""


def offline(state: StateMessage, reason: str, time: str | None = None) -> StateMessage:
    """The *offline* message that follows `state`: with a `time` for a clean disconnect, without for the last will."""
    return msgspec.structs.replace(
        state, state="offline", reason=reason, time=time, since=time, recording=None, flags=[], live_view=None
    )

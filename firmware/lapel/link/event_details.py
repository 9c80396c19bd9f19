"""What `detail` of an event contains, one struct for each kind. Part of the contract, version 1.

The firmware publishes an event by making one of these, so no event leaves it with an undocumented field. Every field is
always present; one that may be unknown is null then.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from lapel.link.messages import CameraState, Count, Detail, EventKind, Id, Seconds

_TEXT_CHARS = 400
_ROUND_DIGITS = 3


class EventDetail(msgspec.Struct, frozen=True, kw_only=True):
    """The detail of one kind of event."""

    kind: ClassVar[EventKind]

    def on_wire(self) -> Detail:
        """As it is published: times and measures rounded to a thousandth, texts cut to 400 characters."""
        return {name: _short(value) for name, value in msgspec.structs.asdict(self).items()}


def _short(value: str | float | bool | None) -> str | float | bool | None:
    if isinstance(value, float):
        return round(value, _ROUND_DIGITS)
    return value[:_TEXT_CHARS] if isinstance(value, str) else value


class Booted(EventDetail, frozen=True, kw_only=True):
    """The firmware runs; self-test and recovery are done."""

    kind = "booted"
    firmware: str
    """Version of the firmware."""


class StateChanged(EventDetail, frozen=True, kw_only=True):
    """The camera is in another state. *recording* is reported once its first fragment is on disk."""

    kind = "state-changed"
    before: CameraState
    """The state as it was last reported."""
    after: CameraState
    """The state now."""


class RecordingStarted(EventDetail, frozen=True, kw_only=True):
    """The first fragment of a recording is synced to disk."""

    kind = "recording-started"
    recording: Id
    """Id of the recording: that of its first clip."""


class PrebufferSaved(EventDetail, frozen=True, kw_only=True):
    """Everything from before the trigger is synced to disk."""

    kind = "prebuffer-saved"
    recording: Id
    """Id of the recording."""
    actual_s: Seconds
    """Seconds of video from before the trigger that are on disk."""
    configured_s: Seconds
    """Seconds configured."""
    shortfall: str | None
    """Why `actual_s` is below `configured_s`; null when it is not."""


class RecordingSaved(EventDetail, frozen=True, kw_only=True):
    """A clip ended as intended; its video and `recording.json` are synced and closed."""

    kind = "recording-saved"
    recording: Id
    """Id of the clip."""
    duration_s: Seconds
    """Length of the clip, gaps included."""
    frames: Count
    """Frames in it."""
    dropped_frames: Count
    """Frames that were delivered by the video source and are not in it."""
    gaps: Count
    """Intervals without frames."""


class RecordingFailed(EventDetail, frozen=True, kw_only=True):
    """The storage failed during a recording; what was synced before is kept."""

    kind = "recording-failed"
    recording: Id
    """Id of the recording."""
    reason: str
    """What the storage reported, and what to do."""


class Recovered(EventDetail, frozen=True, kw_only=True):
    """An earlier session's unfinished recording was found and kept. Published once for each clip."""

    kind = "recovered"
    recording: Id
    """Id of the clip."""
    duration_s: Seconds
    """Length of what is playable."""
    frames: Count
    """Frames in it."""


class OffloadStarted(EventDetail, frozen=True, kw_only=True):
    """Recordings begin to leave the camera for the evidence back end."""

    kind = "offload-started"
    recordings: Count
    """How many are to be sent."""
    bytes: Count
    """Bytes of them that the back end does not have yet."""


class RecordingOffloaded(EventDetail, frozen=True, kw_only=True):
    """The back end has all of a recording, which the camera has declared complete. It is not confirmed yet."""

    kind = "recording-offloaded"
    recording: Id
    """Id of the recording: that of its first clip."""
    bytes: Count
    """Length of its files."""
    seconds: Seconds
    """How long the last attempt took, in which all that was missing arrived."""


class RecordingConfirmed(EventDetail, frozen=True, kw_only=True):
    """The back end's receipt for a clip holds and is on file: from now on the clip may be deleted after its time."""

    kind = "recording-confirmed"
    recording: Id
    """Id of the clip."""
    back_end: str
    """Which system has imported it, in its own words."""


class ReceiptRefused(EventDetail, frozen=True, kw_only=True):
    """A receipt for a clip does not hold. The clip stays on the card."""

    kind = "receipt-refused"
    recording: Id
    """Id of the clip."""
    reason: str
    """Why it does not hold."""


class OffloadFailed(EventDetail, frozen=True, kw_only=True):
    """The evidence back end rejected a recording for good, or takes none until a person acts."""

    kind = "offload-failed"
    recording: str
    """Id of the rejected recording; empty where none can leave."""
    reason: str
    """What the back end answered, and what to do."""


class RecordingDeleted(EventDetail, frozen=True, kw_only=True):
    """A clip was deleted from the storage card: its import was confirmed, and its time there has passed."""

    kind = "recording-deleted"
    recording: Id
    """Id of the clip."""
    back_end: str
    """Which system has imported it."""


class FootageLost(EventDetail, frozen=True, kw_only=True):
    """Captured frames will not be in a recording."""

    kind = "footage-lost"
    recording: Id
    """Id of the recording."""
    frames: Count
    """How many."""
    seconds: Seconds
    """How long."""
    reason: str
    """Why, such as `disk too slow`."""


class Marker(EventDetail, frozen=True, kw_only=True):
    """The wearer or an operator marked this moment of a recording."""

    kind = "marker"
    recording: Id
    """Id of the recording."""
    source: str
    """Who set it: `button` or `command`."""
    label: str
    """What it is called; empty for one without a label."""


class Muted(EventDetail, frozen=True, kw_only=True):
    """From now on the recording holds silence instead of sound."""

    kind = "muted"
    recording: Id
    """Id of the recording."""
    source: str
    """Who muted it: `button` or `console`."""
    reason: str
    """Why, where a reason was given."""


class Unmuted(EventDetail, frozen=True, kw_only=True):
    """The recording holds sound again."""

    kind = "unmuted"
    recording: Id
    """Id of the recording."""
    source: str
    """Who ended it: as for `muted`, or `camera` where the recording ended."""
    seconds: Seconds
    """For how long it held silence."""


class StealthChanged(EventDetail, frozen=True, kw_only=True):
    """Lights, tones and vibrations were switched off or on. What is recorded and reported is the same either way."""

    kind = "stealth-changed"
    on: bool
    """Whether they are off from now on."""
    source: str
    """Who did it: `button`, `command` or `console`."""


class CategoryChosen(EventDetail, frozen=True, kw_only=True):
    """What kind of incident a recording shows was chosen."""

    kind = "category-chosen"
    recording: Id | None
    """Id of the recording; null for the next one, which has not begun."""
    category: str
    """The category; empty: none."""
    critical: bool
    """Whether recordings of that category are offloaded first."""
    source: str
    """Who chose it: `button`, `command` or `console`."""


class WearerChanged(EventDetail, frozen=True, kw_only=True):
    """The camera has another wearer."""

    kind = "wearer-changed"
    assigned: str
    """Badge id of the wearer to whom it is assigned; empty without one."""
    present: str
    """Badge id of the wearer who uses it, where that is another one; empty otherwise."""
    source: str
    """Who changed it: `command`, `console` or `dock`."""


class NoteTaken(EventDetail, frozen=True, kw_only=True):
    """A note for the record: why something was not recorded, for instance."""

    kind = "note"
    text: str
    """The note."""
    wearer: str
    """Badge id of who wears the camera; empty where it is not known."""
    source: str
    """Where it came from: `command` or `console`."""


class LiveViewDetail(EventDetail, frozen=True, kw_only=True):
    """The fields that both events of live view share."""

    recording: Id
    """Id of the recording."""
    viewer: str
    """Who watches, by the name of their token, or as the system that fetches for them says."""
    through: str
    """The name of that system's token; empty where the viewer has a token of their own."""


class LiveViewed(LiveViewDetail, frozen=True, kw_only=True):
    """A person begins to watch the recording in progress. The wearer is notified."""

    kind = "live-viewed"


class LiveViewEnded(LiveViewDetail, frozen=True, kw_only=True):
    """A person no longer watches: nothing was fetched for a while, or the recording has ended."""

    kind = "live-view-ended"
    seconds: Seconds
    """From the first to the last look."""


class Refused(EventDetail, frozen=True, kw_only=True):
    """The camera may not or cannot do what was requested; nothing changed."""

    kind = "refused"
    event: str
    """What was requested: an event of the state chart such as `start`, or a command."""
    source: str
    """Who requested it: `button`, `command`, `trigger`, `dock` or `camera`."""
    reason: str
    """Why it was refused."""
    rule: str = ""
    """Id of the policy's rule that refused it; empty where it was not the policy."""


class PolicyDecided(EventDetail, frozen=True, kw_only=True):
    """A rule of the agency's policy has answered a request. Nothing is published where no rule applies."""

    kind = "policy-decided"
    request: str
    """What was requested: `start`, `stop` or `mute`."""
    answer: str
    """`allow`; `ask`: the wearer must press once more; `refuse`."""
    rule: str
    """Id of the rule."""
    reason: str
    """The rule's sentence."""
    profile: str
    """Name of the profile in force."""
    source: str
    """Who or what requested it, as the profile names it: `wearer`, `command`, `peer`, `holster`, …"""
    contexts: str
    """The protected contexts in force at that moment, separated by blanks."""
    activities: str
    """The activities declared at that moment, separated by blanks."""
    zones: str
    """Ids of the profile's zones that the camera was in, separated by blanks."""


class NotConfirmed(EventDetail, frozen=True, kw_only=True):
    """The wearer was asked to press once more and did not: nothing was started or stopped."""

    kind = "not-confirmed"
    request: str
    """What was asked for: `start` or `stop`."""
    rule: str
    """Id of the rule that asked."""
    after_s: Seconds
    """Seconds for which the camera waited."""


class Declared(EventDetail, frozen=True, kw_only=True):
    """A protected context or an activity was declared."""

    kind = "declared"
    what: str
    """What, such as `first-amendment` or `arrest-warrant`."""
    source: str
    """Who declared it: `command`, `console` or `button`."""
    reason: str
    """Why, where a reason was given."""
    for_s: Seconds | None
    """Seconds until it ends by itself; null when it must be withdrawn."""


class DeclarationEnded(EventDetail, frozen=True, kw_only=True):
    """A declaration was withdrawn, or its time is over."""

    kind = "declaration-ended"
    what: str
    """What is not declared any more."""
    source: str
    """Who withdrew it; `camera` when its time was over."""


class DutyMissed(EventDetail, frozen=True, kw_only=True):
    """An activity that must be recorded was declared, and no recording has started in time."""

    kind = "duty-missed"
    rule: str
    """Id of the duty."""
    activity: str
    """The declared activity."""
    within_s: Seconds
    """Seconds within which a recording had to start."""
    reason: str
    """Why there is none, as far as the camera knows."""


class DutyCutShort(EventDetail, frozen=True, kw_only=True):
    """A recording ended while an activity that must be recorded was still declared."""

    kind = "duty-cut-short"
    rule: str
    """Id of the duty."""
    recording: Id
    """Id of the recording."""
    source: str
    """Who or what ended it."""
    reason: str
    """Why, where a reason is known."""


class TriggerCancelled(EventDetail, frozen=True, kw_only=True):
    """A trigger input fired and went back at once: a false signal, which started nothing."""

    kind = "trigger-cancelled"
    trigger: str
    """Name of the input."""
    after_s: Seconds
    """How long it was active."""


class CommandAccepted(EventDetail, frozen=True, kw_only=True):
    """A command is valid and is about to be carried out."""

    kind = "command-accepted"
    command: str
    """Its name."""
    id: Id
    """Its id."""
    sender: str
    """The command's `sender`; empty when it has none."""
    reason: str
    """The command's `reason`; empty when it has none."""


class CommandRejected(EventDetail, frozen=True, kw_only=True):
    """A message on the command topic is no valid command, or is too old to be carried out."""

    kind = "command-rejected"
    reason: str
    """What is wrong, where, and what to do."""


class SourceLost(EventDetail, frozen=True, kw_only=True):
    """The video source delivers no frames. A recording goes on, with a gap."""

    kind = "source-lost"
    reason: str
    """What the source reported."""


class SourceRestored(EventDetail, frozen=True, kw_only=True):
    """The video source delivers frames again, or its first ones."""

    kind = "source-restored"


class VideoReduced(EventDetail, frozen=True, kw_only=True):
    """Frames are recorded smaller than the source delivers them. A recording goes on in a linked clip."""

    kind = "video-reduced"
    width: int
    """Of the frames from now on, in pixels."""
    height: int
    """Likewise."""
    reason: str
    """Why: the encoder could not keep up."""


class PictureFrozen(EventDetail, frozen=True, kw_only=True):
    """The video source delivers the same frame again and again."""

    kind = "picture-frozen"
    seconds: Seconds | None
    """For how long so far."""


class MicrophoneLost(EventDetail, frozen=True, kw_only=True):
    """The microphone delivers no sound. A recording goes on with a gap in its sound only."""

    kind = "microphone-lost"
    reason: str
    """What the microphone reported."""


class MicrophoneRestored(EventDetail, frozen=True, kw_only=True):
    """The microphone delivers sound again."""

    kind = "microphone-restored"


class MicrophoneSilent(EventDetail, frozen=True, kw_only=True):
    """During a recording the microphone delivers nothing but silence, as a dead one does."""

    kind = "microphone-silent"
    seconds: Seconds
    """For how long so far."""


class StorageFailed(EventDetail, frozen=True, kw_only=True):
    """The storage is full or failed; the camera cannot record."""

    kind = "storage-failed"
    reason: str
    """What the storage reported, and what to do."""


class FileDamaged(EventDetail, frozen=True, kw_only=True):
    """A file that the camera keeps for itself could not be used; it goes on without it, or with what was intact."""

    kind = "file-damaged"
    file: str
    """Its path on the camera."""
    reason: str
    """What is wrong with it."""
    kept_as: str
    """Name under which it was set aside, in the same folder; empty when it could not be renamed."""


class BatteryDetail(EventDetail, frozen=True, kw_only=True):
    """The fields that all battery events share."""

    percent: Annotated[float, Meta(ge=0, le=100)]
    """Charge."""
    minutes_left: Seconds | None
    """Minutes that the camera could still record; null where the gauge does not report it."""
    temperature_c: float | None
    """Temperature of the cells, in degrees Celsius; null where the gauge does not measure it."""


class BatteryLow(BatteryDetail, frozen=True, kw_only=True):
    """The battery lasts for 20 minutes of recording or less (5 % where the gauge gives no minutes)."""

    kind = "battery-low"


class BatteryCritical(BatteryDetail, frozen=True, kw_only=True):
    """The battery is at 1 % or less: the camera finishes its recording and shuts down."""

    kind = "battery-critical"


class Overheated(BatteryDetail, frozen=True, kw_only=True):
    """The battery's cells have 55 °C or more."""

    kind = "overheated"


class DuplicateName(EventDetail, frozen=True, kw_only=True):
    """Another live camera uses this camera's name."""

    kind = "duplicate-name"
    session: str
    """Session id of the other camera."""


class PublishRefused(EventDetail, frozen=True, kw_only=True):
    """The broker refused messages of this camera."""

    kind = "publish-refused"
    what: str
    """Which: `state`, `event` or `reply`."""
    id: str
    """Id of the event, or of the reply's command, that was set aside: the reply is dropped, the event is tried again
    later. Empty when all messages of that kind wait until the broker takes them."""
    reason: str
    """The broker's reason, and what to do."""


class SelfTested(EventDetail, frozen=True, kw_only=True):
    """A self-test was run: before a shift, or as requested. A command's reply has each check by itself."""

    kind = "self-tested"
    passed: bool
    """Whether all checks passed."""
    failed: str
    """Names of the checks that failed, separated by commas; empty when none did."""
    by: str
    """Why it was run: `undock`, `boot`, `command` or `console`."""
    checks: str
    """Each check and its finding, separated by semicolons."""
    out_of_service: bool
    """Whether the camera cannot record, so that it is in the state *fault* from now on."""


class ConfigurationChanged(EventDetail, frozen=True, kw_only=True):
    """A new version of the settings is in force and has proved itself."""

    kind = "configuration-changed"
    version: Count
    """Its number."""


class ConfigurationRolledBack(EventDetail, frozen=True, kw_only=True):
    """A new version of the settings did not work; the one before is in force again."""

    kind = "configuration-rolled-back"
    version: Count
    """The version that is in force."""
    reason: str
    """What did not work."""


class EventsDropped(EventDetail, frozen=True, kw_only=True):
    """The outbox was full for too long: events or replies were dropped. The field names are the kinds of event, or
    `reply`; each value is how many.
    """

    kind = "events-dropped"
    counts: Mapping[str, int]
    """By kind of event, or `reply`; published flat, as one field for each."""

    def on_wire(self) -> Detail:
        """The counts themselves, one field for each kind."""
        return dict(self.counts)


EVENT_DETAILS: tuple[type[EventDetail], ...] = (
    Booted,
    StateChanged,
    RecordingStarted,
    PrebufferSaved,
    RecordingSaved,
    RecordingFailed,
    Recovered,
    OffloadStarted,
    RecordingOffloaded,
    RecordingConfirmed,
    ReceiptRefused,
    OffloadFailed,
    RecordingDeleted,
    FootageLost,
    Marker,
    Muted,
    Unmuted,
    StealthChanged,
    CategoryChosen,
    WearerChanged,
    NoteTaken,
    PolicyDecided,
    NotConfirmed,
    Declared,
    DeclarationEnded,
    DutyMissed,
    DutyCutShort,
    TriggerCancelled,
    LiveViewed,
    LiveViewEnded,
    Refused,
    CommandAccepted,
    CommandRejected,
    SourceLost,
    SourceRestored,
    VideoReduced,
    PictureFrozen,
    MicrophoneLost,
    MicrophoneRestored,
    MicrophoneSilent,
    StorageFailed,
    FileDamaged,
    BatteryLow,
    BatteryCritical,
    Overheated,
    DuplicateName,
    PublishRefused,
    SelfTested,
    ConfigurationChanged,
    ConfigurationRolledBack,
    EventsDropped,
)
"""Every kind that the firmware publishes, in the order of the contract page. `power-off` is reserved."""

"""The account of a recording: requested and recorded, gaps, reasons. Stored beside the video as `recording.json`."""

from typing import Final, Literal

import msgspec

from lapel.fragment import Gap

FORMAT: Final = "lapel-recording-1"
"""The format in every account. Accounts of another format are another firmware's, and are not changed."""

Status = Literal["recording", "complete", "failed", "interrupted"]
"""*recording*: still growing. *complete*: ended as intended. *failed*: the storage failed; the reason is in
`stop.reason`. *interrupted*: power or process was lost; set at the next start."""


class Cause(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a recording began or ended, and by whose request."""

    source: str
    """`button`, `command`, `camera`, …"""
    reason: str = ""
    """In words, as the wearer, the operator or the camera gave it."""
    command: str = ""
    """The id of the command, when it was one."""


class StartDecision(msgspec.Struct, frozen=True, omit_defaults=True):
    """Under which policy a recording was started: the profile in force, the rule that answered, what was declared."""

    profile: str
    reason: str
    """The rule's sentence."""
    rule: str = ""
    """The rule's id; empty where no rule applied."""
    source: str = ""
    """Who or what asked for it, as the profile names it: `wearer`, `command`, `peer`, `holster`, …"""
    contexts: list[str] = []
    """The protected contexts that were declared."""
    activities: list[str] = []
    """The activities that were declared."""
    zones: list[str] = []
    """Ids of the profile's zones that the camera was in."""
    attested_after_s: float | None = None
    """Seconds between the wearer's first press and the second one, by which the wearer attested that the recording is
    justified. None where no attestation was asked for.
    """
    unattested: str = ""
    """Why the wearer was not asked for the attestation that the rule wants; empty otherwise."""


class GapNote(msgspec.Struct, frozen=True):
    """An interval without frames inside a clip."""

    start_s: float
    """Start of the interval, in seconds from the start of the clip."""
    duration_s: float
    reason: str


class MuteNote(msgspec.Struct, frozen=True):
    """An interval of a clip in which the sound is silence on purpose. Nothing of the original was kept."""

    start_s: float
    """In seconds from the start of the clip, to the nearest AAC frame."""
    end_s: float | None
    """None while it lasts, and where power was lost before its end."""
    source: str
    """Who muted: as in `Cause.source`."""
    reason: str


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A position as the receiver last knew it: degrees in WGS 84, north and east positive."""

    latitude: float
    longitude: float
    accuracy_m: float
    """Radius within which the camera was, as the receiver estimates it."""
    age_s: float
    """Seconds between the fix and the moment for which it stands."""


class PositionNote(msgspec.Struct, frozen=True):
    """A point of a clip's position trail: degrees in WGS 84, north and east positive."""

    at_s: float
    """Time of the fix, in seconds from the start of the clip."""
    latitude: float
    longitude: float
    accuracy_m: float


class Account(msgspec.Struct, kw_only=True):
    """The content of `recording.json`: one clip, what was requested and what it holds. Times are ISO 8601 UTC."""

    format: Literal["lapel-recording-1"] = FORMAT
    recording: str
    """Id of this clip; also the name of its folder."""
    continues: str | None = None
    """Id of the clip that this one goes on from, when a longer activation was cut."""
    continued_by: str | None = None
    """Id of the clip that goes on from here."""
    status: Status = "recording"
    agency: str
    site: str
    camera: str
    session: str
    firmware: str
    model: str = ""
    """Of the camera, as configured."""
    time_zone: str = ""
    """Where the camera was set up to be: an IANA name such as `America/New_York`, or an offset such as `+00:00`."""
    clock_quality: str
    """How far the wall clock could be trusted at the trigger: *synced*, *unsynced* or *unknown*."""
    clock_quality_end: str | None = None
    """The same when the clip ended. None while it grows, and where power or process was lost."""
    position_start: Location | None = None
    """Position at the trigger. None without a receiver, or before its first fix."""
    position_end: Location | None = None
    """The same when the clip ended."""
    positions: list[PositionNote] = []
    """Where it was in between: a point per fragment, each 10 s at most, where the receiver had a new fix."""
    trigger_time: str
    """When the button was pressed or the command came."""
    start_time: str | None = None
    """When the first frame was captured: before the trigger by the pre-event seconds. None while there is none."""
    end_time: str | None = None
    start: Cause
    decision: StartDecision | None = None
    """What the agency's policy says about the start. None in recordings of a firmware that had no policy."""
    stop: Cause | None = None
    prebuffer_configured_s: float
    prebuffer_actual_s: float = 0.0
    """Seconds of video from before the trigger; gaps among them are not counted."""
    prebuffer_shortfall: str | None = None
    """Why `actual` is below `configured`; None when it is not."""
    prebuffer_saved: bool = False
    """True once everything from before the trigger is synced to disk."""
    duration_s: float = 0.0
    """Length of the clip's time line, gaps included."""
    frames: int = 0
    fragments: int = 0
    video_bytes: int = 0
    gaps: list[GapNote] = []
    dropped_frames: int = 0
    """Frames that were captured and could not be encoded or written; a longer loss is also a gap."""
    copied: bool = False
    """Whether the frames are the source's own encoding. Then clips begin and end at the source's keyframes only."""
    after_stop_s: float = 0.0
    """Seconds of video from after the stop: a copied clip goes on to the source's next keyframe."""
    longest_gop_s: float = 0.0
    """Longest time between keyframes of a copied clip: so much could have been lost in a power cut."""
    audio: bool = False
    """Whether sound is recorded."""
    audio_in_prebuffer: bool = False
    """Whether sound from before the trigger is recorded, too."""
    audio_gaps: list[GapNote] = []
    """Where sound was to be recorded and is missing, and why; before the trigger only where it was to be there."""
    mutes: list[MuteNote] = []
    """Where the sound was muted, by whom, and why."""
    markers_s: list[float] = []
    """Where the wearer or an operator set a marker, in seconds of the clip's time line."""
    marker_labels: list[str] = []
    """What each of these markers is called; an empty text for one without a label."""
    category: str = ""
    """What kind of incident it shows, as the wearer or an operator chose; empty: uncategorised."""
    is_critical: bool = False
    """Whether that category is one that is offloaded first."""
    wearer: str = ""
    """Badge id of who wore the camera when the clip began; empty where it is not known."""
    assignee: str = ""
    """Badge id of the wearer to whom the camera is assigned, where that is another one; empty otherwise."""
    torn_bytes: int = 0
    """Bytes of an unfinished fragment at the end of an interrupted file. They are kept, and not counted as video."""

    @property
    def address(self) -> str:
        """The camera in its fleet: `agency/site/camera`."""
        return f"{self.agency}/{self.site}/{self.camera}"


LATER_FIELDS = ("decision", "marker_labels", "category", "is_critical", "wearer", "assignee", "positions")
"""Fields of an account that earlier firmware did not write; each has a default, which is true for its recordings."""


class ExpiredRecording(msgspec.Struct, frozen=True):
    """A recording that may be deleted from the storage card."""

    recording: str
    close: str
    """SHA-256 of its manifest's last line: what was deleted."""
    back_end: str
    """Which system has confirmed that it imported it."""
    received_at: str
    """When, in ISO 8601, by that system's clock."""
    category: str
    """What kind of incident it shows, by that system; empty when it gave none."""


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """What an account says about the wearer and the incident when a recording begins; see its fields."""

    wearer: str = ""
    assignee: str = ""
    category: str = ""
    is_critical: bool = False


def note_of(gap: Gap, start_s: float) -> GapNote:
    """A fragment's gap as the account lists it: rounded to milliseconds, in seconds from the start of the clip."""
    return GapNote(round(max(0.0, start_s), 3), round(gap.duration_s, 3), gap.reason)

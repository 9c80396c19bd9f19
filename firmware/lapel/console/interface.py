"""The interface between the console and a camera: one Protocol, and the plain data that its methods return.

The field names are also the JSON keys of machine mode, which scripts depend on: they do not change. Sizes are in bytes,
durations in seconds, times are ISO 8601 in UTC. A method for a part that the camera does not have returns None.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from lapel.check import Check
from lapel.config import Changes, Scalar
from lapel.logs import Log

Role = Literal["viewer", "service"]
"""A *viewer* can only read; *service* can also change things. No role can delete a recording."""
ROLES: tuple[Role, ...] = ("viewer", "service")


class _Data(msgspec.Struct, frozen=True, kw_only=True):
    pass


class CameraOverview(_Data, frozen=True, kw_only=True):
    """State, clock, firmware and recording of the camera at this moment."""

    camera: str
    state: str
    reason: str = ""
    """The reason of the state *fault*; empty in other states."""
    flags: Sequence[str] = ()
    firmware: str = ""
    session: str = ""
    time: str = ""
    clock: str = "unknown"
    """Quality of that time: synced, unsynced, unknown."""
    uptime_s: float = 0.0
    recording: str | None = None
    recorded_s: float = 0.0
    configuration: int = 0
    interrupted: Sequence[str] = ()
    """Recordings that an earlier session left unfinished, found at this start and not yet acknowledged."""
    failed: Sequence[str] = ()
    """Recordings that failed, or whose files others removed or changed, with the reason. Not yet acknowledged."""
    damaged: Sequence[str] = ()
    """Files of the camera's own that could not be used: names under which they are kept, not yet acknowledged."""


class VideoStatus(_Data, frozen=True, kw_only=True):
    """What the video source delivers."""

    source: str
    fps: float
    dropped_frames: int = 0
    lost: str | None = None
    """Why no frames arrive; None while they do."""
    last_frame_age_s: float | None = None
    unchanged_s: float | None = None
    """How long consecutive frames have been identical."""


class AudioStatus(_Data, frozen=True, kw_only=True):
    """What the microphone delivers."""

    source: str
    lost: str | None = None
    """Why no sound arrives; None while it does."""
    rms_dbfs: float = -120.0
    """Level over the last second."""
    peak_dbfs: float = -120.0
    silent_s: float = 0.0
    muted: bool = False
    """Whether the current recording holds silence instead."""
    in_prebuffer: bool = False
    """Whether sound from before the press is recorded."""


class Declared(_Data, frozen=True, kw_only=True):
    """A protected context or an activity that is declared."""

    what: str
    by: str
    """Who declared it."""
    at: str
    until: str | None = None
    """When it ends by itself; None: it must be withdrawn."""


class PolicyStatus(_Data, frozen=True, kw_only=True):
    """The agency's policy in force."""

    profile: str
    rules: int
    zones: Sequence[str] = ()
    """Ids of the profile's zones that the camera is in now."""
    declared: Sequence[Declared] = ()


class BufferStatus(_Data, frozen=True, kw_only=True):
    """Fill level of the pre-event buffer."""

    asked_s: float
    """The configured length."""
    held_s: float
    held_bytes: int
    max_bytes: int


class StorageStatus(_Data, frozen=True, kw_only=True):
    """The storage for recordings; `ok` is the result of a test write."""

    folder: str
    ok: bool
    finding: str
    free_bytes: int | None = None
    needed_bytes: int = 0
    """Free bytes without which no recording is started."""
    seconds_left: float | None = None
    """How much can still be recorded, at the highest bitrate that is configured; null when unknown."""
    recordings: int | None = None
    """How many are on it; null when unknown."""


class BatteryStatus(_Data, frozen=True, kw_only=True):
    """Charge of the battery."""

    percent: float
    minutes_left: float | None = None
    """How long it lasts while recording."""
    charging: bool = False
    temperature_c: float | None = None


class Position(_Data, frozen=True, kw_only=True):
    """Position of the camera. Without a fix only `satellites` is meaningful."""

    fix: bool
    satellites: int = 0
    latitude: float = 0.0
    longitude: float = 0.0
    accuracy_m: float = 0.0


class NetworkStatus(_Data, frozen=True, kw_only=True):
    """The connection to the fleet's broker."""

    broker: str
    """Empty: the camera is configured to work without a broker."""
    up: bool
    reason: str = ""
    duplicate: str = ""
    """Session of another live camera with this camera's name."""
    refused: str = ""
    """What the broker refuses to take, and why; empty while it takes everything."""
    events_waiting: int = 0
    events_dropped: int = 0
    certificate_until: str | None = None
    certificate_expired: bool = False


class Device(_Data, frozen=True, kw_only=True):
    """A part of the camera."""

    name: str
    kind: str
    state: str


class HeldButton(_Data, frozen=True, kw_only=True):
    """A button that is held down at this moment."""

    name: str
    held_s: float


class Clip(_Data, frozen=True, kw_only=True):
    """A recording on the storage card."""

    recording: str
    status: str
    trigger_time: str
    duration_s: float
    video_bytes: int
    reason: str = ""
    """Why it ended."""


class OffloadState(_Data, frozen=True, kw_only=True):
    """How far the recordings on the card are on their way to the evidence back end."""

    destination: str
    """Its address."""
    doing: str
    """What it does, or why it waits."""
    active: bool = False
    recordings_left: int = 0
    bytes_left: int = 0
    awaiting_receipt: int = 0
    """Recordings that the back end has, and has not confirmed."""
    rate_bps: float = 0.0
    rejected: dict[str, str] = {}
    """Recordings that the back end will never take as they are, and why."""


class Outcome(_Data, frozen=True, kw_only=True):
    """The camera's answer to a request."""

    done: bool
    reason: str = ""
    recording: str | None = None


class WearerStatus(_Data, frozen=True, kw_only=True):
    """Who wears the camera, by badge ids."""

    assigned: str = ""
    """To whom it is assigned; empty without a wearer."""
    present: str = ""
    """Who uses it, where that is another one; empty otherwise."""


class CategoryStatus(_Data, frozen=True, kw_only=True):
    """The categories that recordings can have."""

    names: Sequence[str] = ()
    critical: Sequence[str] = ()
    """Those that are offloaded first."""
    chosen: str = ""
    """That of the current recording, of the one just stopped, or of the next one; empty: none."""


class ConsoleCamera(Protocol):
    """A camera as the console sees it. No method blocks the event loop; slow ones are coroutines."""

    @property
    def log(self) -> Log:
        """The camera's log. Each change of state adds a line to it, which is how the prompt is kept current."""

    def overview(self) -> CameraOverview:
        """State, clock, firmware and recording."""

    def video(self) -> VideoStatus:
        """What the video source delivers."""

    def audio(self) -> AudioStatus | None:
        """What the microphone delivers; None where no sound is recorded."""

    def buffer(self) -> BufferStatus:
        """Fill level of the pre-event buffer."""

    async def storage(self) -> StorageStatus:
        """Test whether recordings can be stored."""

    def offload(self) -> OffloadState | None:
        """How far the offload is; None without a destination."""

    def start_offload(self) -> None:
        """Begin, or go on, wherever the camera is."""

    def pause_offload(self, reason: str) -> None:
        """Let no recording leave until `start_offload`, or the next time in the dock."""

    async def retry_offload(self, recording: str) -> Sequence[str]:
        """Offer what the back end rejected again; all, where `recording` is empty. Which. Raises StorageError."""

    def battery(self) -> BatteryStatus | None:
        """Charge of the battery; None without a gauge."""

    def position(self) -> Position | None:
        """Position; None without a GPS receiver."""

    def network(self) -> NetworkStatus:
        """State of the connection to the broker."""

    async def probe(self) -> Sequence[Check]:
        """Test the connection to the broker: name, route, TCP, TLS, MQTT. Ends with the step that fails."""

    def devices(self) -> Sequence[Device]:
        """The camera's parts."""

    def held_buttons(self) -> Sequence[HeldButton]:
        """The buttons that are held down."""

    async def clips(self) -> Sequence[Clip]:
        """All recordings, oldest first. Raises StorageError."""

    async def clip_file(self, recording: str) -> Path:
        """The video file of a recording. Raises StorageError when there is none."""

    async def why(self, at: datetime) -> str:
        """In words, why there is a recording of a moment, or why there is none. Raises StorageError, EvidenceError."""

    async def request(self, action: str, reason: str, label: str = "") -> Outcome:
        """Request `start-recording`, `stop-recording`, `mark`, `arm`, `sleep` or `reboot`; the camera may refuse.

        `label`: of `mark`, what the marker is called.
        """

    async def self_test(self) -> Sequence[Check]:
        """Test every part that a recording needs, and put the result on record."""

    def wearer(self) -> WearerStatus:
        """Who wears the camera."""

    def assign(self, badge: str) -> None:
        """Assign the camera to a wearer; to none with an empty badge id. Raises ConfigError."""

    def set_present(self, badge: str) -> None:
        """This wearer uses the camera now, who may be another than its assignee. Raises ConfigError."""

    def categories(self) -> CategoryStatus:
        """The categories there are, and the one of the current recording or of the next one."""

    def categorise(self, category: str) -> Outcome:
        """Choose the category of the current recording, of the one just stopped, or of the next one."""

    def take_note(self, text: str) -> None:
        """Put a wearer's note on record."""

    def mute(self, reason: str) -> Outcome:
        """Record silence instead of sound, from now on to `unmute` or to the end of the recording."""

    def unmute(self) -> Outcome:
        """Record sound again."""

    def policy(self) -> PolicyStatus:
        """The profile in force, and what is declared."""

    async def declare(self, what: str, for_s: float | None) -> Outcome:
        """Declare a protected context or an activity, for `for_s` seconds or until it is withdrawn."""

    async def withdraw(self, what: str) -> Outcome:
        """Withdraw a declaration."""

    def identify(self, seconds: float) -> Outcome:
        """Blink and beep; refused in stealth."""

    def acknowledge(self) -> None:
        """Acknowledge interrupted and failed recordings and damaged files: they are no longer reported."""

    def set_clock(self, to: datetime) -> None:
        """Step the wall clock. Raises ConsoleError where this firmware is not allowed to."""

    def settings(self) -> dict[str, dict[str, Scalar | None]]:
        """The configuration in force."""

    def check_change(self, changes: Changes) -> None:
        """Raise ConfigError when `changes` would give an invalid configuration."""

    async def change(self, changes: Changes, reason: str) -> Outcome:
        """Restart with `changes` on trial: the camera reverts them by itself when it does not work with them."""

    def history(self) -> Sequence[dict[str, object]]:
        """The camera's events with monotonic times, oldest first: no footage, no secrets."""

    async def wait_for_presence(self, within_s: float) -> bool:
        """Whether the button was held for 3 s within that time, which proves that the user is at the camera."""

    @property
    def presence_hint(self) -> str:
        """Instruction to the user how to prove presence."""

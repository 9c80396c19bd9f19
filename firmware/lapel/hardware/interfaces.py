"""The devices of a camera: one small Protocol each, no implementation.

A laptop, a Raspberry Pi and the simulator each pass in objects that implement them. A camera may have no `Battery`,
`Positioning`, `Dock`, `Switches`, `Triggers` or `BoardHealth`, as a laptop has none.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.clock import Instant
from lapel.fragment import ClipFragment, Fragment
from lapel.indications import Light, Pattern, Signal
from lapel.policy.profile import TriggerSource
from lapel.recording import Account, ExpiredRecording
from lapel.states import State

Image = NDArray[np.uint8]
"""The image of a frame as OpenCV holds it: (height, width, 3) bytes, blue-green-red; or planes, see `Layout`."""

Layout = Literal["bgr", "i420"]
"""`bgr`: blue-green-red bytes. `i420`: (height * 3/2, width) bytes, the brightness and then the two colours at half
size: what a camera module delivers and encoders take, without a conversion.
"""


# -- video source ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """One captured frame. The camera may draw on `image`, and does not keep it."""

    captured: Instant
    image: Image
    dropped_before: int = 0
    """How many frames the source knows that it has skipped since the previous one."""
    note: str = ""
    """What the source has to report about its frames from this one on, for the camera's log."""
    layout: Layout = "bgr"
    """How `image` holds the pixels."""

    @property
    def height(self) -> int:
        """Rows of pixels; an `i420` image has half as many again, for the colours."""
        rows = len(self.image)
        return rows if self.layout == "bgr" else rows * 2 // 3


@dataclass(frozen=True, slots=True)
class CodedFrame:
    """One frame as H.264 that the source has encoded; it is recorded without decoding it."""

    captured: Instant
    data: bytes
    """Annex B; a keyframe begins with its parameter sets."""
    is_keyframe: bool
    size: tuple[int, int]
    """(width, height)."""
    dropped_before: int = 0
    """How many frames are known to be missing since the previous one."""
    note: str = ""
    """What the source has to report about its frames from this one on, for the camera's log."""


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """What a source delivers: size in pixels, and frames per second."""

    width: int
    height: int
    rate_fps: float


class FrameSource(Protocol):
    """A video source. It is opened, read and closed only in the capture thread."""

    @property
    def name(self) -> str:
        """The source as the user named it: `/dev/video0`, `bikes.mp4`, `scene`."""

    def open(self) -> FrameFormat:
        """Start delivering. Raises VideoError when there is no such device, file or address."""

    def read(self) -> Frame:
        """Wait for the next frame. Raises VideoEnded at the end of a file, VideoError when no frame arrives."""

    def close(self) -> None:
        """Release the device; it may be opened again. Harmless when not open."""


class CodedSource(Protocol):
    """A video source that encodes by itself; else as a FrameSource."""

    @property
    def name(self) -> str:
        """See `FrameSource.name`."""

    def open(self) -> FrameFormat:
        """See `FrameSource.open`."""

    def read(self) -> CodedFrame:
        """See `FrameSource.read`. Keyframes come at least every `LONGEST_GOP_S`; else it raises VideoError."""

    def close(self) -> None:
        """See `FrameSource.close`."""


# -- footage: video source, encoder and pre-event buffer ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PreEvent:
    """The buffered fragments from before a trigger, oldest first; references, not copies."""

    fragments: Sequence[Fragment]
    configured_s: float
    """Configured length of the pre-event buffer."""
    shortfall: str | None
    """Why the closed fragments reach back less than `configured_s`; None when they reach far enough."""


class SoundStatus(msgspec.Struct, frozen=True, gc=False):
    """State of the microphone."""

    lost: str | None = None
    """Why no sound arrives at the moment; None while it does."""
    rms_dbfs: float = -120.0
    """Level over the last second, in dB below full scale; -120 for silence."""
    peak_dbfs: float = -120.0
    """Highest sample of the last second."""
    silent_s: float = 0.0
    """For how long the level has been below -90 dBFS, which no working microphone delivers."""


class FootageStatus(msgspec.Struct, frozen=True, gc=False):
    """State of the capture, for telemetry and the status line."""

    buffered_s: float = 0.0
    buffered_bytes: int = 0
    measured_fps: float = 0.0
    dropped_frames: int = 0
    """Since the capture began."""
    lost: str | None = None
    """Why no frames arrive at the moment; None while they do."""
    last_frame_age_s: float | None = None
    """Seconds since the newest frame was captured; None where it is not known."""
    unchanged_s: float | None = None
    """How long consecutive frames have been identical, which no working sensor delivers; None where it is not known."""
    sound: SoundStatus | None = None
    """How the microphone does; None where no sound is recorded."""
    reduced: bool = False
    """Whether frames are smaller than the source's, because the encoder cannot keep up."""


class FootageListener(Protocol):
    """Receives what is captured. Called on the event loop; must not block."""

    def on_fragment(self, fragment: Fragment) -> None:
        """A GOP was closed. Fragments are delivered in order, each once."""

    def on_source_note(self, note: str) -> None:
        """The source reports something about its frames: their pixels are not square, their size changed."""

    def on_video_reduced(self, width: int, height: int, reason: str) -> None:
        """Frames are smaller from now on."""

    def on_source_lost(self, reason: str) -> None:
        """No more frames arrive; the source is being reopened with back-off."""

    def on_source_restored(self) -> None:
        """Frames arrive again, or for the first time."""

    def on_source_ended(self, reason: str) -> None:
        """No more frames will arrive: a file has ended, or the capture has failed for good."""


class Footage(Protocol):
    """Video source, encoder and pre-event buffer as one device."""

    async def start(self, listener: FootageListener, reason: str) -> None:
        """Start capturing into an empty pre-event buffer. Returns at once; frames follow when the source delivers them.

        `reason`: what began the capture, in words that follow "when"; part of the reason for a short pre-event buffer.
        """

    async def stop(self) -> None:
        """Stop capturing, deliver the open GOP, empty the buffer. Harmless when not started."""

    async def cut(self, wait_s: float = 0.0) -> bool:
        """Close the open GOP now and start the next with a keyframe. Returns once the closed fragment is delivered.

        False where only the source decides about keyframes, and its next one, with which the open GOP ends, has not
        come within `wait_s`.
        """

    def set_muted(self, is_muted: bool, moment: Instant) -> None:
        """Record true silence from that moment on, which is now, or sound again. Harmless without sound."""

    def before(self, moment: Instant) -> PreEvent:
        """The buffered fragments that reach back from `moment` by the configured length, to the next GOP boundary."""

    def status(self) -> FootageStatus:
        """State of the capture at this moment."""


# -- storage ---------------------------------------------------------------------------------------------------------


class RecordingFiles(Protocol):
    """The files of one clip while they are written. Blocking: called through a Worker, one call at a time.

    Every method raises StorageError when the disk does not accept the data.
    """

    def append(self, fragments: Sequence[ClipFragment]) -> None:
        """Append the next fragments to the video and sync them: all, or none. When the first call returns, the file has
        its final name: `video.mp4`, or `video.sealed` where it is encrypted.

        Raises ClipLostError, having written nothing, when the file is not as the last call left it.
        """

    def describe(self, account: Account) -> None:
        """Replace `recording.json`, atomically and synced. Of a *complete* account the video is looked at first: raises
        ClipLostError when it is not as the last `append` left it.
        """

    def close(self) -> None:
        """Close the files. Harmless when closed."""


class Storage(Protocol):
    """The storage for recordings. Blocking: called through a Worker."""

    def check(self) -> None:
        """Raise StorageError, with a one-line reason, when no recording could be started now."""

    def free_bytes(self) -> int:
        """Room left for recordings."""

    def create(self, account: Account) -> RecordingFiles:
        """Create a clip's folder, named `account.recording`, with its first `recording.json`."""

    def log(self, entries: Sequence[AuditEntry]) -> AuditPosition:
        """Append entries to the audit log, signed and synced: all, or none. Returns where the log stands then."""

    def recover(self) -> list[Account]:
        """Mark clips that an earlier session left unfinished as *interrupted*, keep them, and return their accounts."""


class Retention(Protocol):
    """Deletes recordings that may go from the storage card. Blocking: called through a Worker."""

    def expired(self, now: datetime) -> list[ExpiredRecording]:
        """The recordings that may go now, the oldest first. Raises StorageError."""

    def delete(self, recording: str, now: datetime, entry: AuditEntry) -> None:
        """Write `entry` to the audit log, then delete. Raises StorageError, also for a recording that may not go."""


# -- wearer ----------------------------------------------------------------------------------------------------------

ButtonAction = Literal["event", "mark", "quit"]
"""What a key stands for: `event` starts and stops a recording, `quit` ends the session, even while recording."""


class Buttons(Protocol):
    """Buttons with one meaning each, such as the keys of a terminal."""

    def presses(self) -> AsyncIterator[ButtonAction]:
        """Each press when it happens; ends only when cancelled."""


ButtonName = Literal["event", "power", "select"]
"""The buttons of a body-worn camera."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A button went down or came up."""

    button: ButtonName
    is_down: bool
    at_s: float | None = None
    """When, in monotonic seconds; None: now. A busy camera must not take a press for a hold."""


class Switches(Protocol):
    """The buttons of a body-worn camera, raw: down and up edges, which `lapel.button_set` interprets."""

    def down(self) -> Sequence[ButtonName]:
        """The buttons that are down right now."""

    def edges(self) -> AsyncIterator[Edge]:
        """Each edge since the iteration began; ends only when cancelled."""


@dataclass(frozen=True, slots=True)
class TriggerEdge:
    """A trigger input has become active, or gone back."""

    source: TriggerSource
    is_active: bool
    at_s: float | None = None
    """When, in monotonic seconds; None: now."""


class Triggers(Protocol):
    """Inputs that ask for a recording: a holster, a light bar."""

    def edges(self) -> AsyncIterator[TriggerEdge]:
        """Each edge since the iteration began; ends only when cancelled."""


class Indicators(Protocol):
    """Lights, tones, a display: how the camera informs its wearer. Never blocks. In stealth it is given no light but
    *dark*, and no signal.
    """

    def show_line(self, line: str) -> None:
        """Show a line of text: a state, a refusal and its reason, a saved recording."""

    def show_state(self, state: State) -> None:
        """The state until the next call, for a display or a service manager: no light follows from it."""

    def show_light(self, light: Light) -> None:
        """Show this light until the next call."""

    def signal(self, signal: Signal, pattern: Pattern) -> None:
        """Sound and vibrate once, after what was signalled before. `pattern` says how."""

    def identify(self, seconds: float) -> None:
        """Blink and beep for `seconds`, so that this camera can be found among many."""

    def silence(self) -> None:
        """End every tone and vibration, and `identify`, at once: the camera goes into stealth."""


# -- power -----------------------------------------------------------------------------------------------------------


class Charge(msgspec.Struct, frozen=True, gc=False):
    """A reading of the battery's gauge."""

    percent: float
    """0 to 100."""
    minutes_left: float | None
    """How long the camera could *record* with this charge, whatever it does now; None where the gauge does not know."""
    charging: bool
    temperature_c: float | None
    """Of the cells; None where the gauge does not measure it."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Readings at which the camera is to be notified."""

    percent: Sequence[float] = ()
    minutes_left: Sequence[float] = ()
    temperature_c: Sequence[float] = ()


class Battery(Protocol):
    """The battery's gauge."""

    def charge(self) -> Charge:
        """The reading of this moment. Never blocks, never raises: if the gauge does not answer, its last reading."""

    async def crossed(self, thresholds: Thresholds) -> None:
        """Return when a reading has crossed a threshold, up or down, or charging began or ended, since the call.

        A gauge with an alarm output, and a simulated one, need no wake-ups in between; any other is polled.
        """


class Dock(Protocol):
    """The contacts by which a camera detects its dock."""

    def is_docked(self) -> bool:
        """Whether the camera is in its dock right now."""

    async def changed(self) -> None:
        """Return when it has been put in or taken out since the call."""


class BoardHealth(Protocol):
    """What the camera's board reports about itself."""

    def flags(self) -> list[str]:
        """Conditions of this moment, as flags of the state message: `undervoltage`, `throttled`, `board-hot`."""


# -- position --------------------------------------------------------------------------------------------------------


class Fix(msgspec.Struct, frozen=True, gc=False):
    """A position of the camera: degrees in WGS 84, north and east positive."""

    latitude: float
    longitude: float
    accuracy_m: float
    """Radius within which the camera was, as the receiver estimates it."""
    age_s: float
    """Seconds since the camera was there."""

    def rounded(self) -> "Fix":
        """To a tenth of a metre and a tenth of a second: what is published and recorded."""
        return Fix(
            round(self.latitude, _DEGREE_DIGITS),
            round(self.longitude, _DEGREE_DIGITS),
            round(self.accuracy_m, 1),
            round(self.age_s, 1),
        )


_DEGREE_DIGITS = 6  # a tenth of a metre


class Positioning(Protocol):
    """A GPS receiver. It is read when the position is needed, and causes no wake-ups."""

    def last_fix(self) -> Fix | None:
        """The newest fix, however old; None before the first."""

    def satellites(self) -> int:
        """How many satellites it uses right now; with fewer than 4 there is no new fix."""


# -- service port ----------------------------------------------------------------------------------------------------


class SerialLine(Protocol):
    """A serial line with at most one client at its other end. Belongs to the event loop; no method blocks it."""

    @property
    def name(self) -> str:
        """The device as the user named it: `/dev/ttyAMA0`, `/dev/pts/7`."""

    @property
    def baud(self) -> int | None:
        """Bits per second, ten per byte; None where the line has no speed of its own."""

    async def attached(self) -> None:
        """Wait until a client is attached. What an earlier client left unread is discarded by then."""

    async def read(self) -> bytes:
        """The next bytes; `b""` once the client has detached."""

    def write(self, data: bytes) -> bool:
        """Queue `data`; or drop all of it and return False when too much is queued already or no client is attached."""

    def waiting_bytes(self) -> int:
        """How much was written and has not been sent yet."""

    async def drained(self) -> None:
        """Wait until everything written has been sent, or the client has detached."""

    def discard(self) -> None:
        """Discard what was written and has not been sent yet."""

    def close(self) -> None:
        """Close the line. Harmless when closed."""

"""What the firmware asks of the things around it: one small Protocol per device, no implementation.

A laptop, a Raspberry Pi and the simulator each pass in objects that fit. Nothing here is imported for its effects.
A camera may lack `Battery`, `Positioning`, `Dock` and `Switches`: a laptop does. The simulator has all of them; for a
Raspberry Pi none ships yet.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lapel.clock import Instant
from lapel.fragment import Fragment
from lapel.recording import Account
from lapel.states import State

Image = NDArray[np.uint8]
"""A picture as OpenCV holds it: (height, width, 3) bytes, blue-green-red."""


# -- lens ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """One captured picture. `image` is the camera's to draw on and is not kept."""

    captured: Instant
    image: Image
    dropped_before: int = 0
    """Pictures the source knows it had to skip since the previous frame."""


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """What a source delivers: pixels and pictures per second."""

    width: int
    height: int
    rate_fps: float


class FrameSource(Protocol):
    """A lens. Opened, read and closed in the capture thread, nowhere else."""

    @property
    def name(self) -> str:
        """As the user named it: `/dev/video0`, `bikes.mp4`, `scene`."""

    def open(self) -> FrameFormat:
        """Begin to deliver. Raises VideoError when there is no such device, file or address."""

    def read(self) -> Frame:
        """Wait for the next picture. Raises VideoEnded at the end of a file, VideoError when pictures stay away."""

    def close(self) -> None:
        """Let go of the device; may be opened again. Harmless when not open."""


# -- footage: what the lens saw, encoded -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PreEvent:
    """The fragments from before a trigger, oldest first; references, not copies."""

    fragments: Sequence[Fragment]
    asked_s: float
    shortfall: str | None
    """Why the closed fragments reach back less than `asked_s`; None when they reach far enough."""


@dataclass(frozen=True, slots=True)
class FootageStatus:
    """How capturing goes, for telemetry and the status line."""

    buffered_s: float = 0.0
    buffered_bytes: int = 0
    measured_fps: float = 0.0
    dropped_frames: int = 0
    """Since capturing began."""
    lost: str | None = None
    """Why no pictures come at the moment; None while they do."""
    last_frame_age_s: float | None = None
    """Seconds since the newest picture was captured; None where nobody can tell."""
    unchanged_s: float | None = None
    """How long the picture has been exactly the same: no lens in the world does that. None where nobody can tell."""


class FootageListener(Protocol):
    """Who wants to know what is captured. Called on the event loop, never blocks."""

    def on_fragment(self, fragment: Fragment) -> None:
        """A GOP closed. They come in order, each once."""

    def on_source_lost(self, reason: str) -> None:
        """Pictures stay away; the source is being reopened with back-off."""

    def on_source_restored(self) -> None:
        """Pictures come again (also: the first ones came)."""

    def on_source_ended(self, reason: str) -> None:
        """No more pictures will come: a file played to its end, or capturing failed for good."""


class Footage(Protocol):
    """Lens, encoder and pre-event buffer as one: what was seen, and what is being seen."""

    async def start(self, listener: FootageListener, reason: str) -> None:
        """Begin to capture into an empty pre-event buffer. Returns at once; frames follow when the source delivers.

        `reason`: what began the capture, in words that follow "when"; part of the reason for a short pre-event buffer.
        """

    async def stop(self) -> None:
        """Stop capturing, deliver the open GOP, empty the buffer. Harmless when not started."""

    async def cut(self) -> None:
        """Close the open GOP now and begin the next with a keyframe. Returns once its fragment was delivered."""

    def before(self, moment: Instant) -> PreEvent:
        """The buffered fragments that reach back from `moment` as far as was configured, and no further GOP."""

    def status(self) -> FootageStatus:
        """How capturing goes right now."""


# -- storage ---------------------------------------------------------------------------------------------------------


class RecordingFiles(Protocol):
    """One clip's folder while it is written. Blocking: called through a Worker, one call at a time.

    Every method raises StorageError when the disk does not take what it is given.
    """

    def append(self, chunks: Sequence[bytes | bytearray]) -> None:
        """Write and `fdatasync`. After the first call returns, `video.mp4` has its name, for good."""

    def describe(self, account: Account) -> None:
        """Replace `recording.json`, atomically and synced."""

    def close(self) -> None:
        """Let go of the files. Harmless when closed."""


class Storage(Protocol):
    """Where recordings go. Blocking: called through a Worker."""

    def check(self) -> None:
        """Raise StorageError, in one line, when a recording could not be begun now."""

    def free_bytes(self) -> int:
        """Room left for recordings."""

    def create(self, account: Account) -> RecordingFiles:
        """A new clip's folder, named `account.recording`, with its first `recording.json`."""

    def recover(self) -> list[Account]:
        """Mark what an earlier session left unfinished as *interrupted*, keep it, and say which clips those are."""


# -- wearer ----------------------------------------------------------------------------------------------------------

ButtonAction = Literal["event", "mark", "quit"]
"""What the wearer asked for: `event` starts and stops a recording, `quit` ends the session, recording or not."""


class Buttons(Protocol):
    """Buttons that mean something each, as the keys of a terminal do."""

    def presses(self) -> AsyncIterator[ButtonAction]:
        """Each press as it happens; ends only when cancelled."""


ButtonName = Literal["event", "power"]
"""The two buttons of a body-worn camera."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A button went down, or up."""

    button: ButtonName
    is_down: bool


class Switches(Protocol):
    """The buttons of a body-worn camera, raw: down and up, already free of bounce. `lapel.gestures` reads them."""

    def down(self) -> Sequence[ButtonName]:
        """Which are down right now."""

    def edges(self) -> AsyncIterator[Edge]:
        """Each change from the first step of the iteration on; ends only when cancelled."""


Signal = Literal["recording", "refused", "low battery", "critical battery"]
"""Something that the wearer must notice without looking: a pattern of tones and vibrations each."""


class Indicators(Protocol):
    """Lights, tones, a terminal: what tells the wearer how things stand. Never blocks."""

    def show_line(self, line: str) -> None:
        """One line worth reading: a state, a refusal and its reason, a recording saved."""

    def show_state(self, state: State) -> None:
        """Show the state until the next one. `lapel.indications.LIGHTS` says by which light."""

    def signal(self, signal: Signal) -> None:
        """Sound and vibrate, once."""

    def identify(self, seconds: float) -> None:
        """Blink and beep for so long, so that somebody finds this camera among many."""


# -- power -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Charge:
    """What a battery's gauge reads."""

    percent: float
    """0 to 100."""
    minutes_left: float | None
    """How long the camera could still *record*, whatever it does now; None where the gauge cannot tell."""
    charging: bool
    temperature_c: float
    """Of the cells."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Readings at which the camera wants to know."""

    percent: Sequence[float] = ()
    minutes_left: Sequence[float] = ()
    temperature_c: Sequence[float] = ()


class Battery(Protocol):
    """The battery's gauge."""

    def charge(self) -> Charge:
        """The reading of this moment. Never blocks, never raises: a gauge that does not answer keeps its last one."""

    async def crossed(self, marks: Marks) -> None:
        """Return once a reading has crossed one of `marks`, up or down, or charging began or ended, since the call.

        So a gauge with an alarm line, and a simulated one, need wake nobody in between; any other looks now and then.
        """


class Dock(Protocol):
    """The contacts by which a camera knows that it stands in its dock."""

    def is_docked(self) -> bool:
        """Right now."""

    async def changed(self) -> None:
        """Return once it has been put in or taken out since the call."""


# -- position --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fix:
    """Where the camera was: degrees in WGS 84, north and east positive."""

    latitude: float
    longitude: float
    accuracy_m: float
    """Radius within which it lies, as the receiver estimates it."""
    age_s: float
    """Seconds since it was there."""


class Positioning(Protocol):
    """A GPS receiver. Asked when the position is wanted; keeps nobody awake."""

    def last_fix(self) -> Fix | None:
        """The newest, however old; None while there was none."""

    def satellites(self) -> int:
        """How many it uses right now; below 4 there is no new fix."""


# -- service port ----------------------------------------------------------------------------------------------------


class SerialLine(Protocol):
    """A serial line with at most one technician at its other end. Belongs to the event loop; nothing blocks it."""

    @property
    def name(self) -> str:
        """As the user named it: `/dev/ttyAMA0`, `/dev/pts/7`."""

    @property
    def baud(self) -> int | None:
        """Bits per second, ten to a byte; None where the line has no speed of its own."""

    async def attached(self) -> None:
        """Wait until somebody is there. What was left unread of an earlier visit is gone by then."""

    async def read(self) -> bytes:
        """The next bytes; `b""` once the other end has hung up."""

    def write(self, data: bytes) -> bool:
        """Queue `data`, or drop all of it and say False when too much waits already or nobody is there."""

    def waiting_bytes(self) -> int:
        """How much was written and has not left yet."""

    async def drained(self) -> None:
        """Wait until everything written has left, or the other end has hung up."""

    def discard(self) -> None:
        """Forget what was written and has not left yet."""

    def close(self) -> None:
        """Let go of the line. Harmless when closed."""

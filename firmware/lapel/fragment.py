"""The fragment: one closed GOP of encoded video, the unit that media, evidence and link handle."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lapel.clock import Instant

TICKS_PER_S = 90_000
"""The time base of every track: ISO 14496-12 leaves it open, 90 kHz is what MPEG systems count in."""

LONGEST_GOP_S = 10.0
"""The longest GOP that is taken from a source which decides itself about keyframes, and the longest that is encoded."""


@dataclass(frozen=True, slots=True)
class Gap:
    """An interval without frames just before a fragment: how long, and why (`source lost`, `encoder too slow`, …)."""

    duration_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Fragment:
    """About a second of encoded video that can be decoded by itself. Immutable; muxed once, with camera time stamps.

    A recording writes `header` once and then the `body` of each of its fragments, with only the sequence number
    and the decode time patched (`boxes.placed`). Two fragments can stand in one file only if their headers are
    equal; a new header (the source changed its size) requires a new clip.
    """

    number: int
    """Counts from 1 on the camera's time line; the next fragment has the next number."""
    start: Instant
    """When the first frame was captured."""
    start_ticks: int
    """The same moment in 1/90000 s since the camera began to capture: the decode time inside `body`."""
    duration_ticks: int
    """To the end of the last frame, which is the start of the next one where no gap follows."""
    frames: int
    """Frames inside."""
    header: bytes
    """`ftyp` and `moov` for a file of such fragments; one object shared by all that an encoder made."""
    body: bytes
    """`moof` and `mdat`."""
    gap_before: Gap | None = None
    """Set when frames are missing between the previous fragment and this one."""
    dropped_frames: int = 0
    """Frames that the source delivered and the camera could not take, since the previous fragment."""

    sound: bytes = b""
    """`moof` and `mdat` of the sound that begins in its time; empty without sound. Written behind `body`."""
    sound_before: bytes = b""
    """The same for sound from a gap in the video just before it; not written where a clip begins."""
    silence: bytes = b""
    """One frame of silence as a fragment of the sound track at time 0, shared by all that an encoder made. Written
    where a clip begins without sound: players take a track that begins later for longer than it is.
    """
    sound_spans: tuple[tuple[int, int], ...] = ()
    """Start and end of each uninterrupted stretch of that sound, in 1/90000 s on the camera's time line."""
    sound_lost: str | None = None
    """Why there is less sound than video; None when there is not, or when no sound is recorded."""

    def without_sound(self) -> "Fragment":
        """The same video."""
        has_sound = bool(self.sound or self.sound_before or self.sound_lost)
        return replace(self, sound=b"", sound_before=b"", sound_spans=(), sound_lost=None) if has_sound else self

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.duration_ticks / TICKS_PER_S

    @property
    def end_mono_s(self) -> float:
        """Monotonic time at which the last frame ends."""
        return self.start.mono_s + self.duration_s

    @property
    def size_bytes(self) -> int:
        """Size in memory and on disk, without the header."""
        return len(self.body) + len(self.sound) + len(self.sound_before)


@dataclass(frozen=True, slots=True)
class ClipFragment:
    """A fragment at its place in a clip, as the bytes that it adds to the clip's file."""

    number: int
    """Counts from 1 within the clip; the first one brings the file's header."""
    start_ticks: int
    """On the clip's own time line, which starts at 0."""
    duration_ticks: int
    frames: int
    captured: Instant
    """When its first frame was captured."""
    chunks: Sequence[bytes | bytearray]
    dropped_frames: int = 0
    """Frames that the camera could not take, since the fragment before."""
    has_sound: bool = False

    @property
    def size_bytes(self) -> int:
        """What it adds to the file."""
        return sum(map(len, self.chunks))

"""The media of computed footage: none, or a loop of real fragments that all cameras share; each with sound or without.

Imports neither OpenCV nor FFmpeg; `clip_encoding` makes the loop.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from lapel import mp4_boxes as boxes
from lapel.errors import VideoError
from lapel.fragment import TICKS_PER_S
from lapel_fleet.hardware import blank_fragments

FPS = 30
"""Frames per second of all computed footage."""
GOP_S = 1.0
"""Length of a GOP of a loop, exact to the tick."""
SOUND_RATE_HZ = 48_000
SOUND_FRAME_SAMPLES = 1024
"""Samples in each frame of AAC-LC (as `lapel.media.aac` has it, whose import needs FFmpeg)."""


@dataclass(frozen=True, slots=True)
class SoundLevel:
    """Level of recorded sound in dB below full scale."""

    rms_dbfs: float
    peak_dbfs: float


TONE_LEVEL = SoundLevel(-13.5, -10.5)
"""Of the test tone, a sine with an amplitude of 0.3."""


@dataclass(frozen=True, slots=True)
class SoundRun:
    """AAC frames that follow each other, on a camera's time line."""

    start_samples: int
    frames: int
    is_silent: bool = False

    @property
    def end_samples(self) -> int:
        """Where the frame after it begins."""
        return self.start_samples + self.frames * SOUND_FRAME_SAMPLES


class FragmentSource(Protocol):
    """Supplies the bytes of computed fragments. Has no state of any camera, so one serves them all."""

    @property
    def header(self) -> bytes:
        """`ftyp` and `moov` for a file of its fragments."""

    @property
    def longest_s(self) -> float:
        """Longest fragment: while a camera records, one is delivered this often."""

    @property
    def starts_anywhere(self) -> bool:
        """Whether a fragment may begin at any frame. A GOP may not: it begins with its keyframe."""

    def body(self, number: int, start_ticks: int, frames: int, duration_ticks: int) -> bytes:
        """`moof` and `mdat` of a camera's fragment `number`: so many frames, beginning at `start_ticks`."""

    @property
    def has_sound(self) -> bool:
        """Whether its files have a sound track."""

    @property
    def silence(self) -> bytes:
        """See `Fragment.silence`; empty without sound."""

    @property
    def level(self) -> SoundLevel:
        """Of its sound."""

    def sound(self, number: int, start_samples: int, run: SoundRun) -> bytes:
        """`moof` and `mdat` of a run of the sound to a camera's fragment `number`, which begins at `start_samples`."""


class BlankSource:
    """Fragments of real boxes without video. They last a minute, so that a recording camera rarely wakes up."""

    longest_s = 60.0
    starts_anywhere = True
    level = TONE_LEVEL

    def __init__(self, *, has_sound: bool = False) -> None:
        self.has_sound = has_sound
        self.header = blank_fragments.header(TICKS_PER_S, SOUND_RATE_HZ) if has_sound else blank_fragments.HEADER
        self.silence = blank_fragments.sound(0, 1, SOUND_FRAME_SAMPLES) if has_sound else b""

    def body(self, number: int, start_ticks: int, frames: int, duration_ticks: int) -> bytes:
        """See `FragmentSource.body`."""
        each = duration_ticks // frames
        durations = [each] * (frames - 1) + [duration_ticks - each * (frames - 1)]  # the last takes the remainder
        return blank_fragments.body(number, start_ticks, durations)

    def sound(self, number: int, start_samples: int, run: SoundRun) -> bytes:  # noqa: ARG002  # all alike
        """See `FragmentSource.sound`."""
        return blank_fragments.sound(run.start_samples, run.frames, SOUND_FRAME_SAMPLES)


class SharedClip:
    """A loop of GOPs of one second. A camera's fragment `n` holds the loop's GOP `n`, or its first frames; its sound is
    that of the same part of the loop, to the nearest AAC frame.
    """

    longest_s = GOP_S
    starts_anywhere = False

    def __init__(self, loop: bytes, level: SoundLevel = TONE_LEVEL, silent_frame: bytes = b"") -> None:
        """`loop` is a fragmented MP4 as `clip_encoding` makes it. Raises VideoError for any other. `level`: of its
        sound; `silent_frame`: an AAC frame of silence in its format.
        """
        try:
            self.header = loop[: boxes.find(loop, b"moov").end]
            self._gops = list(_gops(loop))
            self._sound = [frame for body in _bodies(loop, boxes.SOUND_TRACK) for frame in boxes.sound_frames(body)]
        except (LookupError, struct.error) as error:
            raise VideoError(f"loop: is no fragmented MP4, or a damaged one: {error}") from error
        self.level, self._silent_frame = level, silent_frame
        self.silence = boxes.sound_fragment([silent_frame], 0, SOUND_FRAME_SAMPLES) if self.has_sound else b""
        if not self._gops:
            raise VideoError("loop: holds no GOP of a second; make it with `lapel_fleet.hardware.clip_encoding`")
        self.size_bytes = len(loop)

    @property
    def has_sound(self) -> bool:
        """See `FragmentSource.has_sound`."""
        return bool(self._sound)

    @property
    def length_s(self) -> float:
        """Seconds after which the loop begins again."""
        return len(self._gops) * GOP_S

    @property
    def bitrate_bps(self) -> int:
        """Average bits per second."""
        return round(self.size_bytes * 8 / self.length_s)

    def body(self, number: int, start_ticks: int, frames: int, duration_ticks: int) -> bytes:
        """See `FragmentSource.body`."""
        gop = self._gops[(number - 1) % len(self._gops)]
        is_whole = duration_ticks == GOP_S * TICKS_PER_S
        return bytes(boxes.placed(gop if is_whole else boxes.prefix(gop, frames, duration_ticks), number, start_ticks))

    def sound(self, number: int, start_samples: int, run: SoundRun) -> bytes:
        """See `FragmentSource.sound`."""
        in_loop = (number - 1) % len(self._gops) * round(GOP_S * SOUND_RATE_HZ) + run.start_samples - start_samples
        first = round(in_loop / SOUND_FRAME_SAMPLES)
        frames = [
            self._silent_frame if run.is_silent else self._sound[index % len(self._sound)]
            for index in range(first, first + run.frames)
        ]
        return boxes.sound_fragment(frames, run.start_samples, SOUND_FRAME_SAMPLES)


def _gops(loop: bytes) -> Iterator[bytes]:
    """The GOPs of `loop`. Raises VideoError when one does not last a second."""
    for gop in _bodies(loop, boxes.VIDEO_TRACK):
        if (boxes.duration_ticks(gop), boxes.frames(gop)) != (GOP_S * TICKS_PER_S, GOP_S * FPS):
            raise VideoError(f"loop: each GOP must have {FPS} frames and {GOP_S:g} s, exact to the tick")
        yield gop


def _bodies(loop: bytes, track: int) -> Iterator[bytes]:
    """`moof` and `mdat` of each fragment of a track."""
    start = None
    for box in boxes.boxes(loop):
        if box.kind == b"moof":
            start = box.payload - 8
        elif box.kind == b"mdat" and start is not None and boxes.track(body := loop[start : box.end]) == track:
            yield body

"""The media of computed footage: none, or a loop of real fragments that all cameras share.

Imports neither OpenCV nor FFmpeg; `clip_encoding` makes the loop.
"""

import struct
from collections.abc import Iterator
from typing import Protocol

from lapel import mp4_boxes as boxes
from lapel.errors import VideoError
from lapel.fragment import TICKS_PER_S
from lapel_fleet.hardware import blank_fragments

FPS = 30
"""Frames per second of all computed footage."""
GOP_S = 1.0
"""Length of a GOP of a loop, exact to the tick."""


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


class BlankSource:
    """Fragments of real boxes without video. They last a minute, so that a recording camera rarely wakes up."""

    header = blank_fragments.HEADER
    longest_s = 60.0
    starts_anywhere = True

    def body(self, number: int, start_ticks: int, frames: int, duration_ticks: int) -> bytes:
        """See `FragmentSource.body`."""
        each = duration_ticks // frames
        durations = [each] * (frames - 1) + [duration_ticks - each * (frames - 1)]  # the last takes the remainder
        return blank_fragments.body(number, start_ticks, durations)


class SharedClip:
    """A loop of GOPs of one second. A camera's fragment `n` holds the loop's GOP `n`, or its first frames."""

    longest_s = GOP_S
    starts_anywhere = False

    def __init__(self, loop: bytes) -> None:
        """`loop` is a fragmented MP4 as `clip_encoding` makes it. Raises VideoError for any other."""
        try:
            self.header = loop[: boxes.find(loop, b"moov").end]
            self._gops = list(_gops(loop))
        except (LookupError, struct.error) as error:
            raise VideoError(f"loop: is no fragmented MP4, or a damaged one: {error}") from error
        if not self._gops:
            raise VideoError("loop: holds no GOP of a second; make it with `lapel_fleet.hardware.clip_encoding`")
        self.size_bytes = len(loop)

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


def _gops(loop: bytes) -> Iterator[bytes]:
    """The fragments of `loop`. Raises VideoError when one does not last a second."""
    start = None
    for box in boxes.boxes(loop):
        if box.kind == b"moof":
            start = box.payload - 8
        elif box.kind == b"mdat" and start is not None:
            gop = loop[start : box.end]
            if (boxes.duration_ticks(gop), boxes.frames(gop)) != (GOP_S * TICKS_PER_S, GOP_S * FPS):
                raise VideoError(f"loop: each GOP must have {FPS} frames and {GOP_S:g} s, exact to the tick")
            yield gop

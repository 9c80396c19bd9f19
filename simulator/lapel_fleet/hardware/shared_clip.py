"""What computed footage shows: nothing, or a loop of real fragments that all cameras share. Imports neither OpenCV nor
FFmpeg; who needs a loop made looks into `loop.py`.
"""

import struct
from collections.abc import Iterator
from typing import Protocol

from lapel import boxes
from lapel.errors import VideoError
from lapel.fragment import TICKS_PER_S
from lapel_fleet.hardware import blank_fragments

FPS = 30
"""Pictures a second, in every reel."""
GOP_S = 1.0
"""How long a GOP of a loop lasts, to the tick."""


class FragmentSource(Protocol):
    """Where the media of computed fragments come from. Holds nothing of any camera's, so one serves them all."""

    @property
    def header(self) -> bytes:
        """`ftyp` and `moov` for a file of its fragments."""

    @property
    def longest_s(self) -> float:
        """How long a fragment lasts at most: while a camera records, one is delivered so often."""

    @property
    def begins_anywhere(self) -> bool:
        """Whether a fragment may begin between two others' ends. A GOP cannot: it begins with its keyframe."""

    def body(self, number: int, start_ticks: int, frames: int, duration_ticks: int) -> bytes:
        """`moof` and `mdat` of a camera's fragment `number`: `frames` pictures from `start_ticks` on."""


class BlankSource:
    """Real boxes with no pictures in them: fragments of a minute, so that a camera that records wakes nobody."""

    header = blank_fragments.HEADER
    longest_s = 60.0
    begins_anywhere = True

    def body(self, number: int, start_ticks: int, frames: int, duration_ticks: int) -> bytes:
        """See `FragmentSource.body`."""
        each = duration_ticks // frames
        durations = [each] * (frames - 1) + [duration_ticks - each * (frames - 1)]  # the last takes what is left over
        return blank_fragments.body(number, start_ticks, durations)


class SharedClip:
    """A loop of GOPs of a second each. A camera's fragment `n` shows the loop's GOP `n`, or its first pictures."""

    longest_s = GOP_S
    begins_anywhere = False

    def __init__(self, loop: bytes) -> None:
        """`loop` is a file as `loop.py` makes it: a fragmented MP4. Raises VideoError when it is another."""
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
        """After so many seconds the pictures come again."""
        return len(self._gops) * GOP_S

    @property
    def bitrate_bps(self) -> int:
        """What a second of it weighs."""
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
                raise VideoError(f"loop: each GOP must be {FPS} pictures and {GOP_S:g} s, to the tick")
            yield gop

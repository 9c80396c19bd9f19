"""Clips of real, encoded video for the store."""

from functools import cache

from fragments import instant
from lapel import mp4_boxes as boxes
from lapel.fragment import ClipFragment
from shared_clips import numbered_clip


@cache
def video_fragments(count: int = 3) -> tuple[ClipFragment, ...]:
    """The first seconds of the numbered clip, a fragment each."""
    clip = numbered_clip()
    return tuple(
        _placed(clip.header, bytes(clip.body(number, (number - 1) * 90_000, 30, 90_000)), number)
        for number in range(1, count + 1)
    )


def _placed(header: bytes, body: bytes, number: int) -> ClipFragment:
    start_ticks = (number - 1) * 90_000
    chunks = [header, body] if number == 1 else [body]
    return ClipFragment(number, start_ticks, 90_000, boxes.frames(body), instant(number - 1.0), chunks)

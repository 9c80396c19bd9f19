"""Fragments made without an encoder: real boxes, tiny media."""

from datetime import UTC, datetime

from lapel import mp4_boxes as boxes
from lapel.clock import Instant
from lapel.fragment import TICKS_PER_S, ClipFragment, Fragment, Gap
from lapel.media.clip import Placed
from lapel_fleet.hardware.blank_fragments import HEADER, body

EPOCH = datetime(2026, 11, 24, 7, 0, 0, tzinfo=UTC)


def instant(mono_s: float) -> Instant:
    return Instant(0.0, EPOCH).shifted(mono_s)


def fragment(
    number: int,
    start_s: float | None = None,
    duration_s: float = 1.0,
    frames: int = 10,
    *,
    media: bytes = b"media",
    header: bytes = HEADER,
    gap_before: Gap | None = None,
    dropped_frames: int = 0,
) -> Fragment:
    """Fragment `number`, by default the one second that follows those before it."""
    begin = (number - 1) * duration_s if start_s is None else start_s
    ticks = round(begin * TICKS_PER_S)
    each = round(duration_s * TICKS_PER_S / frames)
    return Fragment(
        number=number,
        start=instant(begin),
        start_ticks=ticks,
        duration_ticks=each * frames,
        frames=frames,
        header=header,
        body=body(number, ticks, [each] * frames, media),
        gap_before=gap_before,
        dropped_frames=dropped_frames,
    )


def media_in(video: bytes) -> list[bytes]:
    """The `media` of each fragment in a file, in order."""
    return [video[box.payload : box.end] for box in boxes.boxes(video) if box.kind == b"mdat"]


def stored(*chunks: bytes | bytearray) -> list[ClipFragment]:
    """Any bytes as the only fragment that a clip's files are given at once."""
    return [ClipFragment(1, 0, TICKS_PER_S, 10, instant(0.0), chunks)]


def clip_fragments(count: int, *, first: int = 1, media: bytes = b"media") -> list[ClipFragment]:
    """The fragments `first` and later of a clip, a second each, as its recorder places them."""
    return [
        Placed(fragment(number, media=media + b" %d" % number), number, (number - 1) * TICKS_PER_S).for_storage()
        for number in range(first, first + count)
    ]

"""Fragments built by hand: real boxes, tiny media, no encoder."""

import struct
from datetime import UTC, datetime

from lapel import boxes
from lapel.clock import Instant
from lapel.fragment import TICKS_PER_S, Fragment, Gap

HEADER = struct.pack(">I4s", 16, b"ftyp") + b"isom\0\0\2\0" + struct.pack(">I4s", 8, b"moov")
EPOCH = datetime(2026, 11, 24, 7, 0, 0, tzinfo=UTC)


def box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def instant(mono_s: float) -> Instant:
    return Instant(0.0, EPOCH).shifted(mono_s)


def body(sequence: int, ticks: int, durations: list[int], media: bytes = b"media") -> bytes:
    trun = struct.pack(f">II{len(durations)}I", 0x100, len(durations), *durations)
    traf = box(b"tfhd", struct.pack(">II", 0x020000, 1)) + box(b"tfdt", struct.pack(">IQ", 1 << 24, ticks))
    moof = box(b"mfhd", struct.pack(">II", 0, sequence)) + box(b"traf", traf + box(b"trun", trun))
    return box(b"moof", moof) + box(b"mdat", media)


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
    """The media of each fragment in a file, in order: what `fragment` was given as `media`."""
    return [video[one.payload : one.end] for one in boxes.boxes(video) if one.kind == b"mdat"]

"""MP4 boxes as pure bytes: renumber and retime fragments, and find how far a file is intact.

A box is a 4-byte big-endian size, a 4-byte type and a payload; containers hold boxes (ISO/IEC 14496-12, 4.2).
Nothing here decodes video, so evidence can be checked where neither OpenCV nor FFmpeg is installed.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import BinaryIO

from lapel.fragment import TICKS_PER_S

_BOX_HEADER = struct.Struct(">I4s")
_LARGE_SIZE = struct.Struct(">Q")
_FULL_BOX_BYTES = 4  # version and flags, before the fields of a "full box"

_DURATION, _SIZE = 0x100, 0x200
_SAMPLE_FIELDS = (_DURATION, _SIZE, 0x400, 0x800)
"""Flags of the fields that a `trun` may have for each sample: duration, size, flags, composition offset (ISO 14496-12,
8.8.8)."""
_DATA_OFFSET, _FIRST_SAMPLE_FLAGS = 0x001, 0x004
_BASE_IS_MOOF, _DEFAULT_DURATION, _DEFAULT_FLAGS, _SYNC_SAMPLE = 0x020000, 0x08, 0x20, 0x02000000
"""Flags of a `tfhd`, and those of a sample that can be decoded by itself (ISO 14496-12, 8.8.7 and 8.8.3.1)."""


@dataclass(frozen=True, slots=True)
class Box:
    """Position of a box: its type, and the offsets of its payload and its end in bytes."""

    kind: bytes
    payload: int
    end: int


def boxes(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The complete boxes in `data[start:end]`, in order; stops before one that is truncated or malformed."""
    stop = len(data) if end is None else end
    while start + _BOX_HEADER.size <= stop:
        size, kind = _BOX_HEADER.unpack_from(data, start)
        payload = start + _BOX_HEADER.size
        if size == 1 and payload + _LARGE_SIZE.size <= stop:
            (size,) = _LARGE_SIZE.unpack_from(data, payload)
            payload += _LARGE_SIZE.size
        if size < payload - start or start + size > stop:
            return
        yield Box(kind, payload, start + size)
        start += size


def find(data: bytes | bytearray, *path: bytes) -> Box:
    """The first box at `path`, as in `find(body, b"moof", b"traf", b"tfdt")`. Raises LookupError."""
    here = Box(b"", 0, len(data))
    for kind in path:
        inside = (box for box in boxes(data, here.payload, here.end) if box.kind == kind)
        child = next(inside, None)
        if child is None:
            raise LookupError(f"no {b'/'.join(path).decode()} box")
        here = child
    return here


def placed(body: bytes | bytearray, sequence: int, start_ticks: int) -> bytearray:
    """A copy of a fragment's `body` as fragment number `sequence` of a file, starting at `start_ticks`.

    Only the `mfhd` sequence number and the `tfdt` base decode time change; the media data stays as it was muxed.
    """
    copy = bytearray(body)
    struct.pack_into(">I", copy, find(copy, b"moof", b"mfhd").payload + _FULL_BOX_BYTES, sequence)
    tfdt = find(copy, b"moof", b"traf", b"tfdt").payload
    wide = copy[tfdt] == 1  # version 1 holds 64 bits
    struct.pack_into(">Q" if wide else ">I", copy, tfdt + _FULL_BOX_BYTES, start_ticks)
    return copy


VIDEO_TRACK, SOUND_TRACK = 1, 2
"""Track ids, in the order in which the muxer declares the tracks."""


def sound_fragment(frames: Sequence[bytes], start_samples: int, frame_samples: int) -> bytes:
    """`moof` and `mdat` of encoded frames of the sound track, each as long as the others, from `start_samples` on.

    A fragment of its own behind that of the video (ISO 14496-12, 8.8.4 permits one track in each): so a recording can
    leave out the sound of a fragment, as before the trigger, without touching its video.
    """
    flags = _BASE_IS_MOOF | _DEFAULT_DURATION | _DEFAULT_FLAGS
    tfhd = _boxed(b"tfhd", struct.pack(">IIII", flags, SOUND_TRACK, frame_samples, _SYNC_SAMPLE))
    tfdt = _boxed(b"tfdt", struct.pack(">BxxxQ", 1, start_samples))
    mfhd = _boxed(b"mfhd", struct.pack(">II", 0, 1))
    sizes = struct.pack(f">{len(frames)}I", *map(len, frames))

    def moof(data_offset: int) -> bytes:
        trun = _boxed(b"trun", struct.pack(">IIi", _DATA_OFFSET | _SIZE, len(frames), data_offset) + sizes)
        return _boxed(b"moof", mfhd + _boxed(b"traf", tfhd + tfdt + trun))

    return moof(len(moof(0)) + _BOX_HEADER.size) + _boxed(b"mdat", b"".join(frames))


def sound_from(parts: bytes, start_samples: int) -> bytes:
    """What `sound_fragment` made, without the frames that begin before `start_samples`."""
    kept, moof_start = b"", 0
    for box in boxes(parts):
        if box.kind == b"moof":
            moof_start = box.payload - _BOX_HEADER.size
        elif box.kind == b"mdat":
            kept += _later_frames(parts[moof_start : box.end], start_samples)
    return kept


def sound_frames(body: bytes) -> list[bytes]:
    """The encoded frames in a fragment that `sound_fragment` made."""
    run, media = _Run.of(body), find(body, b"mdat").payload
    ends = accumulate((sample.get(_SIZE, run.default_bytes) for sample in run.samples), initial=media)
    return [body[begin:end] for begin, end in pairwise(ends)]


def _later_frames(body: bytes, start_samples: int) -> bytes:
    run, start = _Run.of(body), start_ticks(body)
    first = max(0, -((start - start_samples) // run.default_ticks))
    frames = sound_frames(body)[first:]
    if not first or not frames:
        return body if frames else b""
    return sound_fragment(frames, start + first * run.default_ticks, run.default_ticks)


def moved(parts: bytes, sequence: int, shift: int) -> bytearray:
    """A copy of `moof` and `mdat` pairs with sequence numbers from `sequence` on, and decode times `shift` later."""
    copy = bytearray(parts)
    for box in boxes(parts):
        if box.kind == b"moof":
            start = box.payload - _BOX_HEADER.size
            body = parts[start : box.end]
            copy[start : box.end] = placed(body, sequence, start_ticks(body) + shift)
            sequence += 1
    return copy


@cache
def timescales(header: bytes) -> tuple[int, ...]:
    """Units per second of each track that a file's header declares."""
    moov = find(header, b"moov")
    scales = []
    for trak in boxes(header, moov.payload, moov.end):
        if trak.kind == b"trak":
            mdhd = find(header[trak.payload : trak.end], b"mdia", b"mdhd").payload + trak.payload
            at = mdhd + _FULL_BOX_BYTES + (16 if header[mdhd] == 1 else 8)
            scales.append(int(struct.unpack_from(">I", header, at)[0]))
    return tuple(scales)


def track(body: bytes | bytearray) -> int:
    """The id of the track whose samples a fragment holds."""
    (number,) = struct.unpack_from(">I", body, find(body, b"moof", b"traf", b"tfhd").payload + _FULL_BOX_BYTES)
    return int(number)


def start_ticks(body: bytes | bytearray) -> int:
    """The base decode time of a fragment (its `tfdt`), in the track's time base."""
    tfdt = find(body, b"moof", b"traf", b"tfdt").payload
    wide = body[tfdt] == 1
    (ticks,) = struct.unpack_from(">Q" if wide else ">I", body, tfdt + _FULL_BOX_BYTES)
    return int(ticks)


def duration_ticks(body: bytes | bytearray) -> int:
    """How long a fragment's samples last together: the sum of the durations in its `trun`, or its default."""
    run = _Run.of(body)
    return sum(sample.get(_DURATION, run.default_ticks) for sample in run.samples)


def frames(body: bytes | bytearray) -> int:
    """How many samples (frames) a fragment's `trun` lists."""
    trun = find(body, b"moof", b"traf", b"trun").payload
    (count,) = struct.unpack_from(">I", body, trun + _FULL_BOX_BYTES)
    return int(count)


def prefix(body: bytes | bytearray, frames: int, duration_ticks: int) -> bytearray:
    """The first `frames` samples of a fragment as a fragment of its own, which lasts `duration_ticks`.

    Where no sample depends on a later one (no B-frames), the head of a GOP can be decoded by itself. Each sample keeps
    its duration except the last, which gets the rest. Raises ValueError when there are fewer samples, or no duration
    is left for the last.
    """
    run = _Run.of(body)
    kept = [{_DURATION: run.default_ticks, **sample} for sample in run.samples[:frames]]
    left_ticks = duration_ticks - sum(sample[_DURATION] for sample in kept[:-1])
    if not 0 < frames <= len(run.samples) or left_ticks <= 0:
        raise ValueError(f"{frames} of {len(run.samples)} samples cannot last {duration_ticks} ticks")
    kept[-1][_DURATION] = left_ticks
    media = find(body, b"mdat").payload
    size_bytes = sum(sample.get(_SIZE, run.default_bytes) for sample in kept)
    return _with_run(body, run, kept) + _boxed(b"mdat", body[media : media + size_bytes])


@dataclass(frozen=True, slots=True)
class _Run:
    """A fragment's `trun`: the fields of each sample, and the defaults of the `tfhd` for those that it omits."""

    flags: int
    first_sample_flags: bytes
    samples: list[dict[int, int]]
    default_ticks: int
    default_bytes: int

    @classmethod
    def of(cls, body: bytes | bytearray) -> "_Run":
        trun = find(body, b"moof", b"traf", b"trun").payload
        flags, count = struct.unpack_from(">II", body, trun)
        at = trun + 8 + 4 * bool(flags & _DATA_OFFSET)
        rows = at + 4 * bool(flags & _FIRST_SAMPLE_FLAGS)
        fields = [field for field in _SAMPLE_FIELDS if flags & field]
        row = struct.Struct(f">{len(fields)}I")
        samples = [
            dict(zip(fields, row.unpack_from(body, rows + index * row.size), strict=True)) for index in range(count)
        ]
        return cls(flags, bytes(body[at:rows]), samples, *_defaults(body))


def _with_run(body: bytes | bytearray, run: _Run, samples: list[dict[int, int]]) -> bytearray:
    """The `moof` of `body` with these samples, each with its duration. An `mdat` with their media must follow it."""
    moof, traf, trun = find(body, b"moof"), find(body, b"moof", b"traf"), find(body, b"moof", b"traf", b"trun")
    flags = run.flags | _DURATION
    fields = [field for field in _SAMPLE_FIELDS if flags & field]
    rows = b"".join(struct.pack(f">{len(fields)}I", *(sample[field] for field in fields)) for sample in samples)
    head = struct.pack(">II", flags, len(samples)) + bytes(4 * bool(flags & _DATA_OFFSET)) + run.first_sample_flags
    start = trun.payload - _BOX_HEADER.size
    copy = bytearray(body[:start] + _boxed(b"trun", head + rows) + body[trun.end : moof.end])
    grown = len(copy) - moof.end
    for box in (moof, traf):
        struct.pack_into(">I", copy, box.payload - _BOX_HEADER.size, box.end + grown - box.payload + _BOX_HEADER.size)
    if flags & _DATA_OFFSET:
        struct.pack_into(">I", copy, start + _BOX_HEADER.size + 8, len(copy) + _BOX_HEADER.size)
    return copy


def _boxed(kind: bytes, payload: bytes | bytearray) -> bytes:
    return _BOX_HEADER.pack(_BOX_HEADER.size + len(payload), kind) + payload


def _defaults(body: bytes | bytearray) -> tuple[int, int]:
    """Duration and size of a sample as the `tfhd` gives them for all, 0 where it does not (ISO 14496-12, 8.8.7)."""
    tfhd = find(body, b"moof", b"traf", b"tfhd").payload
    (flags,) = struct.unpack_from(">I", body, tfhd)
    at = tfhd + 8 + 8 * bool(flags & 0x01) + 4 * bool(flags & 0x02)
    (ticks,) = struct.unpack_from(">I", body, at) if flags & 0x08 else (0,)
    (size_bytes,) = struct.unpack_from(">I", body, at + 4 * bool(flags & 0x08)) if flags & 0x10 else (0,)
    return ticks, size_bytes


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a fragmented file is intact: its complete fragments, their frames and length, and the torn rest."""

    fragments: int
    frames: int
    end_ticks: int
    whole_bytes: int
    torn_bytes: int


NOTHING = Extent(0, 0, 0, 0, 0)
"""Of a file that is not there."""

_MOOF_MAX_BYTES = 16 * 1024 * 1024
"""Far above the few KB that a fragment's headers take: a longer one is damaged, and is not read into memory."""

_FRAGMENT_MAX_TICKS = 3_600 * TICKS_PER_S
_LAST_TICKS = 366 * 24 * 3_600 * TICKS_PER_S
"""No fragment lasts an hour, and no clip a year: larger values are damage."""


def extent(file: BinaryIO) -> Extent:
    """Walk a fragmented MP4 from its start to the last complete `moof` + `mdat`. Reads no media, only headers."""
    size = file.seek(0, 2)
    whole = fragments = total = end = 0
    moof: bytes | None = None
    for kind, at, length in _top_level(file, size):
        if kind == b"moof":
            if length > _MOOF_MAX_BYTES:
                break
            file.seek(at)
            moof = file.read(length)
            continue
        if kind == b"mdat" and moof is not None:
            try:
                if track(moof) != VIDEO_TRACK:
                    whole, moof = at + length, None
                    continue
                begin, ticks, count = start_ticks(moof), duration_ticks(moof), frames(moof)
            except (LookupError, struct.error):
                break  # the file is intact up to the damaged fragment
            if begin < end or begin > _LAST_TICKS or ticks > _FRAGMENT_MAX_TICKS:
                break
            total, end = total + count, begin + ticks
            fragments, moof = fragments + 1, None
        whole = at + length
    return Extent(fragments, total, end, whole, size - whole)


def _top_level(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, offset, length) of each complete top-level box."""
    at = 0
    while at + _BOX_HEADER.size <= size:
        file.seek(at)
        length, kind = _BOX_HEADER.unpack(file.read(_BOX_HEADER.size))
        if length == 1:
            (length,) = _LARGE_SIZE.unpack(file.read(_LARGE_SIZE.size).ljust(_LARGE_SIZE.size, b"\0"))
        if length < _BOX_HEADER.size or at + length > size:
            return
        yield kind, at, length
        at += length

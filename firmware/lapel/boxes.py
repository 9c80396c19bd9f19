"""MP4 boxes as pure bytes: put a fragment in its place, and read back how far a file is whole.

A box is a 4-byte big-endian size, a 4-byte type and a payload; containers hold boxes (ISO/IEC 14496-12, 4.2).
Nothing here decodes video, so evidence can be checked where neither OpenCV nor FFmpeg is installed.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_BOX_HEADER = struct.Struct(">I4s")
_LARGE_SIZE = struct.Struct(">Q")
_FULL_BOX_BYTES = 4  # version and flags, before the fields of a "full box"


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box lies: its type, the offset of its payload and of its end, in bytes."""

    kind: bytes
    payload: int
    end: int


def boxes(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes that lie whole in `data[start:end]`, in order; stops before one that is cut off or malformed."""
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


def placed(body: bytes, sequence: int, start_ticks: int) -> bytearray:
    """A copy of a fragment's `body` as fragment number `sequence` of a file, starting at `start_ticks`.

    Only the `mfhd` sequence number and the `tfdt` base decode time change; the media stays as it was muxed.
    """
    copy = bytearray(body)
    struct.pack_into(">I", copy, find(copy, b"moof", b"mfhd").payload + _FULL_BOX_BYTES, sequence)
    tfdt = find(copy, b"moof", b"traf", b"tfdt").payload
    wide = copy[tfdt] == 1  # version 1 holds 64 bits
    struct.pack_into(">Q" if wide else ">I", copy, tfdt + _FULL_BOX_BYTES, start_ticks)
    return copy


def start_ticks(body: bytes | bytearray) -> int:
    """The base decode time of a fragment (its `tfdt`), in the track's time base."""
    tfdt = find(body, b"moof", b"traf", b"tfdt").payload
    wide = body[tfdt] == 1
    (ticks,) = struct.unpack_from(">Q" if wide else ">I", body, tfdt + _FULL_BOX_BYTES)
    return int(ticks)


def duration_ticks(body: bytes | bytearray) -> int:
    """How long a fragment's samples last together: the sum of the durations in its `trun`, or its default."""
    default = _default_sample_duration(body)
    return sum(duration if duration is not None else default for duration in _sample_durations(body))


def frames(body: bytes | bytearray) -> int:
    """How many samples (pictures) a fragment's `trun` lists."""
    trun = find(body, b"moof", b"traf", b"trun").payload
    (count,) = struct.unpack_from(">I", body, trun + _FULL_BOX_BYTES)
    return int(count)


def _sample_durations(body: bytes | bytearray) -> Iterator[int | None]:
    """Each sample's duration as `trun` gives it; None where it leaves it to the default (ISO 14496-12, 8.8.8)."""
    trun = find(body, b"moof", b"traf", b"trun").payload
    flags, count = struct.unpack_from(">II", body, trun)
    at = trun + 8 + 4 * bool(flags & 0x001) + 4 * bool(flags & 0x004)
    stride = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    for index in range(count):
        yield struct.unpack_from(">I", body, at + index * stride)[0] if flags & 0x100 else None


def _default_sample_duration(body: bytes | bytearray) -> int:
    """`default_sample_duration` of the `tfhd`, 0 where it is not given (ISO 14496-12, 8.8.7)."""
    tfhd = find(body, b"moof", b"traf", b"tfhd").payload
    (flags,) = struct.unpack_from(">I", body, tfhd)
    if not flags & 0x08:
        return 0
    at = tfhd + 8 + 8 * bool(flags & 0x01) + 4 * bool(flags & 0x02)
    return int(struct.unpack_from(">I", body, at)[0])


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a fragmented file is whole: its whole fragments, their pictures and length, and the torn rest."""

    fragments: int
    frames: int
    end_ticks: int
    whole_bytes: int
    torn_bytes: int


def extent(file: BinaryIO) -> Extent:
    """Walk a fragmented MP4 from its start to the last whole `moof` + `mdat`. Reads no media, only headers."""
    size = file.seek(0, 2)
    whole = fragments = pictures = end = 0
    moof: bytes | None = None
    for kind, at, length in _top_level(file, size):
        if kind == b"moof":
            file.seek(at)
            moof = file.read(length)
            continue
        if kind == b"mdat" and moof is not None:
            try:
                pictures, end = pictures + frames(moof), start_ticks(moof) + duration_ticks(moof)
            except (LookupError, struct.error):
                break  # a damaged fragment is where the file stops being whole
            fragments, moof = fragments + 1, None
        whole = at + length
    return Extent(fragments, pictures, end, whole, size - whole)


def _top_level(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, offset, length) of each whole top-level box."""
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

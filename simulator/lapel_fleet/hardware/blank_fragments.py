"""Fragments without video: valid MP4 boxes around any media data. Imports neither OpenCV nor FFmpeg."""

import struct

HEADER = struct.pack(">I4s", 16, b"ftyp") + b"isom\0\0\2\0" + struct.pack(">I4s", 8, b"moov")
"""The beginning of a file of such fragments."""


def box(kind: bytes, payload: bytes) -> bytes:
    """A box: size, type, payload (ISO/IEC 14496-12, 4.2)."""
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def body(sequence: int, ticks: int, durations: list[int], media: bytes = b"") -> bytes:
    """`moof` and `mdat` of fragment `sequence`, beginning at `ticks`: one frame for each of `durations`, in ticks."""
    trun = struct.pack(f">II{len(durations)}I", 0x100, len(durations), *durations)
    traf = box(b"tfhd", struct.pack(">II", 0x020000, 1)) + box(b"tfdt", struct.pack(">IQ", 1 << 24, ticks))
    moof = box(b"mfhd", struct.pack(">II", 0, sequence)) + box(b"traf", traf + box(b"trun", trun))
    return box(b"moof", moof) + box(b"mdat", media)

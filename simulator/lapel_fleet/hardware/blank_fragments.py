"""Fragments without video and sound: valid MP4 boxes around any media data. Imports neither OpenCV nor FFmpeg."""

import struct

from lapel.fragment import TICKS_PER_S

_FILE_TYPE = struct.pack(">I4s", 16, b"ftyp") + b"isom\0\0\2\0"
_BASE_IS_MOOF, _DEFAULT_DURATION, _DEFAULT_SIZE = 0x020000, 0x08, 0x10
"""Flags of a `tfhd` (ISO/IEC 14496-12, 8.8.7)."""


def box(kind: bytes, payload: bytes) -> bytes:
    """A box: size, type, payload (ISO/IEC 14496-12, 4.2)."""
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def header(*timescales: int) -> bytes:
    """The beginning of a file of such fragments, with a track for each number of units per second."""
    media = (box(b"mdhd", struct.pack(">IIIIII", 0, 0, 0, units, 0, 0)) for units in timescales)
    return _FILE_TYPE + box(b"moov", b"".join(box(b"trak", box(b"mdia", one)) for one in media))


HEADER = header(TICKS_PER_S)
"""The beginning of a file without sound."""


def body(sequence: int, ticks: int, durations: list[int], media: bytes = b"") -> bytes:
    """`moof` and `mdat` of fragment `sequence`, beginning at `ticks`: one frame for each of `durations`, in ticks."""
    trun = struct.pack(f">II{len(durations)}I", 0x100, len(durations), *durations)
    traf = box(b"tfhd", struct.pack(">II", _BASE_IS_MOOF, 1)) + box(b"tfdt", struct.pack(">IQ", 1 << 24, ticks))
    moof = box(b"mfhd", struct.pack(">II", 0, sequence)) + box(b"traf", traf + box(b"trun", trun))
    return box(b"moof", moof) + box(b"mdat", media)


def sound(start_samples: int, frames: int, frame_samples: int) -> bytes:
    """The same of the second track: so many frames of nothing, each as long as the others."""
    flags = _BASE_IS_MOOF | _DEFAULT_DURATION | _DEFAULT_SIZE
    traf = (
        box(b"tfhd", struct.pack(">IIII", flags, 2, frame_samples, 0))
        + box(b"tfdt", struct.pack(">IQ", 1 << 24, start_samples))
        + box(b"trun", struct.pack(">II", 0, frames))
    )
    return box(b"moof", box(b"mfhd", struct.pack(">II", 0, 1)) + box(b"traf", traf)) + box(b"mdat", b"")

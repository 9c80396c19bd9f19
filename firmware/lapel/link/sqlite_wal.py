"""Finds damage in a SQLite write-ahead log that SQLite itself passes over.

SQLite ends the log at the first frame whose checksum is wrong, as after a power cut in mid-write. If committed frames
follow, that was no power cut: the transactions behind it would be lost without a word. File format:
https://sqlite.org/fileformat2.html#the_write_ahead_log
"""

import sqlite3
import struct
from pathlib import Path

from lapel.files import reading

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
"""Magic number, and the byte order in which checksums are computed."""


def lost_frames(log: Path, database: sqlite3.Connection) -> str:
    """What is damaged in the log of an open database that has not been written to; empty when nothing is.

    Raises OSError when it cannot be read; a missing log is no damage.
    """
    try:
        committed, is_whole = _committed_frames(log)
    except FileNotFoundError:
        return ""
    if not is_whole:
        return "the header of its write-ahead log is damaged"
    _, in_log, _ = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if in_log >= committed:
        return ""
    return f"its write-ahead log is damaged after {max(in_log, 0)} of {committed} frames"


def _committed_frames(log: Path) -> tuple[int, bool]:
    """How many frames of the newest series there are up to its last commit, and whether the log's header is whole."""
    with reading(log) as file:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return 0, True
        fields = _HEADER.unpack(header)
        if fields[0] not in _MAGIC or _checksum(header[:24], _MAGIC[fields[0]]) != fields[6:8]:
            return 0, not file.read(1)
        page_bytes, salts = fields[2], fields[4:6]
        committed = frame = 0
        while len(head := file.read(_FRAME.size)) == _FRAME.size:
            frame += 1
            _, pages_after_commit, *frame_salts = _FRAME.unpack(head)[:4]
            if tuple(frame_salts) == salts and pages_after_commit:
                committed = frame
            file.seek(page_bytes, 1)
    return committed, True


def _checksum(data: bytes, order: str) -> tuple[int, int]:
    first = second = 0
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second

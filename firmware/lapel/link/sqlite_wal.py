"""Finds damage in a SQLite write-ahead log that SQLite itself passes over.

SQLite ends the log at the first frame whose checksum is wrong, as after a power cut during a write. If further
transactions follow, that was no power cut, and without this check they would be lost silently. The newest transaction
alone may always have been torn by one. File format: https://sqlite.org/fileformat2.html#the_write_ahead_log
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lapel.files import reading

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
"""Magic number, and the byte order in which checksums are computed."""
_PAGE_BYTES = {2**exponent for exponent in range(9, 17)}


@dataclass(frozen=True, slots=True)
class _Frame:
    is_valid: bool
    """Whether it continues the frames before it."""
    is_commit: bool
    """Whether it is of the same series as the log's header, and ends a transaction."""


def log_damage(path: Path) -> str:
    """What is damaged in the log at `path`; empty when nothing is, or when there is no log. Raises OSError."""
    try:
        with reading(path) as file:
            return _damage(file)
    except FileNotFoundError:
        return ""


def _damage(file: BinaryIO) -> str:
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return ""
    magic, _, page_bytes, _, *_, first, second = _HEADER.unpack(header)
    if magic not in _MAGIC or page_bytes not in _PAGE_BYTES or _checksum(header[:24], _MAGIC[magic]) != (first, second):
        return "the header of its write-ahead log is damaged" if file.read(1) else ""
    valid = commits_behind = 0
    is_valid = True
    for frame in _frames(file, header):
        is_valid = is_valid and frame.is_valid
        valid += is_valid
        commits_behind += frame.is_commit and not is_valid
    if commits_behind < 2:
        return ""
    return f"its write-ahead log is damaged behind frame {valid}, and {commits_behind} transactions follow"


def _frames(file: BinaryIO, header: bytes) -> Iterator[_Frame]:
    magic, _, page_bytes, _, *salts, first, second = _HEADER.unpack(header)
    checksum = first, second
    while len(head := file.read(_FRAME.size)) == _FRAME.size and len(page := file.read(page_bytes)) == page_bytes:
        _, pages_after_commit, *of_frame, first, second = _FRAME.unpack(head)
        checksum = _checksum(head[:8] + page, _MAGIC[magic], *checksum)
        is_valid = of_frame == salts and checksum == (first, second)
        is_of_series = of_frame[0] == salts[0] or of_frame[1] == salts[1]  # one of them may be what is damaged
        yield _Frame(is_valid, is_of_series and pages_after_commit > 0)


def _checksum(data: bytes, order: str, first: int = 0, second: int = 0) -> tuple[int, int]:
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second

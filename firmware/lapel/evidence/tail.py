"""Moves what a power cut left at the end of a file into a file beside it, where it stays as it is."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from lapel.evidence.append_file import AppendFile
from lapel.evidence.records import Tail
from lapel.files import reading, sync_folder

_PIECE_BYTES = 8 * 1024 * 1024


def cut_tail(path: Path, from_byte: int) -> Tail | None:
    """Move what follows `from_byte` beside; None when nothing does. Raises OSError."""
    length, sha256 = 0, hashlib.sha256()
    for piece in _pieces(path, from_byte):
        length += len(piece)
        sha256.update(piece)
    if not length:
        return None
    kept_as = _move_tail(path, from_byte, _pieces(path, from_byte))
    return Tail(length, sha256.hexdigest(), kept_as)


def _pieces(path: Path, from_byte: int) -> Iterator[bytes]:
    with reading(path) as file:
        file.seek(from_byte)
        yield from iter(lambda: file.read(_PIECE_BYTES), b"")


def _move_tail(path: Path, from_byte: int, tail_pieces: Iterable[bytes]) -> str:
    """Move the end of a file, given in pieces, into a file beside it. Returns that file's name. Raises OSError."""
    names = (path.with_name(f"{path.name}.tail-{number}") for number in range(1, 1_000))
    tail = next(name for name in names if not os.path.lexists(name))
    copy = AppendFile(tail, os.fsync, is_new=True)
    original = AppendFile(path)
    try:
        for piece in tail_pieces:
            copy.append(piece)
        sync_folder(path.parent)
        original.cut(from_byte)
    finally:
        copy.close()
        original.close()
    return tail.name

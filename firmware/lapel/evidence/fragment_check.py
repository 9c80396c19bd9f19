"""Compares a clip's file with the fragments that are on record, byte for byte."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lapel.evidence.manifest import seconds
from lapel.evidence.records import FragmentStored
from lapel.files import reading

_PIECE_BYTES = 1024 * 1024
_NEAR = 64
"""Fragments before and after a wrong one among which it is looked for."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Fragments that are not in the file as they were written."""

    kind: str
    reason: str
    from_s: float | None
    to_s: float | None


def check_fragments(path: Path | None, fragments: list[FragmentStored]) -> Iterator[FileProblem]:
    """What is wrong with a clip's file; None stands for a file that is not there. Raises OSError."""
    if path is None:
        if fragments:
            yield _problem("video-missing", "its video is missing", fragments[0], fragments[-1])
        return
    with reading(path) as file:
        yield from _Check(file, fragments).problems()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises OSError."""
    with reading(path) as file:
        found = hashlib.sha256()
        for piece in iter(lambda: file.read(_PIECE_BYTES), b""):
            found.update(piece)
        return found.hexdigest()


class _Check:
    """Walks along the file. Where a fragment is wrong it is looked up among its neighbours: others may have been
    removed, inserted or swapped, and then the rest is compared from there on.
    """

    def __init__(self, file: BinaryIO, fragments: list[FragmentStored]) -> None:
        self._file, self._fragments = file, fragments
        self._size_bytes = file.seek(0, 2)
        self._offset = 0

    def problems(self) -> Iterator[FileProblem]:
        index = 0
        while index < len(self._fragments):
            fragment = self._fragments[index]
            if self._is_here(fragment):
                self._offset += fragment.length
                index += 1
            elif self._size_bytes <= self._offset:
                yield _problem("fragments-missing", "the end of the video is missing", fragment, self._fragments[-1])
                return
            else:
                problem, index = self._explained(index)
                yield problem
        if self._size_bytes > self._offset:
            count = self._size_bytes - self._offset
            yield FileProblem("extra-bytes", f"{count} bytes follow that its camera did not write", self._end_s(), None)

    def _explained(self, index: int) -> tuple[FileProblem, int]:
        """What is wrong at a fragment, and the index of the fragment to go on with."""
        fragment = self._fragments[index]
        for other in range(index + 1, min(index + _NEAR, len(self._fragments))):
            if self._is_here(self._fragments[other]):
                return _problem(
                    "fragments-missing", "missing from the video", fragment, self._fragments[other - 1]
                ), other
        for other in range(max(0, index - _NEAR), index):
            if self._is_here(self._fragments[other]):
                self._offset += self._fragments[other].length
                problem = _problem("fragment-repeated", f"fragment {other + 1} stands here again", fragment, fragment)
                return problem, index
        if self._size_bytes < self._offset + fragment.length:
            self._offset = self._size_bytes
            return _problem("fragments-missing", "cut off", fragment, self._fragments[-1]), len(self._fragments)
        self._offset += fragment.length
        return _problem("fragment-changed", "differs from what its camera wrote", fragment, fragment), index + 1

    def _is_here(self, fragment: FragmentStored) -> bool:
        if self._offset + fragment.length > self._size_bytes:
            return False
        self._file.seek(self._offset)
        found, rest = hashlib.sha256(), fragment.length
        while rest:
            piece = self._file.read(min(rest, _PIECE_BYTES))
            found.update(piece)
            rest -= len(piece)
        return found.hexdigest() == fragment.sha256

    def _end_s(self) -> float:
        last = self._fragments[-1] if self._fragments else None
        return seconds(last.end_ticks) if last else 0.0


def _problem(kind: str, what: str, first: FragmentStored, last: FragmentStored) -> FileProblem:
    which = f"fragment {first.fragment}" if first is last else f"fragments {first.fragment} to {last.fragment}"
    return FileProblem(kind, f"{which}: {what}", seconds(first.start_ticks), seconds(last.end_ticks))

"""The trace of a run: one line per message and fault, in order. Equal hashes mean equal runs."""

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from lapel.errors import StorageError

BROKER = "broker"
"""The subject of what happens to the broker."""
EVIDENCE_BACK_END = "evidence"
"""The subject of what happens to the evidence back end."""
_OF_ALL = (BROKER, EVIDENCE_BACK_END)
"""Subjects of what happens to all cameras at once."""


class Trace:
    """Hashes each line, and writes it to a file if there is one. The hash is that of the file."""

    def __init__(self, file: Path | TextIO | None = None) -> None:
        """`file`: a path, or a text file that is open. Raises StorageError when the path cannot be written."""
        self._hash = hashlib.sha256()
        try:
            self._file: TextIO | None = file.open("w", encoding="utf-8") if isinstance(file, Path) else file
        except OSError as error:
            raise StorageError(f"{file}: cannot be written: {error.strerror}") from error
        self.lines = 0

    def add(self, mono_s: float, subject: str, text: str) -> None:
        """Add a line. `subject` is a topic, a camera, `BROKER` or `EVIDENCE_BACK_END`."""
        self.add_line(_line(mono_s, subject, text))

    def add_line(self, line: str) -> None:
        """Add a line of another trace, with its end."""
        self._hash.update(line.encode())
        self.lines += 1
        if self._file is not None:
            self._file.write(line)

    def close(self) -> str:
        """Close the file. Returns the SHA-256 in hexadecimal."""
        if self._file is not None:
            self._file.close()
            self._file = None
        return self._hash.hexdigest()


class OrderedTrace(Trace):
    """A trace in which the lines of one moment stand in the order of the cameras' names.

    So it does not depend on which cameras run side by side, and `merged_lines` makes it out of the traces of its
    shards. What happens to all cameras at once keeps its place: what came before it in that moment stands before it.
    """

    def __init__(self, file: Path | TextIO | None = None) -> None:
        """See `Trace`."""
        super().__init__(file)
        self._moment_s, self._of_moment = 0.0, list[tuple[str, str]]()

    def add(self, mono_s: float, subject: str, text: str) -> None:
        """See `Trace.add`. Lines are added in the order of time."""
        if mono_s != self._moment_s:
            self._end_moment()
            self._moment_s = mono_s
        self._of_moment.append((subject, _line(mono_s, subject, text)))

    def close(self) -> str:
        """See `Trace.close`."""
        self._end_moment()
        return super().close()

    def _end_moment(self) -> None:
        if len(self._of_moment) > 1:
            places = _places(subject for subject, _ in self._of_moment)
            ordered = sorted(zip(places, self._of_moment, strict=True), key=lambda one: one[0])
            self._of_moment = [line for _, line in ordered]
        for _, line in self._of_moment:
            self.add_line(line)
        self._of_moment.clear()


def merged_lines(parts: Sequence[Iterable[str]]) -> Iterator[str]:
    """The lines of the whole fleet's trace, from the ordered traces of all its shards. What happened to all cameras at
    once is in each of them, and once in the result.
    """
    keyed = [_with_moments(part, keeps_shared=number == 0) for number, part in enumerate(parts)]
    return (line for _, _, line in heapq.merge(*keyed, key=lambda one: one[:2]))


_Place = tuple[int, str]
"""The place of a line in its moment: how often all cameras were concerned so far, and the camera's name."""


def _with_moments(lines: Iterable[str], *, keeps_shared: bool) -> Iterator[tuple[float, _Place, str]]:
    moment, concerned = "", 0
    for line in lines:
        time, subject, _ = line.split(" ", 2)
        if time != moment:
            moment, concerned = time, 0
        concerned += subject in _OF_ALL
        if subject not in _OF_ALL or keeps_shared:
            yield float(time), _place(concerned, subject), line


def _places(subjects: Iterable[str]) -> Iterator[_Place]:
    concerned = 0
    for subject in subjects:
        concerned += subject in _OF_ALL
        yield _place(concerned, subject)


def _place(concerned: int, subject: str) -> _Place:
    """`subject` is one of `_OF_ALL`, `site/camera`, or a topic that ends in `site/camera/kind`."""
    return concerned, "" if subject in _OF_ALL else "/".join(subject.split("/")[-3:][:2])


def _line(mono_s: float, subject: str, text: str) -> str:
    return f"{mono_s:.6f} {subject} {text}\n"

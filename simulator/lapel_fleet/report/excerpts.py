"""Excerpts from a trace: the lines around the one that a failure refers to."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from lapel.sanitize import plain

_LINES, _WIDTH = 20, 600
_IDS = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{4,}")
"""An id: digits and letters. Digits alone match too many lines."""
_TIME = re.compile(r"\bat (\d+(?:\.\d+)?) s\b")


class Excerpt(msgspec.Struct, frozen=True):
    """Lines of one camera, in the order of the trace."""

    before: int
    """Number of lines of the same camera that are left out before these; `after`: after them."""
    lines: list[str]
    about: list[int]
    """Indexes of the lines that contain an id from the failure's text."""
    after: int


def excerpts(trace: Iterable[str], failures: Sequence[str]) -> dict[str, Excerpt]:
    """The excerpt of 20 printable lines for each failure (`site/camera: text`). Reads the trace once.

    A failure of a camera that is not in the trace has no excerpt.
    """
    by_camera: dict[str, list[str]] = {failure.partition(":")[0]: [] for failure in failures}
    for line in trace:
        lines = by_camera.get(_camera_of(line))
        if lines is not None:
            lines.append(line)
    found = {failure: by_camera[failure.partition(":")[0]] for failure in failures}
    return {failure: _excerpt(lines, failure) for failure, lines in found.items() if lines}


def _camera_of(line: str) -> str:
    """`site/camera`: the second word of a fault's line, two levels of the topic of a message's."""
    word = line.split(" ", 2)[1] if line.count(" ") > 1 else ""
    levels = word.split("/")
    return word if len(levels) == 2 else "/".join(levels[-3:-1])


def _excerpt(lines: list[str], failure: str) -> Excerpt:
    text = failure.partition(": ")[2]
    names = _IDS.findall(text)
    about = [number for number, line in enumerate(lines) if any(name in line for name in names)]
    centre = about[-1] if about else _first_after(lines, text)
    first = max(0, min(centre - _LINES // 2, len(lines) - _LINES))
    shown = lines[first : first + _LINES]
    return Excerpt(
        before=first,
        lines=[plain(line.rstrip("\n"))[:_WIDTH] for line in shown],
        about=[number - first for number in about if first <= number < first + len(shown)],
        after=len(lines) - first - len(shown),
    )


def _first_after(lines: list[str], text: str) -> int:
    """The first line at or after the time in the failure's text; the last line if it has none."""
    time = _TIME.search(text)
    if time:
        for number, line in enumerate(lines):
            if float(line.partition(" ")[0]) >= float(time[1]):
                return number
    return len(lines) - 1

"""From a trace, the lines around what a failure is about."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from lapel.sanitize import plain

_LINES, _WIDTH = 20, 600
_NAMES = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{4,}")
"""An id: digits and letters. Figures alone are found everywhere."""
_MOMENT = re.compile(r"\bat (\d+(?:\.\d+)?) s\b")


class Excerpt(msgspec.Struct, frozen=True):
    """Lines of one camera, in the trace's order."""

    before: int
    """Lines of the same camera that are left out before, and after."""
    lines: list[str]
    about: list[int]
    """Which of the lines name what the failure names."""
    after: int


def excerpts(trace: Iterable[str], failures: Sequence[str]) -> dict[str, Excerpt]:
    """For each failure (`site/camera: what`) the 20 lines around what it is about, made plain. In one pass.

    A failure whose camera the trace does not know has none.
    """
    by_camera: dict[str, list[str]] = {failure.partition(":")[0]: [] for failure in failures}
    for line in trace:
        lines = by_camera.get(_camera_of(line))
        if lines is not None:
            lines.append(line)
    found = {failure: by_camera[failure.partition(":")[0]] for failure in failures}
    return {failure: _environment(lines, failure) for failure, lines in found.items() if lines}


def _camera_of(line: str) -> str:
    """`site/camera`: of a fault's line the second word itself, of a message's two levels of its topic."""
    who = line.split(" ", 2)[1] if line.count(" ") > 1 else ""
    levels = who.split("/")
    return who if len(levels) == 2 else "/".join(levels[-3:-1])


def _environment(lines: list[str], failure: str) -> Excerpt:
    what = failure.partition(": ")[2]
    names = _NAMES.findall(what)
    about = [number for number, line in enumerate(lines) if any(name in line for name in names)]
    centre = about[-1] if about else _moment(lines, what)
    first = max(0, min(centre - _LINES // 2, len(lines) - _LINES))
    shown = lines[first : first + _LINES]
    return Excerpt(
        before=first,
        lines=[plain(line.rstrip("\n"))[:_WIDTH] for line in shown],
        about=[number - first for number in about if first <= number < first + len(shown)],
        after=len(lines) - first - len(shown),
    )


def _moment(lines: list[str], what: str) -> int:
    """The first line from the moment on that the failure names; else the last line."""
    named = _MOMENT.search(what)
    if named:
        for number, line in enumerate(lines):
            if float(line.partition(" ")[0]) >= float(named[1]):
                return number
    return len(lines) - 1

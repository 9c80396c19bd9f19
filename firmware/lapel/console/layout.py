"""Lays out answers as terminal lines, for terminals as narrow as 20 columns."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lapel.logs import Level
from lapel.sanitize import plain

Style = Literal["", "good", "warn", "bad"]
STYLES: Mapping[Level, Style] = {"debug": "", "info": "", "warning": "warn", "error": "bad"}
"""The style of a log line by its level."""
_NARROWEST = 20


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, wrapped."""

    text: str
    style: Style = ""
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values, a row each."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header; where the columns do not fit the width, each row is laid out as pairs."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


Block = Text | Pairs | Table


def lay_out(blocks: Sequence[Block], columns: int) -> Iterator[tuple[str, Style]]:
    """Lines of at most `columns` - 1 characters, so that no terminal wraps them itself; each with its style."""
    width = max(_NARROWEST, columns - 1)
    for block in blocks:
        match block:
            case Text(text, style, indent):
                yield from ((line, style) for line in _wrapped(plain(text), width, " " * indent, " " * indent))
            case Pairs(rows):
                yield from ((line, "") for line in _pairs(rows, width))
            case Table(header, rows):
                yield from ((line, "") for line in _table(header, rows, width))


def size(count: float) -> str:
    """A number of bytes in readable form: `12.3 MB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count:.0f} bytes"


def length(seconds: float) -> str:
    """A duration in readable form: `2 h 05 min`, `3 min 20 s`, `12 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"


def _wrapped(text: str, width: int, first: str, later: str) -> list[str]:
    lines = textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False, drop_whitespace=True
    )
    return lines or [first.rstrip()]


def _pairs(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    label = min(max((len(name) for name, _ in rows), default=0), width // 2 - 2) + 2
    for name, value in rows:
        first = f"{plain(name):<{label}}"
        if len(first) > label:
            yield first.rstrip()
            first = " " * label
        yield from _wrapped(plain(value), width, first, " " * label)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    cells = [header, *[[plain(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    if sum(widths) + 2 * (len(header) - 1) <= width:
        for row in cells:
            yield "  ".join(f"{cell:<{wide}}" for cell, wide in zip(row, widths, strict=True)).rstrip()
        return
    for row in rows:
        yield from _pairs(list(zip(header, row, strict=True)), width)
        yield ""

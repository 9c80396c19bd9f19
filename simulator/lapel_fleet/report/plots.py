"""Plots over domain time, as inline SVG.

Our own, because they are three kinds of path: matplotlib would be the fleet's heaviest dependency and draws for paper;
charting libraries for browsers want scripts. These have none, shrink to a phone while their letters stay as large as
before, and follow the reader's light or dark (colours are classes of the page's style).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from xml.etree.ElementTree import Element

from lapel_fleet.report.formatting import mark, span
from lapel_fleet.report.markup import node

_SIZE = 1000
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200)
_TICKS = 6
_NEAR = 0.03
"""Share of the width below which two bands' numbers would touch."""


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity; None where nobody measured it."""

    name: str
    style: str
    """Class in the page's style: its colour."""
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Band:
    """Something that went wrong on purpose."""

    number: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn over which times."""

    id: str
    title: str
    description: str
    """For those who do not see it."""
    times_s: Sequence[float]
    """One for each value; for `steps` where each stretch begins."""
    until_s: float
    series: Sequence[Series]
    words: Callable[[float], str]
    """A value with its unit."""
    top: float | None = None
    """The end of the scale, where it is known; else what the values need."""


def areas(plot: Plot, bands: Sequence[Band]) -> Element:
    """Quantities that add up, one upon the other."""
    sums = [sum(known) for known in _rows(plot)]
    return _framed(plot, bands, max(sums, default=0.0), _stacked(plot, steps=False))


def steps(plot: Plot, bands: Sequence[Band]) -> Element:
    """The same for what is an average over each stretch."""
    sums = [sum(known) for known in _rows(plot)]
    return _framed(plot, bands, max(sums, default=0.0), _stacked(plot, steps=True))


def lines(plot: Plot, bands: Sequence[Band]) -> Element:
    """A line each. Where nobody measured there is none."""
    highest = max((value for known in _rows(plot) for value in known), default=0.0)
    return _framed(plot, bands, highest, _lined)


def _rows(plot: Plot) -> list[list[float]]:
    """The known values at each time."""
    return [[one for one in row if one is not None] for row in zip(*(s.values for s in plot.series), strict=True)]


_Draw = Callable[["_Scale"], list[Element]]


@dataclass(frozen=True, slots=True)
class _Scale:
    plot: Plot
    top: float

    def x(self, time_s: float) -> float:
        return round(min(1.0, time_s / self.plot.until_s) * _SIZE, 1) if self.plot.until_s else 0.0

    def y(self, value: float) -> float:
        return round(_SIZE - value / self.top * _SIZE, 1)


def _stacked(plot: Plot, *, steps: bool) -> _Draw:
    def draw(scale: _Scale) -> list[Element]:
        times_s = [*plot.times_s, plot.until_s] if steps else list(plot.times_s)
        floor, shapes = [0.0] * len(plot.times_s), []
        for series in plot.series:
            roof = [low + (value or 0.0) for low, value in zip(floor, series.values, strict=True)]
            if steps:
                upper, lower = _stairs(scale, times_s, roof), _stairs(scale, times_s, floor)
            else:
                upper, lower = _corners(scale, times_s, roof), _corners(scale, times_s, floor)
            shapes.append(node("path", d=f"M{' '.join([*upper, *reversed(lower)])}Z", class_=f"area {series.style}"))
            floor = roof
        return shapes

    return draw


def _corners(scale: _Scale, times_s: Sequence[float], values: Sequence[float]) -> list[str]:
    return [f"{scale.x(time_s)},{scale.y(value)}" for time_s, value in zip(times_s, values, strict=True)]


def _stairs(scale: _Scale, times_s: Sequence[float], values: Sequence[float]) -> list[str]:
    """Each value holds until the next begins."""
    stretches = zip(pairwise(times_s), values, strict=True)
    return [f"{scale.x(time_s)},{scale.y(value)}" for ends, value in stretches for time_s in ends]


def _lined(scale: _Scale) -> list[Element]:
    """A piece for each run of known values; one alone is a dot: a line of no length, whose round ends are seen."""
    shapes = []
    for series in reversed(scale.plot.series):
        runs = _runs(scale, series)
        lines = "".join(f"M{'L'.join(run)}" for run in runs if len(run) > 1)
        dots = "".join(f"M{run[0]}h0" for run in runs if len(run) == 1)
        shapes += [node("path", d=lines, class_=f"line {series.style}")] if lines else []
        shapes += [node("path", d=dots, class_=f"line dot {series.style}")] if dots else []
    return shapes


def _runs(scale: _Scale, series: Series) -> list[list[str]]:
    """Points whose values are known, in pieces."""
    points = zip(scale.plot.times_s, series.values, strict=True)
    pieces = groupby(points, key=lambda point: point[1] is None)
    return [
        [f"{scale.x(time_s)},{scale.y(value)}" for time_s, value in piece if value is not None]
        for is_hole, piece in pieces
        if not is_hole
    ]


def _framed(plot: Plot, bands: Sequence[Band], highest: float, draw: _Draw) -> Element:
    """The outer picture holds words at shares of its size; the inner one is stretched to it, letters are not."""
    ticks = _nice(highest if plot.top is None else plot.top)
    scale = _Scale(plot, ticks[-1] if plot.top is None else plot.top)
    ticks = [tick for tick in ticks if tick <= scale.top]
    inner = node(
        "svg",
        *(node("path", d=f"M0,{scale.y(tick)}H{_SIZE}", class_="grid") for tick in ticks),
        *draw(scale),
        *_shaded(scale, bands),
        *_hints(scale),
        viewBox=f"0 0 {_SIZE} {_SIZE}",
        preserveAspectRatio="none",
        overflow="visible",
        width="100%",
        height="100%",
    )
    return node(
        "svg",
        node("title", plot.title, id=f"{plot.id}-title"),
        node("desc", plot.description, id=f"{plot.id}-desc"),
        inner,
        *(_y_label(scale, tick) for tick in ticks),
        *(_x_label(scale, tick_s) for tick_s in _moments(plot.until_s)),
        *_numbers(scale, bands),
        id=plot.id,
        class_="plot",
        role="img",
        aria_labelledby=f"{plot.id}-title {plot.id}-desc",
    )


def _shaded(scale: _Scale, bands: Sequence[Band]) -> list[Element]:
    """What lasts is a band, what does not is a line."""
    shapes = []
    for band in bands:
        x, width = scale.x(band.start_s), scale.x(band.end_s) - scale.x(band.start_s)
        if band.end_s > band.start_s:
            shapes.append(node("rect", x=x, y=0, width=round(width, 1), height=_SIZE, class_="band"))
        else:
            shapes.append(node("path", d=f"M{x},0V{_SIZE}", class_="moment"))
    return shapes


def _numbers(scale: _Scale, bands: Sequence[Band]) -> list[Element]:
    """Above the plot, in a second row where they would touch."""
    labels: list[Element] = []
    last, row = -1.0, 0
    for band in sorted(bands, key=lambda one: one.start_s):
        share = (scale.x(band.start_s) + scale.x(band.end_s)) / 2 / _SIZE
        row = 1 - row if labels and share - last < _NEAR else 0
        last = share
        labels.append(node("text", str(band.number), x=f"{share:.2%}", y="0", dy=f"{-0.4 - row}em", class_="number"))
    return labels


def _hints(scale: _Scale) -> list[Element]:
    """What the mouse is told over each stretch."""
    plot = scale.plot
    ends_s = [*plot.times_s[1:], plot.until_s]
    hints = []
    for number, (start_s, end_s) in enumerate(zip(plot.times_s, ends_s, strict=True)):
        known = [(one.name, one.values[number]) for one in plot.series]
        words = [f"{name} {plot.words(value)}" for name, value in known if value is not None]
        if words:
            hints.append(
                node("rect", node("title", f"{span(start_s)}: {', '.join(words)}"), x=scale.x(start_s), y=0,
                     width=round(scale.x(end_s) - scale.x(start_s), 1), height=_SIZE, class_="hint")
            )  # fmt: skip
    return hints


def _y_label(scale: _Scale, tick: float) -> Element:
    share = scale.y(tick) / _SIZE
    return node("text", scale.plot.words(tick), x="0", y=f"{share:.2%}", dx="-0.6em", dy="0.32em", class_="y")


def _x_label(scale: _Scale, tick_s: float) -> Element:
    return node("text", mark(tick_s), x=f"{scale.x(tick_s) / _SIZE:.2%}", y="100%", dy="1.5em", class_="x")


def _nice(highest: float) -> list[float]:
    """From 0 to at least `highest` in 2 to 5 round steps."""
    if highest <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(highest / 4))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power * 4 >= highest * (1 - 1e-9))
    return [number * step for number in range(math.ceil(round(highest / step, 9)) + 1)]


def _moments(until_s: float) -> list[float]:
    step_s = next((one for one in _STEPS_S if until_s / one <= _TICKS), _STEPS_S[-1])
    return [number * float(step_s) for number in range(int(until_s / step_s) + 1)]

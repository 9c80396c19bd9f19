"""Plots over domain time, as inline SVG.

Made here because they are only three kinds of path: matplotlib would be the heaviest dependency and draws for paper;
charting libraries for browsers need scripts. These plots have none, fit the width of a phone while their text keeps its
size, and follow the light or dark colour scheme (colours are classes in the page's style).
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
"""Distance, as a share of the width, below which the numbers of two bands would touch."""


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity over time; None where it was not measured."""

    name: str
    style: str
    """The class in the page's style that gives its colour."""
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Band:
    """An injected fault, shaded in the plot."""

    number: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Plot:
    """The content of a plot."""

    id: str
    title: str
    description: str
    """For screen readers."""
    times_s: Sequence[float]
    """The time of each value; for `steps` the start of each interval."""
    until_s: float
    series: Sequence[Series]
    format: Callable[[float], str]
    """Formats a value with its unit."""
    top: float | None = None
    """The end of the scale; None: as the values need."""


def areas(plot: Plot, bands: Sequence[Band]) -> Element:
    """A plot of stacked areas, for quantities that add up."""
    sums = [sum(known) for known in _rows(plot)]
    return _frame(plot, bands, max(sums, default=0.0), _stacked(plot, steps=False))


def steps(plot: Plot, bands: Sequence[Band]) -> Element:
    """Stacked areas with steps, for averages over each interval."""
    sums = [sum(known) for known in _rows(plot)]
    return _frame(plot, bands, max(sums, default=0.0), _stacked(plot, steps=True))


def lines(plot: Plot, bands: Sequence[Band]) -> Element:
    """A plot with one line for each series, interrupted where nothing was measured."""
    highest = max((value for known in _rows(plot) for value in known), default=0.0)
    return _frame(plot, bands, highest, _line_shapes)


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
                upper, lower = _step_points(scale, times_s, roof), _step_points(scale, times_s, floor)
            else:
                upper, lower = _points(scale, times_s, roof), _points(scale, times_s, floor)
            shapes.append(node("path", d=f"M{' '.join([*upper, *reversed(lower)])}Z", class_=f"area {series.style}"))
            floor = roof
        return shapes

    return draw


def _points(scale: _Scale, times_s: Sequence[float], values: Sequence[float]) -> list[str]:
    return [f"{scale.x(time_s)},{scale.y(value)}" for time_s, value in zip(times_s, values, strict=True)]


def _step_points(scale: _Scale, times_s: Sequence[float], values: Sequence[float]) -> list[str]:
    """Each value holds until the next one."""
    intervals = zip(pairwise(times_s), values, strict=True)
    return [f"{scale.x(time_s)},{scale.y(value)}" for ends, value in intervals for time_s in ends]


def _line_shapes(scale: _Scale) -> list[Element]:
    """A line for each run of known values. A single value is a dot: a line of length zero with round ends."""
    shapes = []
    for series in reversed(scale.plot.series):
        runs = _runs(scale, series)
        lines = "".join(f"M{'L'.join(run)}" for run in runs if len(run) > 1)
        dots = "".join(f"M{run[0]}h0" for run in runs if len(run) == 1)
        shapes += [node("path", d=lines, class_=f"line {series.style}")] if lines else []
        shapes += [node("path", d=dots, class_=f"line dot {series.style}")] if dots else []
    return shapes


def _runs(scale: _Scale, series: Series) -> list[list[str]]:
    """The points with known values, as uninterrupted runs."""
    points = zip(scale.plot.times_s, series.values, strict=True)
    groups = groupby(points, key=lambda point: point[1] is None)
    return [
        [f"{scale.x(time_s)},{scale.y(value)}" for time_s, value in group if value is not None]
        for is_gap, group in groups
        if not is_gap
    ]


def _frame(plot: Plot, bands: Sequence[Band], highest: float, draw: _Draw) -> Element:
    """The outer SVG places text at percentages of its size; the inner one is stretched to that size, text is not."""
    ticks = _round_values(highest if plot.top is None else plot.top)
    scale = _Scale(plot, ticks[-1] if plot.top is None else plot.top)
    ticks = [tick for tick in ticks if tick <= scale.top]
    inner = node(
        "svg",
        *(node("path", d=f"M0,{scale.y(tick)}H{_SIZE}", class_="grid") for tick in ticks),
        *draw(scale),
        *_band_shapes(scale, bands),
        *_tooltips(scale),
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
        *(_x_label(scale, tick_s) for tick_s in _times(plot.until_s)),
        *_numbers(scale, bands),
        id=plot.id,
        class_="plot",
        role="img",
        aria_labelledby=f"{plot.id}-title {plot.id}-desc",
    )


def _band_shapes(scale: _Scale, bands: Sequence[Band]) -> list[Element]:
    """A band for a fault that lasts, a line for one that does not."""
    shapes = []
    for band in bands:
        x, width = scale.x(band.start_s), scale.x(band.end_s) - scale.x(band.start_s)
        if band.end_s > band.start_s:
            shapes.append(node("rect", x=x, y=0, width=round(width, 1), height=_SIZE, class_="band"))
        else:
            shapes.append(node("path", d=f"M{x},0V{_SIZE}", class_="moment"))
    return shapes


def _numbers(scale: _Scale, bands: Sequence[Band]) -> list[Element]:
    """The numbers of the bands, above the plot; in a second row where they would touch."""
    labels: list[Element] = []
    last, row = -1.0, 0
    for band in sorted(bands, key=lambda one: one.start_s):
        share = (scale.x(band.start_s) + scale.x(band.end_s)) / 2 / _SIZE
        row = 1 - row if labels and share - last < _NEAR else 0
        last = share
        labels.append(node("text", str(band.number), x=f"{share:.2%}", y="0", dy=f"{-0.4 - row}em", class_="number"))
    return labels


def _tooltips(scale: _Scale) -> list[Element]:
    """The tooltip of each interval."""
    plot = scale.plot
    ends_s = [*plot.times_s[1:], plot.until_s]
    tooltips = []
    for number, (start_s, end_s) in enumerate(zip(plot.times_s, ends_s, strict=True)):
        known = [(one.name, one.values[number]) for one in plot.series]
        texts = [f"{name} {plot.format(value)}" for name, value in known if value is not None]
        if texts:
            tooltips.append(
                node("rect", node("title", f"{span(start_s)}: {', '.join(texts)}"), x=scale.x(start_s), y=0,
                     width=round(scale.x(end_s) - scale.x(start_s), 1), height=_SIZE, class_="hint")
            )  # fmt: skip
    return tooltips


def _y_label(scale: _Scale, tick: float) -> Element:
    share = scale.y(tick) / _SIZE
    return node("text", scale.plot.format(tick), x="0", y=f"{share:.2%}", dx="-0.6em", dy="0.32em", class_="y")


def _x_label(scale: _Scale, tick_s: float) -> Element:
    return node("text", mark(tick_s), x=f"{scale.x(tick_s) / _SIZE:.2%}", y="100%", dy="1.5em", class_="x")


def _round_values(highest: float) -> list[float]:
    """Round numbers from 0 to at least `highest`, in 2 to 5 steps."""
    if highest <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(highest / 4))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power * 4 >= highest * (1 - 1e-9))
    return [number * step for number in range(math.ceil(round(highest / step, 9)) + 1)]


def _times(until_s: float) -> list[float]:
    step_s = next((one for one in _STEPS_S if until_s / one <= _TICKS), _STEPS_S[-1])
    return [number * float(step_s) for number in range(int(until_s / step_s) + 1)]

"""The figures of the page: which measurements are plotted, with legend, table and a description for screen readers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from lapel_fleet.report import plots
from lapel_fleet.report.formatting import latency, rate, size, span
from lapel_fleet.report.markup import node
from lapel_fleet.report.plots import Band, Plot, Series
from lapel_fleet.report.summary import Interval, LatencyStats, Summary

_STATES = ("recording", "buffering", "standby", "docked", "booting", "fault", "offline", "off")
"""From the bottom up: the most important state has a straight base line."""
_KINDS = ("event", "state", "reply", "telemetry")
_LATENCIES = {
    "commands": "From command to final reply",
    "presses": "From start to the retained “recording”",
    "lags": "Event loop lag",
}
_STYLES = ("two", "one", "three", "four")
_ROWS = 24
"""Most rows in the table of a plot; `report.json` has all of them."""

FAULTS_ID = "faults"
"""Id of the section of the page that explains the bands."""

Draw = Callable[[Plot, Sequence[Band]], Element]


@dataclass(frozen=True, slots=True)
class _Figure:
    plot: Plot
    caption: str
    """Beside the title: the whole run in one line."""
    draw: Draw


def figures(summary: Summary, intervals: Sequence[Interval]) -> list[Element]:
    """A figure for each quantity that was measured."""
    until_s = intervals[-1].end_s if intervals else 0.0
    bands = [
        Band(number, fault.at_s, min(until_s, fault.at_s + fault.for_s))
        for number, fault in enumerate(summary.faults, 1)
    ]
    snapshots = [one for one in intervals if one.looked_s is not None]
    plotted = [
        _states(snapshots, until_s),
        _messages(summary, intervals, until_s),
        *(_latencies(name, summary, intervals, until_s) for name, one in summary.latencies.items() if one.max_s),
        _batteries(snapshots, until_s),
        _storage(snapshots, until_s),
        _uploads(intervals, until_s),
        _backlog(snapshots, until_s),
    ]
    instant = [_instant(name, one) for name, one in summary.latencies.items() if not one.max_s]
    return [_figure(one, bands) for one in plotted if one is not None] + instant


def _states(snapshots: Sequence[Interval], until_s: float) -> _Figure | None:
    seen = [state for state in _STATES if any(one.states.get(state) for one in snapshots)]
    if not seen:
        return None
    series = [Series(state, state, [one.states.get(state, 0) for one in snapshots]) for state in seen]
    total = max(sum(one.states.values()) for one in snapshots)
    times_s = [one.looked_s or 0.0 for one in snapshots]
    plot = Plot("states", "Cameras by state", _described(series, _whole), times_s, until_s, series, _whole, total)
    return _Figure(plot, f"{total:,} cameras", plots.areas)


def _messages(summary: Summary, intervals: Sequence[Interval], until_s: float) -> _Figure | None:
    if not summary.rates:
        return None
    series = [
        Series(kind, style, [one.messages_per_s.get(kind, 0.0) for one in intervals])
        for kind, style in zip(_KINDS, _STYLES, strict=True)
        if kind in summary.rates
    ]
    times_s = [one.start_s for one in intervals]
    plot = Plot("messages", "Messages per second", _described(series, rate), times_s, until_s, series, rate)
    mean_per_s = sum(one.per_s for one in summary.rates.values())
    return _Figure(plot, f"{summary.messages:,} in all, {rate(mean_per_s)} per second on average", plots.steps)


def _latencies(name: str, summary: Summary, intervals: Sequence[Interval], until_s: float) -> _Figure:
    overall, each = summary.latencies[name], [one.latencies.get(name) for one in intervals]
    series = [
        Series("p50", "one", [one.p50_s if one else None for one in each]),
        Series("p99", "two", [one.p99_s if one else None for one in each]),
    ]
    times_s = [(one.start_s + one.end_s) / 2 for one in intervals]
    plot = Plot(name, _LATENCIES[name], _described(series, latency), times_s, until_s, series, latency)
    caption = (
        f"{overall.count:,} times: p50 {latency(overall.p50_s)}, p99 {latency(overall.p99_s)}, "
        f"at most {latency(overall.max_s)}"
    )
    return _Figure(plot, caption, plots.lines)


def _instant(name: str, overall: LatencyStats) -> Element:
    """The figure without a plot, where all latencies are zero, as in virtual time on links without delay."""
    caption = node("p", f"{overall.count:,} times, always 0 s")
    return node("figure", node("figcaption", node("h3", _LATENCIES[name]), caption))


def _batteries(snapshots: Sequence[Interval], until_s: float) -> _Figure | None:
    values = [one.battery_percent for one in snapshots]
    names = ("median", "p10", "minimum")
    return _percents("batteries", "Batteries", names, [row[::-1] for row in values], snapshots, until_s)


def _storage(snapshots: Sequence[Interval], until_s: float) -> _Figure | None:
    values = [one.storage_percent for one in snapshots]
    names = ("maximum", "p90", "median")
    return _percents("storage", "Storage used", names, [row[::-1] for row in values], snapshots, until_s)


def _uploads(intervals: Sequence[Interval], until_s: float) -> _Figure | None:
    if not any(one.uploaded_bytes_per_s for one in intervals):
        return None
    series = [Series("stored", "one", [one.uploaded_bytes_per_s for one in intervals])]
    times_s = [one.start_s for one in intervals]
    plot = Plot("uploads", "Evidence stored, per second", _described(series, size), times_s, until_s, series, size)
    total = sum(one.uploaded_bytes_per_s * (one.end_s - one.start_s) for one in intervals)
    return _Figure(plot, f"{size(total)} in all", plots.steps)


def _backlog(snapshots: Sequence[Interval], until_s: float) -> _Figure | None:
    known = [one for one in snapshots if one.backlog is not None]
    if not known:
        return None
    recordings = [float(one.backlog.recordings) if one.backlog else None for one in known]
    series = [Series("recordings", "two", recordings)]
    times_s = [one.looked_s or 0.0 for one in known]
    plot = Plot("backlog", "Recordings not confirmed", _described(series, _whole), times_s, until_s, series, _whole)
    last = known[-1].backlog
    caption = f"at the end {last.recordings:,}, with {size(last.size_bytes)} to send" if last else ""
    return _Figure(plot, caption, plots.lines)


def _percents(
    id_: str,
    title: str,
    names: Sequence[str],
    rows: Sequence[Sequence[int]],
    snapshots: Sequence[Interval],
    until_s: float,
) -> _Figure | None:
    if not any(rows):
        return None
    series = [
        Series(name, style, [row[number] if row else None for row in rows])
        for number, (name, style) in enumerate(zip(names, ("one", "three", "two"), strict=True))
    ]
    times_s = [one.looked_s or 0.0 for one in snapshots]
    plot = Plot(id_, title, _described(series, _percent), times_s, until_s, series, _percent, 100)
    last = rows[-1]
    values = ", ".join(f"{name} {value} %" for name, value in zip(names, last, strict=True)) if last else ""
    return _Figure(plot, f"at the end: {values}" if values else "", plots.lines)


def _figure(figure: _Figure, bands: Sequence[Band]) -> Element:
    plot = figure.plot
    legend = [node("li", node("span", class_=f"swatch {one.style}"), one.name) for one in plot.series]
    if bands:
        legend.append(
            node("li", node("span", class_="swatch band"), node("a", "injected faults", href=f"#{FAULTS_ID}"))
        )
    return node(
        "figure",
        node("figcaption", node("h3", plot.title), node("p", figure.caption) if figure.caption else None),
        node("div", figure.draw(plot, bands), class_="canvas"),
        node("ul", *legend, class_="legend"),
        node("details", node("summary", "As a table"), _table(plot)),
    )


def _table(plot: Plot) -> Element:
    """The values as a table of at most `_ROWS` rows."""
    every = -(-len(plot.times_s) // _ROWS)
    head = node(
        "tr", node("th", "at", scope="col"), *(node("th", s.name, class_="n", scope="col") for s in plot.series)
    )
    rows = [
        node(
            "tr",
            node("th", span(plot.times_s[number]), scope="row"),
            *(node("td", _cell(one.values[number], plot.format), class_="n") for one in plot.series),
        )
        for number in range(0, len(plot.times_s), every)
    ]
    table = node("table", node("thead", head), node("tbody", *rows))
    return node("div", table, class_="wide", tabindex=0, role="region", aria_label=f"{plot.title}, as a table")


def _cell(value: float | None, format_: Callable[[float], str]) -> str:
    return "–" if value is None else format_(value)


def _described(series: Sequence[Series], format_: Callable[[float], str]) -> str:
    """`recording: from 0 to 12, 3 at the end. …`."""
    parts = []
    for one in series:
        known = [value for value in one.values if value is not None]
        if known:
            parts.append(
                f"{one.name}: from {format_(min(known))} to {format_(max(known))}, {format_(known[-1])} at the end."
            )
    return " ".join(parts)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{value:.0f} %"

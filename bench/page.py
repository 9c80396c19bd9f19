"""The results of a run as `docs/performance.md` and the plot in it."""

from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import Any

from bench.figure import Figure

_HEAD = """# Measured against peers

Made by `make bench` from `docs/performance.json`. Ratios say more than times: both sides ran in turn on one machine. A
ratio is the median of its rounds, with the smallest and the greatest; below 1 Lapel needs less.
"""
_NOTES: Mapping[str, str] = {
    "clients": "A camera is also a state chart, a pre-event buffer, an audit log, an outbox and the simulated devices "
    "of a whole fleet's scenario; 2.5 times a bare client is not reached by what is left to save: "
    "[what a message costs](decisions/2026-11-27-cost-of-a-message.md).",
    "encoder": "The encoder alone, without any conversion, takes some 0.75 of `ffmpeg` with drawn frames and 0.96 with "
    "noisy ones: with noise 0.8 cannot be reached by anything around it.",
    "motion": "`motion` takes frames at a rate of its own, which is not quite the file's, and so leaves some out "
    "throughout; both save what they decoded, encoded anew.",
    "press": "*On disk* is written and synced, as the camera's own events say it; they carry the monotonic clock.",
    "virtual": "No function takes more than some 3 % of a run; what is left is the number of cameras' waits and "
    "messages: [what virtual time costs](decisions/2026-11-27-cost-of-virtual-time.md).",
}
"""What a reader of the figures must know: also why an aim that is missed cannot be reached."""
_ROW, _LABEL, _PLOT, _MARGIN = 22, 470, 380, 30
_LEAST, _MOST = 0.05, 20.0
_STYLE = "text{font:13px sans-serif;fill:#333}@media(prefers-color-scheme:dark){text{fill:#ddd}}"


def page(results: Mapping[str, Any]) -> str:
    """The page: machine, versions, and a table of each benchmark."""
    by_bench = figures(results)
    sections = [_section(name, results["seconds"][name], some) for name, some in by_bench.items()]
    facts = [f"{name}: {value}" for name, value in results["machine"].items()]
    kind = "A **short** run, of seconds where a full one takes minutes. " if results["short"] else ""
    if results["busy"]:
        kind += "The machine was **busy with other work**: ratios of CPU time hold, figures in real time do not. "
    return "\n".join([
        _HEAD,
        f"{kind}{'; '.join(facts)}.",
        "",
        "Versions: " + "; ".join(f"{name} {value}" for name, value in results["versions"].items()) + ".",
        "",
        "![Ratios to peers with their spread and aims](performance.svg)",
        "",
        *sections,
    ])  # fmt: skip


def figures(results: Mapping[str, Any]) -> dict[str, list[Figure]]:
    """The figures of each benchmark."""
    return {
        name: [Figure(**{**one, "ratios": tuple(one["ratios"])}) for one in some]
        for name, some in results["figures"].items()
    }


def plot(some: Sequence[Figure]) -> str:
    """An SVG: a line for each ratio, from the smallest to the greatest on a logarithmic scale, and its aim."""
    shown = [one for one in some if one.ratio is not None]
    height, width = _MARGIN + _ROW * len(shown) + _MARGIN, _LABEL + _PLOT + 2 * _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<style>{_STYLE}</style>",
        *_axis(height),
    ]
    for row, one in enumerate(shown):
        lines += _row(one, _MARGIN + _ROW * row + _ROW / 2)
    return "\n".join([*lines, "</svg>\n"])


def _section(bench: str, took_s: float, some: Sequence[Figure]) -> str:
    rows = [f"## {bench}", "", "| what | Lapel | beside | there | ratio | aim |", "|---|---|---|---|---|---|"]
    for one in some:
        there = "" if one.peer_value is None else _number(one.peer_value, one.unit)
        aim = f"{one.aimed_at}: {'**missed**' if one.aim == 'missed' else one.aim}" if one.aim else ""
        name = one.name.replace("  ", "… ")
        rows.append(f"| {name} | {_number(one.value, one.unit)} | {one.peer} | {there} | {one.spread} | {aim} |")
    note = [_NOTES[bench], ""] if bench in _NOTES else []
    return "\n".join([*rows, "", *note, f"(`python -m bench {bench}`, {took_s:.0f} s)", ""])


def _number(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def _axis(height: int) -> Iterator[str]:
    for value in (0.1, 0.5, 1, 2, 5, 10):
        x, colour = _x(value), "#888" if value == 1 else "#8884"
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_MARGIN - 8}" y2="{height - _MARGIN}" stroke="{colour}"/>'
        yield f'<text x="{x:.1f}" y="{_MARGIN - 12}" text-anchor="middle">{value:g}</text>'


def _row(one: Figure, y: float) -> Iterator[str]:
    assert one.ratio is not None
    low, high = (min(one.ratios), max(one.ratios)) if one.ratios else (one.ratio, one.ratio)
    colour = "#c33" if one.aim == "missed" else "#285"
    label = f"{one.name.strip()}: {one.peer}"
    yield f'<text x="{_LABEL - 8}" y="{y + 4:.0f}" text-anchor="end">{label[:72]}</text>'
    yield f'<line x1="{_x(low):.1f}" x2="{_x(high):.1f}" y1="{y:.0f}" y2="{y:.0f}" stroke="{colour}" stroke-width="3"/>'
    yield f'<circle cx="{_x(one.ratio):.1f}" cy="{y:.0f}" r="4.5" fill="{colour}"/>'
    if one.target is not None:
        x = _x(one.target)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 8:.0f}" y2="{y + 8:.0f}" stroke="#06c"/>'


def _x(ratio: float) -> float:
    share = log(min(max(ratio, _LEAST), _MOST) / _LEAST) / log(_MOST / _LEAST)
    return _LABEL + share * _PLOT

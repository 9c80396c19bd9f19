"""The coordinates of the page's drawings: state chart, lines over time, a day's states, recordings, map. Pure.

The templates draw them as SVG. Nothing is loaded from elsewhere: a map has points and names, and no tiles.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from lapel.states import TABLE, Go, State

# -- the state chart ---------------------------------------------------------------------------------------------------

_PLACES: Mapping[str, tuple[float, float]] = {
    "off": (70, 40), "booting": (270, 40), "offline": (470, 40),
    "standby": (70, 150), "buffering": (270, 150), "recording": (470, 150),
    "docked": (270, 260), "fault": (470, 260),
}  # fmt: skip
BOX = (116.0, 36.0)
"""Width and height of a state's box."""
_BEND = 22.0


@dataclass(frozen=True, slots=True)
class Node:
    """A state of the chart and the middle of its box."""

    name: str
    x: float
    y: float


@cache
def chart_nodes() -> tuple[Node, ...]:
    """The states of the chart, and `offline`, which is no state but what a lost connection leaves."""
    return tuple(Node(name, x, y) for name, (x, y) in _PLACES.items())


@cache
def chart_edges() -> tuple[str, ...]:
    """A path for each pair of states with a transition. From every state the camera may go off: that is left out."""
    pairs = {
        (str(state), str(row.to))
        for state, answers in TABLE.items()
        for rows in answers.values()
        for row in rows
        if isinstance(row, Go) and row.to not in (state, State.OFF)
    }
    return tuple(_edge(_PLACES[one], _PLACES[other]) for one, other in sorted(pairs))


def _edge(one: tuple[float, float], other: tuple[float, float]) -> str:
    """A curve from box to box. It bends to its left, so that the way back is another one."""
    (x1, y1), (x2, y2) = one, other
    length = math.hypot(x2 - x1, y2 - y1)
    bend = _BEND
    if ((x1 + x2) / 2, (y1 + y2) / 2) in _PLACES.values():  # around the box between
        bend = 2 * (_BEND / 2 + (BOX[0] if x1 == x2 else BOX[1]) / 2)
    middle = (x1 + x2) / 2 + bend * (y2 - y1) / length, (y1 + y2) / 2 - bend * (x2 - x1) / length
    begin, end = _border(one, middle), _border(other, middle)
    return f"M{begin[0]:.0f} {begin[1]:.0f}Q{middle[0]:.0f} {middle[1]:.0f} {end[0]:.0f} {end[1]:.0f}"


def _border(centre: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line to `towards` leaves the box, and a little more."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    scale = min((BOX[0] / 2 + 3) / abs(dx or 1e-9), (BOX[1] / 2 + 3) / abs(dy or 1e-9))
    return centre[0] + scale * dx, centre[1] + scale * dy


# -- over time ---------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 600.0, 120.0
"""Of a drawing over time."""


@dataclass(frozen=True, slots=True)
class Line:
    """A value over time."""

    points: str
    """For `polyline`; empty when there is nothing to draw."""
    newest: float | None
    lowest: float | None
    top: float
    """The value at the upper edge; the lower edge is 0."""


def line(values: Sequence[tuple[datetime, float]], since: datetime, until: datetime, top: float | None = None) -> Line:
    """The line of these values. `top`: the value at the upper edge; the highest one by default."""
    shown = [(time, value) for time, value in values if since <= time <= until]
    if not shown:
        return Line("", None, None, top or 1.0)
    highest = top or max(value for _, value in shown) or 1.0
    points = (
        f"{WIDTH * _share(time, since, until):.1f},{HEIGHT * (1 - min(1.0, max(0.0, value / highest))):.1f}"
        for time, value in shown
    )
    return Line(" ".join(points), shown[-1][1], min(value for _, value in shown), highest)


@dataclass(frozen=True, slots=True)
class Span:
    """A time in one state."""

    state: str
    x: float
    width: float
    since: str
    seconds: float
    reason: str


def spans(changes: Sequence[tuple[str, str, str]], since: datetime, until: datetime) -> list[Span]:
    """What a camera did between two times. `changes`: time, state and reason of each change, the oldest first; what was
    before the first of them is `unknown`.
    """
    cuts = [(since, "unknown", "")]
    for time, state, reason in changes:
        at = datetime.fromisoformat(time)
        if at <= since:
            cuts[0] = (since, state, reason)
        elif at < until:
            cuts.append((at, state, reason))
    ends = [*(time for time, _, _ in cuts[1:]), until]
    return [
        Span(
            state, WIDTH * _share(begin, since, until), WIDTH * (end - begin) / (until - since),
            begin.strftime("%H:%M:%S"), (end - begin).total_seconds(), reason,
        )
        for (begin, state, reason), end in zip(cuts, ends, strict=True)
        if end > begin
    ]  # fmt: skip


def sums(found: Iterable[Span]) -> list[tuple[str, float]]:
    """Each state with its seconds, the longest first. Together they are the whole time."""
    seconds: dict[str, float] = {}
    for one in found:
        seconds[one.state] = seconds.get(one.state, 0.0) + one.seconds
    return sorted(seconds.items(), key=lambda one: -one[1])


def _share(time: datetime, since: datetime, until: datetime) -> float:
    return (time - since) / (until - since)


# -- the map -----------------------------------------------------------------------------------------------------------

_MARGIN = 30.0
MAP_WIDTH = 600.0
_MAX_MAP_HEIGHT = 300.0


@dataclass(frozen=True, slots=True)
class Place:
    """A site on the map."""

    site: str
    x: float
    y: float
    radius: float
    label_left: bool
    """Whether its name stands on the left, because there is no room on the right."""


@dataclass(frozen=True, slots=True)
class Map:
    """The sites that report a position."""

    height: float
    places: tuple[Place, ...]
    scale_km: float
    """Length of the scale bar."""
    scale_width: float


def site_map(positions: Mapping[str, Sequence[tuple[float, float]]]) -> Map | None:
    """A map of the sites by their cameras' latitudes and longitudes; None without any. Distances are true to scale in
    the middle of the map.
    """
    middles = {site: _middle(points) for site, points in positions.items() if points}
    if not middles:
        return None
    south, north = (pick(latitude for latitude, _ in middles.values()) for pick in (min, max))
    shrink = math.cos(math.radians((south + north) / 2))
    east_west = {site: longitude * shrink for site, (_, longitude) in middles.items()}
    west, east = min(east_west.values()), max(east_west.values())
    extent = max(east - west, north - south, 0.01)
    scale = min((MAP_WIDTH - 2 * _MARGIN - 80) / max(east - west, extent / 10), (_MAX_MAP_HEIGHT - 2 * _MARGIN) / max(
        north - south, extent / 10
    ))  # fmt: skip
    height = max(120.0, (north - south) * scale + 2 * _MARGIN)
    left = (MAP_WIDTH - (east - west) * scale) / 2
    places = []
    for site, (latitude, _) in sorted(middles.items()):
        x = left + (east_west[site] - west) * scale
        y = (height - (north - south) * scale) / 2 + (north - latitude) * scale
        radius = min(16.0, 4 + math.sqrt(len(positions[site])) / 4)
        places.append(Place(site, x, y, radius, label_left=x > 0.7 * MAP_WIDTH))
    km = _round_below(100 / scale * 111.32)
    return Map(height, tuple(places), km, km / 111.32 * scale)


def _middle(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(one for one, _ in points) / len(points), sum(other for _, other in points) / len(points)


def _round_below(value: float) -> float:
    """1, 2 or 5 times a power of ten, at most `value`."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-6)))
    return max(step * power for step in (1, 2, 5) if step * power <= value * 1.000001)

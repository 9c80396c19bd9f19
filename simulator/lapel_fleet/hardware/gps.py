"""A GPS receiver that is carried along a few streets of its site. Its position is computed from the time when it is
read; nothing runs in between.

The cities' centres are real, rounded to four digits (about ten metres); the streets are not: the lengths of the blocks
are drawn from the site's name, so every camera of a site walks the same streets in every run.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

from lapel.clock import Clock
from lapel.hardware.interfaces import Fix

CENTRES: Mapping[str, tuple[float, float]] = {
    "baltimore": (39.2904, -76.6122),
    "philadelphia": (39.9526, -75.1652),
    "washington": (38.9072, -77.0369),
    "buffalo": (42.8864, -78.8784),
    "detroit": (42.3314, -83.0458),
    "new-york": (40.7128, -74.0060),
    "newark": (40.7357, -74.1724),
    "el-paso": (31.7619, -106.4850),
    "houston": (29.7604, -95.3698),
    "atlanta": (33.7490, -84.3880),
    "indianapolis": (39.7684, -86.1581),
    "salt-lake-city": (40.7608, -111.8910),
}
"""Latitude and longitude of each city's centre in degrees."""
DEFAULT_CENTRE = (39.8283, -98.5795)
"""For sites with any other name: the middle of the contiguous United States."""

WALK_M_PER_S = 1.3
"""An unhurried walk; our choice."""
_BLOCK_M = (80.0, 240.0)
_M_PER_DEGREE = 111_320.0  # of latitude; of longitude at the equator
_ERROR_PERIODS_S = (300.0, 700.0)
"""The position error turns round once in the first, and grows and shrinks in the second."""


@dataclass(frozen=True, slots=True)
class Streets:
    """A closed route: its corners in metres east and north of `centre`, and the distance of each along the route."""

    centre: tuple[float, float]
    corners_m: Sequence[tuple[float, float]]
    along_m: Sequence[float]

    def at(self, distance_m: float) -> tuple[float, float]:
        """Metres east and north of the centre after that distance along the route, which repeats."""
        left_m = distance_m % self.along_m[-1]
        leg = next(number for number, end_m in enumerate(self.along_m[1:]) if left_m <= end_m)
        share = (left_m - self.along_m[leg]) / (self.along_m[leg + 1] - self.along_m[leg])
        (east_m, north_m), (to_east_m, to_north_m) = self.corners_m[leg], self.corners_m[leg + 1]
        return east_m + share * (to_east_m - east_m), north_m + share * (to_north_m - north_m)

    def degrees(self, east_m: float, north_m: float) -> tuple[float, float]:
        """Latitude and longitude of a point near the centre, on a plane."""
        latitude, longitude = self.centre
        return latitude + north_m / _M_PER_DEGREE, longitude + east_m / _M_PER_DEGREE / math.cos(math.radians(latitude))


@cache
def streets(site: str) -> Streets:
    """The route of `site`: two blocks east and two north in steps, then back along two long streets."""
    rng = random.Random(f"streets of {site}")
    a, b, c, d = (rng.uniform(*_BLOCK_M) for _ in range(4))
    corners = [(0.0, 0.0), (a, 0.0), (a, b), (a + c, b), (a + c, b + d), (0.0, b + d), (0.0, 0.0)]
    along = accumulate((math.dist(one, other) for one, other in pairwise(corners)), initial=0.0)
    return Streets(CENTRES.get(site, DEFAULT_CENTRE), corners, list(along))


class SimulatedGps:
    """Implements `lapel.hardware.interfaces.Positioning`. The outside world calls `lose_fix` and `regain_fix`."""

    def __init__(self, clock: Clock, rng: random.Random, site: str) -> None:
        """`rng` decides where on the route it starts, how fast it is carried, and how good its reception is."""
        self._clock, self._streets = clock, streets(site)
        self._start_m = rng.uniform(0, self._streets.along_m[-1])
        self._m_per_s = WALK_M_PER_S * rng.uniform(0.7, 1.3)
        self._accuracy_m, self._phase = rng.uniform(3, 8), rng.uniform(0, 2 * math.pi)
        self._satellites = rng.randint(7, 12)
        self._lost_s: float | None = None
        self._place: tuple[float, float] | None = None
        self.history: list[str] = []
        """`lose fix` and `regain fix`, in order."""

    def last_fix(self) -> Fix | None:
        """See `Positioning.last_fix`. There is a new fix each full second."""
        now_s = self._clock.mono_s()
        if self._place is not None and self._lost_s is None:
            return Fix(*self._place, self._accuracy_m, now_s - math.floor(now_s))
        fixed_s = math.floor(now_s if self._lost_s is None else self._lost_s)
        east_m, north_m = self._position_m(fixed_s)
        off_m = self._accuracy_m / 2 * math.sin(2 * math.pi * fixed_s / _ERROR_PERIODS_S[1])
        angle = self._phase + 2 * math.pi * fixed_s / _ERROR_PERIODS_S[0]
        latitude, longitude = self._streets.degrees(east_m + off_m * math.cos(angle), north_m + off_m * math.sin(angle))
        return Fix(latitude, longitude, self._accuracy_m, now_s - fixed_s)

    def satellites(self) -> int:
        """See `Positioning.satellites`."""
        return self._satellites if self._lost_s is None else 2

    # -- the outside world ---------------------------------------------------------------------------------------------

    def actual_position(self) -> tuple[float, float]:
        """Latitude and longitude of its actual position."""
        return self._place or self._streets.degrees(*self._position_m(self._clock.mono_s()))

    def stay_at(self, latitude: float, longitude: float) -> None:
        """Be at this place, in degrees in WGS 84, until `walk_on`."""
        self._place = latitude, longitude

    def walk_on(self) -> None:
        """Go on along the streets, as if it had never stood still."""
        self._place = None

    def lose_fix(self) -> None:
        """Lose the reception, as in a building. Harmless when it is lost."""
        if self._lost_s is None:
            self.history.append("lose fix")
            self._lost_s = self._clock.mono_s()

    def regain_fix(self) -> None:
        """Undo `lose_fix`. Harmless when there is reception."""
        if self._lost_s is not None:
            self.history.append("regain fix")
            self._lost_s = None

    def _position_m(self, at_s: float) -> tuple[float, float]:
        return self._streets.at(self._start_m + self._m_per_s * at_s)

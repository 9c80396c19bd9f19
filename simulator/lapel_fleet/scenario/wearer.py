"""What wearers do in a run: how often they record, for how long, and what they forget."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Annotated

from msgspec import Meta

from lapel_fleet.scenario.tables import Table

_Share = Annotated[float, Meta(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class PlannedRecording:
    """One recording that a wearer is going to make."""

    after_s: float
    """Seconds from the end of the previous one, or from the beginning of the run."""
    length_s: float
    has_marker: bool
    """Whether the wearer sets a marker half-way."""
    forgets_stop: bool
    """Whether the wearer forgets to stop it."""
    is_stealth: bool = False
    """Whether the wearer goes into stealth half-way, and out of it after the stop."""


class Wearer(Table, frozen=True, kw_only=True):
    """What a wearer does. Times are drawn for each camera from its own random stream."""

    category: str = "patrol"
    """The kind of activity: `warrant`, `removal-order`, … Only for the results; the camera does not know it."""
    activations_per_hour: Annotated[float, Meta(ge=0, le=3600)] = 1.0
    """How often the wearer starts a recording, on average."""
    activations: Annotated[int, Meta(ge=0, le=1000)] | None = None
    """Exactly this many recordings instead, spread over the whole run."""
    length_s: tuple[Annotated[float, Meta(ge=0.1)], Annotated[float, Meta(ge=0.1)]] = (60.0, 900.0)
    """Shortest and longest recording."""
    forgotten_stops: _Share = 0.0
    """Share of recordings that the wearer forgets to stop; they end an hour later, or with the run."""
    marks: _Share = 0.1
    """Share of recordings with a marker."""
    stealth: _Share = 0.0
    """Share of recordings in which the wearer switches lights and tones off for the second half."""

    def planned_recordings(self, rng: Callable[[int], random.Random], duration_s: float) -> Iterator[PlannedRecording]:
        """The recordings of a run of `duration_s`, in order. `rng(n)` is a random stream for the n-th alone, from 0."""
        if self.activations is not None:
            rest_s = 0.0
            for number in range(self.activations):
                planned, rest_s = self._in_part(duration_s / self.activations, rest_s, rng(number))
                yield planned
        elif self.activations_per_hour:
            for number in count():
                yield self._at_random(rng(number))

    def _at_random(self, rng: random.Random) -> PlannedRecording:
        after_s = rng.expovariate(self.activations_per_hour / 3600)
        return self._planned(after_s, rng.uniform(*self.length_s), rng)

    def _in_part(self, part_s: float, rest_s: float, rng: random.Random) -> tuple[PlannedRecording, float]:
        """A recording that begins early enough to end within its part of the run, and the seconds left in that part
        after it. `rest_s` is what the part before left.
        """
        length_s = rng.uniform(*self.length_s)
        room_s = max(0.0, part_s - length_s)
        wait_s = rng.uniform(0.0, room_s)
        return self._planned(rest_s + wait_s, length_s, rng), room_s - wait_s

    def _planned(self, after_s: float, length_s: float, rng: random.Random) -> PlannedRecording:
        """What a share of 0 is for draws nothing, so that the days of scenarios without it stay the same."""
        has_marker, forgets_stop = rng.random() < self.marks, rng.random() < self.forgotten_stops
        is_stealth = bool(self.stealth) and rng.random() < self.stealth
        return PlannedRecording(after_s, length_s, has_marker, forgets_stop, is_stealth)

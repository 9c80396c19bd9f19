"""What wearers come upon in a run: encounters, with what is declared for them and who asks for a recording."""

# ruff: noqa: RUF012  # msgspec copies an empty list for each instance

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from lapel.policy.profile import Declarable
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.tables import Table

Sensor = Literal["light-bar", "holster", "man-down"]
Declarer = Literal["wearer", "dispatcher"]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Seconds = Annotated[float, Meta(ge=0, le=86_400)]

PAUSE_S = 70.0
"""Between two encounters of a camera: longer than any question of a profile stays open, so that none reaches into the
next encounter.
"""


class Place(Table, frozen=True, kw_only=True):
    """Where an encounter happens: the camera's receiver shows this place while it lasts."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    """Degrees in WGS 84, north positive."""
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    """Degrees in WGS 84, east positive."""


class Encounters(Table, frozen=True, kw_only=True):
    """One kind of encounter. All of it is drawn for each camera and encounter alone, whatever the policy says."""

    category: str = ""
    """What it is called in reports; what is declared when empty."""
    sites: list[str] = []
    """Only for cameras of these sites; of all sites when empty."""
    declared: list[Declarable] = []
    """The activities and protected contexts that are declared for it."""
    declared_by: Declarer = "wearer"
    """Who declares them: the wearer at the camera, or the dispatcher by a command."""
    declared_before_s: _Seconds = 0.0
    """How long before it begins."""
    per_hour: Annotated[float, Meta(gt=0, le=360)] = 0.1
    """How often a camera comes upon one, in the time in which it is not busy with another one."""
    length_s: tuple[Annotated[float, Meta(ge=20)], Annotated[float, Meta(ge=20)]] = (300.0, 1200.0)
    """The shortest and the longest."""
    recorded: _Share = 1.0
    """Share in which the wearer starts a recording, unless one is running."""
    start_after_s: tuple[_Seconds, _Seconds] = (0.0, 20.0)
    """How long after its beginning wearer, dispatcher and sensor request a recording; each draws a delay of its own."""
    remote: _Share = 0.0
    """Share in which the dispatcher asks for a recording."""
    trigger: Sensor = "holster"
    triggered: _Share = 0.0
    """Share in which the sensor `trigger` asks for a recording."""
    early_stops: _Share = 0.0
    """Share in which the wearer stops the recording before it is over."""
    attests: _Share = 1.0
    """Share of wearers who press once more, where the policy asks for it."""
    place: Place | None = None
    """Without one, the camera goes on along its streets."""

    @property
    def title(self) -> str:
        """What it is called."""
        return self.category or " and ".join(self.declared) or "nothing declared"


@dataclass(frozen=True, slots=True)
class PlannedEncounter:
    """An encounter that a camera is going to have. Times are seconds from the beginning of the day."""

    number: int
    """Of this camera, from 0."""
    kind: Encounters
    declared_s: float
    begins_s: float
    ends_s: float
    wearer_s: float | None
    """When the wearer starts a recording; None: not at all. The same for dispatcher and sensor."""
    dispatcher_s: float | None
    sensor_s: float | None
    early_stop_s: float | None
    attests_start: bool
    attests_stop: bool

    @property
    def lasts_s(self) -> float:
        """From the declaration to the end: so long the declaration is in force."""
        return self.ends_s - self.declared_s


def planned_encounters(
    kinds: Sequence[Encounters], camera: str, streams: RandomStreams, duration_s: float
) -> Iterator[PlannedEncounter]:
    """The encounters of `site/camera` that are over before the day is, in order, one after the other."""
    site = camera.partition("/")[0]
    kinds = [one for one in kinds if not one.sites or site in one.sites]
    number, free_s = 0, 0.0
    while kinds:
        planned = _planned(number, kinds, free_s, streams.stream(camera, f"encounter {number}"))
        if planned.ends_s + PAUSE_S > duration_s:
            return
        yield planned
        number, free_s = number + 1, planned.ends_s + PAUSE_S


def _planned(number: int, kinds: Sequence[Encounters], free_s: float, rng: random.Random) -> PlannedEncounter:
    """Every number is drawn in every case: another share changes nothing else of the day."""
    rates = [one.per_hour for one in kinds]
    declared_s = free_s + rng.expovariate(sum(rates) / 3600)
    kind = rng.choices(kinds, rates)[0]
    begins_s = declared_s + kind.declared_before_s
    ends_s = begins_s + rng.uniform(*kind.length_s)
    wearer_s, dispatcher_s, sensor_s = (_in_time(kind, begins_s, ends_s, rng) for _ in range(3))
    records, asks, fires, stops_early, attests_start, attests_stop = (rng.random() for _ in range(6))
    stop_s = ends_s - (ends_s - begins_s) * rng.uniform(0.1, 0.4)
    return PlannedEncounter(
        number=number,
        kind=kind,
        declared_s=declared_s,
        begins_s=begins_s,
        ends_s=ends_s,
        wearer_s=wearer_s if records < kind.recorded else None,
        dispatcher_s=dispatcher_s if asks < kind.remote else None,
        sensor_s=sensor_s if fires < kind.triggered else None,
        early_stop_s=stop_s if stops_early < kind.early_stops else None,
        attests_start=attests_start < kind.attests,
        attests_stop=attests_stop < kind.attests,
    )


def _in_time(kind: Encounters, begins_s: float, ends_s: float, rng: random.Random) -> float:
    """When a recording is requested: in its first half, whatever the delay."""
    return begins_s + min(rng.uniform(*kind.start_after_s), (ends_s - begins_s) / 2)

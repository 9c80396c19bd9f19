"""A scenario: a fleet's day as data. `loading` reads it from a TOML file that a technician can read."""

# ruff: noqa: RUF012  # msgspec copies an empty list for each instance

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lapel_fleet.checkers import expectations
from lapel_fleet.scenario.encounters import Encounters
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.offload import DockingStations, Offload
from lapel_fleet.scenario.tables import Table
from lapel_fleet.scenario.wearer import Wearer

Media = Literal["none", "clip", "pixels"]
"""What cameras film. *none*: fragments with real boxes and no video in them. *clip*: one encoded loop, shared by all
cameras. *pixels*: frames drawn and encoded for each camera.
"""


class Operator(Table, frozen=True, kw_only=True):
    """What the fleet's operator sends to cameras, one at a time."""

    commands_per_hour: Annotated[float, Meta(ge=0, le=360_000)] = 0.0
    """Over the whole fleet: status, identify, self-test, and sometimes a start and its stop."""


class Shift(Table, frozen=True, kw_only=True):
    """When cameras are worn; before and after a shift they are docked. Without any shift they are worn all the time."""

    start_s: Annotated[float, Meta(ge=0)] = 0.0
    end_s: Annotated[float, Meta(gt=0)]
    sites: list[str] = []
    """Only cameras of these sites; of all sites when empty."""
    late_s: Annotated[float, Meta(ge=0)] = 300.0
    """Each wearer begins and ends up to so many seconds later, drawn from the seed."""

    def includes(self, camera: str) -> bool:
        """Whether `site/camera` is worn in this shift."""
        return not self.sites or camera.partition("/")[0] in self.sites


class Scenario(Table, frozen=True, kw_only=True):
    """A fleet's day."""

    title: str = ""
    duration_s: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    """Seconds of the cameras' time."""
    media: Media = "none"
    """What the cameras film."""
    clip_cameras: list[str] = []
    """In virtual time: the cameras that film a clip, as `site/camera`, where the others film nothing."""
    sound: bool = False
    """Whether the cameras have a microphone and record sound, from the press on."""
    prebuffer_s: Annotated[float, Meta(ge=0, le=120)] = 30.0
    """Length of each camera's pre-event buffer."""
    telemetry_s: Annotated[float, Meta(ge=1)] = 30.0
    """Seconds between telemetry messages."""
    keepalive_s: Annotated[float, Meta(ge=2)] = 30.0
    """The MQTT keepalive of each camera."""
    spread_s: Annotated[float, Meta(ge=0, le=600)] = 5.0
    """Seconds over which cameras spread their reconnects to a broker that was away."""
    sites: Annotated[dict[str, Annotated[int, Meta(ge=1, le=20_000)]], Meta(min_length=1)]
    """Number of cameras by site."""
    only_cameras: list[str] = []
    """The only cameras that run, as `site/camera`; all when empty. Each does what it does when all of them run."""
    wearer: Wearer = Wearer()
    """What wearers do."""
    activities: list[Wearer] = []
    """What wearers do, by category; replaces `wearer`."""
    shifts: list[Shift] = []
    docks: list[DockingStations] = []
    """The docking stations, where they have a limit."""
    policy: str = "development"
    """The cameras' policy profile: a shipped one by its name, or a `.toml` file, relative to the scenario's."""
    encounters: list[Encounters] = []
    """What wearers come upon, beside what `wearer` does."""
    offload: Offload | None = None
    """Whether cameras offload to an evidence back end, and how."""
    operator: Operator = Operator()
    faults: list[Fault] = []
    expect: list[expectations.Expectation] = []

    @property
    def wearers(self) -> list[Wearer]:
        """What each camera's wearer does: `activities`, or else `wearer`."""
        return self.activities or [self.wearer]

    def docks_at(self, site: str) -> DockingStations:
        """The docking stations of a site."""
        return next((one for one in self.docks if not one.sites or site in one.sites), DockingStations())

    @property
    def has_shared_docks(self) -> bool:
        """Whether what one camera does in its dock depends on the others there."""
        return any(one.bays is not None or one.line_bps is not None for one in self.docks)

    @property
    def cameras(self) -> list[str]:
        """The cameras that run: `site/cam-0001`, …, in order."""
        only = set(self.only_cameras)
        return [name for name in self.all_cameras if not only or name in only]

    @property
    def all_cameras(self) -> list[str]:
        """All cameras of the sites, whether or not they run."""
        return [f"{site}/cam-{number:04}" for site, count in self.sites.items() for number in range(1, count + 1)]


def shorten(scenario: Scenario, duration_s: float) -> Scenario:
    """The same day with another length. Leaves out the faults that would begin after its end, and the expectations
    that only the whole day can meet.
    """
    faults = [one for one in scenario.faults if one.at_s < duration_s]
    expect = [one for one in scenario.expect if not expectations.METRICS[one.what].is_of_the_whole_day]
    return msgspec.structs.replace(scenario, duration_s=duration_s, faults=faults, expect=expect)

"""The docking station of a site: bays for cameras, and one network line that the cameras in them share."""

import math
from collections import Counter, deque
from collections.abc import Collection
from typing import Protocol

from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.timelines import Timeline


class Docked(Protocol):
    """A camera's dock contacts, as the station uses them."""

    def enter_bay(self) -> None:
        """There is room now: the contacts close."""


class DockingStation:
    """Bays in the order of arrival, and a line on which each piece waits for the ones before it."""

    def __init__(self, time: Timeline, bays: int | None = None, line_bps: float | None = None) -> None:
        """`bays`: None: room for all. `line_bps`: bits per second of the line; None: no limit."""
        self._time, self._bays = time, bays
        self._bytes_per_s = None if line_bps is None else line_bps / 8
        self._free_s = 0.0
        self._inside: list[Docked] = []
        self._waiting: deque[Docked] = deque()

    @property
    def waiting(self) -> int:
        """Cameras that wait for a bay."""
        return len(self._waiting)

    def arrive(self, camera: Docked) -> None:
        """A camera is brought. It enters a bay at once, or when one is free."""
        if self._bays is not None and len(self._inside) >= self._bays:
            self._waiting.append(camera)
            return
        self._inside.append(camera)
        camera.enter_bay()

    def leave(self, camera: Docked) -> None:
        """A camera is taken away, from its bay or from among those that wait."""
        if camera in self._waiting:
            self._waiting.remove(camera)
            return
        self._inside.remove(camera)
        if self._waiting:
            following = self._waiting.popleft()
            self._inside.append(following)
            following.enter_bay()

    async def take(self, size_bytes: int) -> None:
        """Return when that many bytes have passed the line."""
        if self._bytes_per_s is None:
            return
        now_s = self._time.mono_s()
        self._free_s = max(self._free_s, now_s) + size_bytes / self._bytes_per_s
        await self._time.sleep(self._free_s - now_s)


def stations_of(scenario: Scenario, among: Collection[str], time: Timeline) -> dict[str, DockingStation]:
    """The docking station of each site. `among`: the cameras of this shard or process, which has its share of the bays
    and of the line.
    """
    everywhere = Counter(name.partition("/")[0] for name in scenario.cameras)
    here = Counter(name.partition("/")[0] for name in among)
    stations = {}
    for site, cameras in here.items():
        dock, share = scenario.docks_at(site), cameras / everywhere[site]
        bays = None if dock.bays is None else math.ceil(dock.bays * share)
        stations[site] = DockingStation(time, bays, None if dock.line_bps is None else dock.line_bps * share)
    return stations

"""A dock: charges the battery, and has contacts by which the camera knows that it is docked."""

from collections.abc import Callable

from lapel.light_event import LightEvent
from lapel_fleet.hardware.battery import SimulatedBattery
from lapel_fleet.hardware.docking_station import DockingStation


class SimulatedDock:
    """Implements `lapel.hardware.interfaces.Dock`. The outside world calls `put_in` and `take_out`."""

    def __init__(self, battery: SimulatedBattery | None = None, station: DockingStation | None = None) -> None:
        """`battery` is charged while the camera is docked. `station`: where it waits for a bay; without one there is
        always room.
        """
        self._battery, self._station, self._is_docked = battery, station, False
        self._is_brought = False
        self._changed = LightEvent()
        self.history: list[str] = []
        """`put in` and `take out`, in order."""
        self.watchers: list[Callable[[bool], object]] = []
        """Called with whether it is docked, right before the camera can notice."""

    def is_docked(self) -> bool:
        """See `Dock.is_docked`."""
        return self._is_docked

    async def changed(self) -> None:
        """See `Dock.changed`."""
        await self._changed.wait()

    # -- the outside world ---------------------------------------------------------------------------------------------

    def put_in(self) -> None:
        """Dock the camera, as soon as there is a free bay. Harmless when it is docked, or waits."""
        if self._is_brought:
            return
        self._is_brought = True
        if self._station is None:
            self.enter_bay()
        else:
            self._station.arrive(self)

    def take_out(self) -> None:
        """Undock the camera, or take it away while it waits for a bay. Harmless when it is neither."""
        if not self._is_brought:
            return
        self._is_brought = False
        if self._is_docked:
            self._move("take out", False)
        if self._station is not None:
            self._station.leave(self)

    def enter_bay(self) -> None:
        """The contacts close. Called by the station."""
        self._move("put in", True)

    def _move(self, what: str, is_docked: bool) -> None:
        for watcher in self.watchers:
            watcher(is_docked)
        self._is_docked = is_docked
        self.history.append(what)
        if self._battery is not None:
            self._battery.set_charger(is_docked)
        self._changed.pulse()

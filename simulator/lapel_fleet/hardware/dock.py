"""A dock: it charges, and the camera feels that it stands in it."""

from lapel.light_event import LightEvent
from lapel_fleet.hardware.battery import SimulatedBattery


class SimulatedDock:
    """Implements `lapel.hardware.interfaces.Dock`. The outside world calls `put_in` and `take_out`."""

    def __init__(self, battery: SimulatedBattery | None = None) -> None:
        """`battery` is what it charges."""
        self._battery, self._is_docked = battery, False
        self._changed = LightEvent()
        self.history: list[str] = []
        """`put in` and `take out`, in order."""

    def is_docked(self) -> bool:
        """See `Dock.is_docked`."""
        return self._is_docked

    async def changed(self) -> None:
        """See `Dock.changed`."""
        await self._changed.wait()

    # -- the outside world ---------------------------------------------------------------------------------------------

    def put_in(self) -> None:
        """Into the dock. Harmless when it is there."""
        self._move("put in", True)

    def take_out(self) -> None:
        """Out of it. Harmless when it is not there."""
        self._move("take out", False)

    def _move(self, what: str, into: bool) -> None:
        if self._is_docked is into:
            return
        self._is_docked = into
        self.history.append(what)
        if self._battery is not None:
            self._battery.charger(into)
        self._changed.pulse()

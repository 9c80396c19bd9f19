"""A dock: charges the battery, and has contacts by which the camera knows that it is docked."""

from lapel.light_event import LightEvent
from lapel_fleet.hardware.battery import SimulatedBattery


class SimulatedDock:
    """Implements `lapel.hardware.interfaces.Dock`. The outside world calls `put_in` and `take_out`."""

    def __init__(self, battery: SimulatedBattery | None = None) -> None:
        """`battery` is charged while the camera is docked."""
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
        """Dock the camera. Harmless when it is docked."""
        self._move("put in", True)

    def take_out(self) -> None:
        """Undock the camera. Harmless when it is not docked."""
        self._move("take out", False)

    def _move(self, what: str, is_docked: bool) -> None:
        if self._is_docked is is_docked:
            return
        self._is_docked = is_docked
        self.history.append(what)
        if self._battery is not None:
            self._battery.set_charger(is_docked)
        self._changed.pulse()

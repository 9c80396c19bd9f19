"""Watches over the devices of a camera: each waits for its device and posts events into the camera's inbox."""

from collections.abc import Callable, Mapping
from typing import Protocol

from lapel.hardware.interfaces import Battery, Buttons, Charge, Dock
from lapel.link.event_details import BatteryCritical, BatteryDetail, BatteryLow, Overheated
from lapel.power import CRITICAL_PERCENT, THRESHOLDS, BatteryChange, Power
from lapel.recording import Cause
from lapel.reporter import Reporter
from lapel.states import Event
from lapel.wearer_signals import WearerSignals

_CRITICAL = f"the battery is critical: {CRITICAL_PERCENT:g} % or less"
_DETAILS: Mapping[BatteryChange, type[BatteryDetail]] = {
    "battery-low": BatteryLow,
    "battery-critical": BatteryCritical,
    "overheated": Overheated,
}


class Post(Protocol):
    """Puts an event into the camera's inbox."""

    def __call__(self, event: Event, cause: Cause) -> None:
        """`event` happened now, because of `cause`."""


class BatteryWatch:
    """Reports a low, critical or hot battery. A low one stops nothing, and the wearer is warned as long as its flag
    lasts; a critical one ends the session while the recording can still be finished.
    """

    __slots__ = ("_battery", "_post", "_reporter", "_signals", "_update_flags", "power")

    def __init__(
        self,
        battery: Battery | None,
        reporter: Reporter,
        signals: WearerSignals,
        post: Post,
        update_flags: Callable[[], None],
    ) -> None:
        self._battery, self._reporter, self._signals = battery, reporter, signals
        self._post, self._update_flags = post, update_flags
        self.power = Power()

    async def run(self) -> None:
        """Wait for the battery's readings. Ends only when cancelled; at once where there is no battery."""
        while self._battery is not None:
            charge = self._battery.charge()
            for change in self.power.read(charge):
                self._report(change, charge)
            self._update_flags()
            await self._battery.crossed(THRESHOLDS)

    def _report(self, change: BatteryChange, charge: Charge) -> None:
        detail = _DETAILS[change]
        self._reporter.emit(
            detail(percent=charge.percent, minutes_left=charge.minutes_left, temperature_c=charge.temperature_c)
        )
        match change:
            case "battery-low":
                self._reporter.announce(f"the battery is low: {charge.percent:.0f} %", "warning")
            case "battery-critical":
                self._signals.signal("critical battery")
                self._post(Event.BATTERY_CRITICAL, Cause("camera", _CRITICAL))
            case "overheated":
                self._reporter.announce(f"the battery is hot: {charge.temperature_c or 0.0:.0f} °C", "warning")


async def watch_dock(dock: Dock, power: Power, post: Post) -> None:
    """Post docking and undocking. Ends only when cancelled."""
    was_docked = False
    while True:
        if dock.is_docked() is not was_docked:
            was_docked = not was_docked
            if was_docked:
                post(Event.DOCK, Cause("dock", "put into the dock"))
            else:
                post(Event.UNDOCK, Cause("dock", "taken out of the dock"))
            if power.is_critical:  # while docked a critical battery was no reason to switch off
                post(Event.BATTERY_CRITICAL, Cause("camera", _CRITICAL))
        await dock.changed()


async def watch_keys(buttons: Buttons, press: Callable[[], None], post: Post) -> None:
    """Post what the keys of a terminal stand for. `press` starts or stops. Ends only when cancelled."""
    async for action in buttons.presses():
        match action:
            case "event":
                press()
            case "mark":
                post(Event.MARK, Cause("button"))
            case "quit":
                post(Event.SHUT_DOWN, Cause("camera", "ended by the user"))

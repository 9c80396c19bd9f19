"""The devices of a camera other than its video source and its storage card."""

from dataclasses import dataclass

from lapel.hardware.interfaces import (
    Battery,
    BoardHealth,
    Buttons,
    Charge,
    Dock,
    Fix,
    Indicators,
    Positioning,
    Switches,
    Triggers,
)


@dataclass(slots=True)
class Devices:
    """What a platform gives its camera; None for what the camera does not have."""

    indicators: Indicators
    buttons: Buttons | None = None
    """Keys without a measured press, as of a keyboard."""
    switches: Switches | None = None
    """Buttons whose edges are measured, from which gestures are made."""
    battery: Battery | None = None
    dock: Dock | None = None
    positioning: Positioning | None = None
    triggers: Triggers | None = None
    health: BoardHealth | None = None
    """Temperature, throttling and supply voltage of the board itself."""

    def charge(self) -> Charge | None:
        """What the battery's gauge reads; None without a battery."""
        return self.battery.charge() if self.battery is not None else None

    def is_docked(self) -> bool | None:
        """Whether the camera is in its dock; None without a dock sensor."""
        return self.dock.is_docked() if self.dock is not None else None

    def last_fix(self) -> Fix | None:
        """The last known position; None without a receiver, or before the first fix."""
        return self.positioning.last_fix() if self.positioning is not None else None

    def satellites(self) -> int | None:
        """How many satellites the receiver uses; None without one."""
        return self.positioning.satellites() if self.positioning is not None else None

    def health_flags(self) -> list[str]:
        """Flags of the board's health; none where it is not measured."""
        return self.health.flags() if self.health is not None else []

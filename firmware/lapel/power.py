"""What a reading of the battery means: low, critical, hot. Pure."""

from typing import Literal

from lapel.hardware.interfaces import Charge, Thresholds

LOW_MINUTES = 20.0
"""Minutes of recording left at which the battery is low, as in vendors' manuals."""
LOW_PERCENT = 5.0
"""The same where the gauge gives no minutes: our choice, half an hour of a twelve-hour battery."""
CRITICAL_PERCENT = 1.0
"""Charge at which the recording is finished and the camera switches off: our choice, minutes where seconds are needed.
"""
HOT_C, COOL_C = 55.0, 50.0
"""Cell temperatures at which the battery is hot, and no longer hot: our choice, below the usual limit of 60 °C."""

THRESHOLDS = Thresholds(
    percent=(LOW_PERCENT, CRITICAL_PERCENT), minutes_left=(LOW_MINUTES,), temperature_c=(HOT_C, COOL_C)
)
"""The readings at which anything changes here."""

BatteryChange = Literal["battery-low", "battery-critical", "overheated"]
"""A condition that has just begun, by the name of its event."""


class Power:
    """The battery's condition. It stays low until it is charged or changed, so that flags do not flutter."""

    def __init__(self) -> None:
        self.is_low = self.is_critical = self.is_hot = False

    def read(self, charge: Charge) -> list[BatteryChange]:
        """Evaluate a reading, and return the conditions that it begins."""
        before = self.is_low, self.is_critical, self.is_hot
        self.is_low = not charge.charging and (_is_low(charge) or (self.is_low and charge.percent <= LOW_PERCENT))
        self.is_critical = not charge.charging and charge.percent <= CRITICAL_PERCENT
        self.is_hot = charge.temperature_c is not None and charge.temperature_c >= (COOL_C if self.is_hot else HOT_C)
        changes: tuple[BatteryChange, ...] = ("battery-low", "battery-critical", "overheated")
        now = self.is_low, self.is_critical, self.is_hot
        return [change for change, was, is_so in zip(changes, before, now, strict=True) if is_so and not was]

    def flags(self) -> list[str]:
        """The battery's flags in the state message."""
        return ["low-battery"] * self.is_low + ["hot"] * self.is_hot


def _is_low(charge: Charge) -> bool:
    if charge.minutes_left is None:
        return charge.percent <= LOW_PERCENT
    return charge.minutes_left <= LOW_MINUTES

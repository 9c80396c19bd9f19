"""The fuel gauge MAX17048, which models the battery itself: charge in percent, and whether it rises."""

from lapel.hardware.interfaces import Charge
from lapel.hardware.pi.i2c import I2cBus, read_signed, read_word

ADDRESS = 0x36
_SOC, _RATE = 0x04, 0x16
_PERCENT_PER_BIT = 1 / 256
_PERCENT_PER_HOUR_PER_BIT = 0.208
_CHARGING_PERCENT_PER_HOUR = 0.5
"""The rate of a battery at rest is a few of its steps around zero."""


class Max17048:
    """Reads the gauge. It knows neither the temperature of the cells nor how long the camera could record."""

    name = "MAX17048"

    def __init__(self, bus: I2cBus) -> None:
        self._bus = bus

    def read(self) -> Charge:
        """A reading. Raises OSError when the gauge does not answer."""
        percent = read_word(self._bus, ADDRESS, _SOC) * _PERCENT_PER_BIT
        rate = read_signed(self._bus, ADDRESS, _RATE) * _PERCENT_PER_HOUR_PER_BIT
        return Charge(
            percent=min(100.0, percent),  # it counts beyond 100 % while it learns
            minutes_left=None,
            charging=rate > _CHARGING_PERCENT_PER_HOUR,
            temperature_c=None,
        )

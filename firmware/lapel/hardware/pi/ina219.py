"""The power monitor INA219: voltage and current. The charge is estimated from the voltage of lithium cells."""

from itertools import pairwise

from lapel.hardware.interfaces import Charge
from lapel.hardware.pi.i2c import I2cBus, read_signed, read_word

ADDRESS = 0x40
_SHUNT, _BUS = 0x01, 0x02
_SHUNT_V_PER_BIT, _BUS_V_PER_BIT = 10e-6, 4e-3
_CHARGING_A = 0.02
_CELL_OHM = 0.08
"""Inner resistance of an 18650 cell, with its contacts: under load its voltage is that much lower."""
CURVE = (
    (3.0, 0.0),
    (3.45, 5.0),
    (3.6, 15.0),
    (3.7, 35.0),
    (3.8, 55.0),
    (3.9, 70.0),
    (4.0, 82.0),
    (4.1, 93.0),
    (4.18, 100.0),
)
"""Voltage of a resting lithium-ion cell, and its charge in percent: typical, not measured. Expect errors of 10 %."""


class Ina219:
    """Reads the monitor."""

    name = "INA219"

    def __init__(self, bus: I2cBus, cells: int, shunt_ohm: float) -> None:
        """`cells` in series. Current into the battery is positive."""
        self._bus, self._cells, self._shunt_ohm = bus, cells, shunt_ohm

    def read(self) -> Charge:
        """A reading. Raises OSError when the monitor does not answer."""
        bus_v = (read_word(self._bus, ADDRESS, _BUS) >> 3) * _BUS_V_PER_BIT
        current_a = read_signed(self._bus, ADDRESS, _SHUNT) * _SHUNT_V_PER_BIT / self._shunt_ohm
        resting_v = bus_v / self._cells - current_a * _CELL_OHM
        return Charge(percent_at(resting_v), None, charging=current_a > _CHARGING_A, temperature_c=None)


def percent_at(cell_v: float) -> float:
    """The charge of a resting cell with this voltage."""
    for (low_v, low), (high_v, high) in pairwise(CURVE):
        if cell_v < high_v:
            return max(0.0, low + (high - low) * (cell_v - low_v) / (high_v - low_v))
    return 100.0

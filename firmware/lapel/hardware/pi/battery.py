"""A battery whose gauge is polled: both gauges of a Raspberry Pi have no alarm that is connected."""

from typing import Protocol

from lapel.clock import Clock
from lapel.errors import ConfigError
from lapel.hardware.interfaces import Charge, Thresholds
from lapel.worker import Worker

POLL_S = 30.0


class Gauge(Protocol):
    """A gauge on the I2C bus."""

    @property
    def name(self) -> str:
        """The part's name."""

    def read(self) -> Charge:
        """A reading; blocks for a millisecond. Raises OSError when the gauge does not answer."""


class PolledBattery:
    """Implements `lapel.hardware.interfaces.Battery`."""

    def __init__(self, gauge: Gauge, clock: Clock, worker: Worker) -> None:
        """Raises ConfigError when the gauge does not answer."""
        self._gauge, self._clock, self._worker = gauge, clock, worker
        try:
            self._charge = gauge.read()
        except OSError as error:
            raise ConfigError(
                f"[pi] battery: the {gauge.name} does not answer: {error.strerror or error}; check its wiring with "
                "`i2cdetect -y 1`"
            ) from error

    def charge(self) -> Charge:
        """The last reading, half a minute old at most while the camera waits for thresholds."""
        return self._charge

    async def crossed(self, thresholds: Thresholds) -> None:
        """See `Battery.crossed`."""
        before = sides(self._charge, thresholds)
        while True:
            await self._clock.sleep(POLL_S)
            try:
                self._charge = await self._worker.run(self._gauge.read)
            except OSError:
                continue  # the last reading stands
            if sides(self._charge, thresholds) != before:
                return


def sides(charge: Charge, thresholds: Thresholds) -> tuple[bool | None, ...]:
    """On which side of each threshold a reading is; None where the gauge does not know."""
    readings = (
        (charge.percent, thresholds.percent),
        (charge.minutes_left, thresholds.minutes_left),
        (charge.temperature_c, thresholds.temperature_c),
    )
    return charge.charging, *(None if value is None else value >= mark for value, marks in readings for mark in marks)

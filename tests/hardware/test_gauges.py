import asyncio

import pytest

from hardware_double import RegisterBus
from lapel.errors import ConfigError
from lapel.hardware.interfaces import Thresholds
from lapel.hardware.pi.battery import POLL_S, PolledBattery
from lapel.hardware.pi.ina219 import CURVE, Ina219, percent_at
from lapel.hardware.pi.max17048 import Max17048
from lapel.power import Power
from lapel.worker import InlineWorker
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


@pytest.mark.parametrize(
    ("percent", "rate", "charging"), [(76.5, -12.0, False), (0.0, -0.2, False), (50.0, 40.0, True), (99.0, 0.2, False)]
)
def test_the_max17048_reads_its_registers(percent: float, rate: float, charging: bool) -> None:
    bus = RegisterBus()
    bus.set_max17048(percent, rate)
    charge = Max17048(bus).read()
    assert (charge.percent, charge.charging) == (pytest.approx(percent, abs=0.01), charging)
    assert (charge.minutes_left, charge.temperature_c) == (None, None)


def test_a_max17048_that_counts_beyond_full_is_full() -> None:
    bus = RegisterBus()
    bus.set_max17048(103.0, 1.0)
    assert Max17048(bus).read().percent == 100.0


@pytest.mark.parametrize("cells", [1, 2])
def test_the_ina219_estimates_the_charge_from_the_voltage_of_a_cell(cells: int) -> None:
    bus = RegisterBus()
    bus.set_ina219(3.7 * cells, 0.0)
    assert Ina219(bus, cells, 0.1).read().percent == pytest.approx(35.0, abs=1)
    bus.set_ina219(3.62 * cells, -1.0)  # a load of 1 A pulls the voltage down
    charge = Ina219(bus, cells, 0.1).read()
    assert charge.percent == pytest.approx(35.0, abs=1 if cells == 1 else 12)
    assert not charge.charging
    bus.set_ina219(4.2 * cells, 0.5)
    assert Ina219(bus, cells, 0.1).read().charging


def test_the_curve_rises_and_ends_at_empty_and_full() -> None:
    readings = [percent_at(2.5 + step / 100) for step in range(200)]
    assert readings == sorted(readings)
    assert (readings[0], readings[-1]) == (0.0, 100.0)
    assert [percent_at(volt) for volt, _ in CURVE[:-1]] == [percent for _, percent in CURVE[:-1]]


def test_a_gauge_that_is_missing_is_one_line_with_its_remedy() -> None:
    async def program(clock: VirtualClock) -> None:
        with pytest.raises(ConfigError, match=r"the MAX17048 does not answer: Remote I/O error; check .*i2cdetect"):
            PolledBattery(Max17048(RegisterBus()), clock, InlineWorker())

    run_virtual(program)


def test_a_crossing_is_noticed_within_a_poll_and_a_silent_gauge_changes_nothing() -> None:
    async def program(clock: VirtualClock) -> None:
        bus = RegisterBus()
        bus.set_max17048(6.0, -10)
        battery = PolledBattery(Max17048(bus), clock, InlineWorker())
        crossing = asyncio.create_task(battery.crossed(Thresholds(percent=(5.0,), temperature_c=(55.0,))))
        await clock.sleep(POLL_S * 3)
        bus.devices.clear()
        await clock.sleep(POLL_S * 3)
        assert not crossing.done()
        assert battery.charge().percent == 6.0
        bus.set_max17048(4.9, -10)
        await clock.sleep(POLL_S + 1)
        assert crossing.done()
        assert Power().read(battery.charge()) == ["battery-low"]

    run_virtual(program)

"""When a battery is low, critical and hot."""

import pytest

from lapel.hardware.interfaces import Charge
from lapel.power import COOL_C, HOT_C, Power


def charge(
    percent: float = 80.0, minutes: float | None = 400.0, *, charging: bool = False, cells_c: float = 25.0
) -> Charge:
    return Charge(percent, minutes, charging, cells_c)


def test_a_full_battery_changes_nothing() -> None:
    power = Power()
    assert power.read(charge()) == []
    assert power.flags() == []


@pytest.mark.parametrize("reading", [charge(4.0, 20.0), charge(30.0, 12.0), charge(5.0, None)])
def test_low_is_reported_once(reading: Charge) -> None:
    power = Power()
    assert power.read(reading) == ["battery-low"]
    assert power.read(reading) == []
    assert power.flags() == ["low-battery"]
    assert not power.is_critical


@pytest.mark.parametrize("reading", [charge(4.0, 21.0), charge(5.1, None)])
def test_a_charge_just_above_the_threshold_is_not_low(reading: Charge) -> None:
    assert Power().read(reading) == []


def test_low_ends_only_with_charging_or_another_battery() -> None:
    power = Power()
    power.read(charge(3.0, 20.0))
    power.read(charge(2.9, 20.4))  # it got warmer, so the gauge gives a little more
    assert power.is_low
    power.read(charge(2.9, None, charging=True))
    assert not power.is_low
    assert power.read(charge(3.0, 19.0)) == ["battery-low"]
    power.read(charge(100.0, 500.0))
    assert not power.is_low


def test_a_sudden_loss_of_charge_is_low_and_critical_at_once() -> None:
    power = Power()
    assert power.read(charge(0.5, 4.0)) == ["battery-low", "battery-critical"]
    assert power.is_critical


def test_no_charge_is_critical_while_charging() -> None:
    power = Power()
    assert power.read(charge(0.5, None, charging=True)) == []
    assert power.read(charge(0.5, 4.0)) == ["battery-low", "battery-critical"]


def test_hot_ends_only_below_the_lower_threshold() -> None:
    power = Power()
    assert power.read(charge(cells_c=HOT_C)) == ["overheated"]
    assert power.read(charge(cells_c=COOL_C + 1)) == []
    assert power.flags() == ["hot"]
    assert power.read(charge(cells_c=COOL_C - 1)) == []
    assert power.flags() == []
    assert power.read(charge(cells_c=HOT_C - 1)) == []

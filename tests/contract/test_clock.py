"""What every `Clock` does."""

import asyncio
from datetime import UTC
from pathlib import Path

import pytest

from lapel.clock import Clock, SystemClock, kernel_is_synced
from lapel_fleet.time.virtual_time import VirtualClock


@pytest.fixture(params=["system", "virtual", "drifting"])
async def clock(request: pytest.FixtureRequest) -> Clock:
    if request.param == "system":
        return SystemClock()
    virtual = VirtualClock(asyncio.get_running_loop())
    if request.param == "drifting":
        virtual.set_drift(100)
        virtual.step(-3600)
    return virtual


async def test_monotonic_time_advances_with_sleep_and_never_steps_back(clock: Clock) -> None:
    before = clock.mono_s()
    await clock.sleep(0.01)
    assert clock.mono_s() - before >= 0.009
    assert clock.now().mono_s >= clock.mono_s() - 1
    assert clock.now().mono_s <= clock.mono_s()


async def test_the_wall_clock_is_utc(clock: Clock) -> None:
    assert clock.now().utc.tzinfo is UTC


async def test_only_a_synced_clock_is_trusted(clock: Clock) -> None:
    assert clock.is_trusted() is (clock.quality() == "synced")


def test_any_time_service_that_keeps_the_clock_right_makes_it_synced(tmp_path: Path) -> None:
    """The kernel's flag is that of all services; timesyncd's file also counts after hours without a network."""
    mark = tmp_path / "synchronized"
    assert SystemClock(lambda: False, mark).quality() == "unknown"
    assert SystemClock(lambda: True, mark).quality() == "synced"
    mark.touch()
    assert SystemClock(lambda: False, mark).quality() == "synced"


def test_the_kernel_is_asked_without_a_privilege() -> None:
    assert kernel_is_synced() in (True, False)

"""What every `Clock` does."""

import asyncio
from datetime import UTC

import pytest

from lapel.clock import Clock, SystemClock
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


async def test_monotonic_time_passes_with_sleep_and_never_steps_back(clock: Clock) -> None:
    before = clock.mono_s()
    await clock.sleep(0.01)
    assert clock.mono_s() - before >= 0.009
    assert clock.now().mono_s >= clock.mono_s() - 1
    assert clock.now().mono_s <= clock.mono_s()


async def test_the_wall_clock_is_utc(clock: Clock) -> None:
    assert clock.now().utc.tzinfo is UTC


async def test_only_a_synced_clock_is_trusted(clock: Clock) -> None:
    assert clock.is_trusted() is (clock.quality() == "synced")

"""A fleet that loses its broker at one moment: everybody comes back, and not all at once."""

from pathlib import Path

import pytest

from bench.bench_storm import storm
from system.brokers import real


async def test_a_fleet_comes_back_at_the_rate_that_was_set(tmp_path: Path) -> None:
    real("mosquitto")
    _, busiest = await storm(tmp_path, cameras=60, connects_per_s=40, spread_s=0.5)
    assert busiest <= 41  # a second of ours may begin between two connects


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_sixteen_hundred_cameras_come_back(tmp_path: Path) -> None:
    real("mosquitto")
    took_s, busiest = await storm(tmp_path, cameras=1600, connects_per_s=100, spread_s=5)
    print(f"back in {took_s:.1f} s, at most {busiest} connects a second")
    assert busiest <= 101

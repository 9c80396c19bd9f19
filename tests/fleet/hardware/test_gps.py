import random
from itertools import pairwise

import pytest

from lapel_fleet.hardware.gps import CENTRES, SimulatedGps, streets
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


@pytest.mark.parametrize("site", [*CENTRES, "a-site-of-ones-own"])
def test_a_way_is_closed_and_near_its_centre(site: str) -> None:
    way = streets(site)
    assert way.at(0) == pytest.approx(way.at(way.along_m[-1]), abs=1e-6)
    for distance_m in range(0, 3000, 7):
        latitude, longitude = way.degrees(*way.at(distance_m))
        assert abs(latitude - way.centre[0]) < 0.01
        assert abs(longitude - way.centre[1]) < 0.01


def test_a_way_has_no_jumps() -> None:
    way = streets("baltimore")
    places = [way.at(distance_m) for distance_m in range(3000)]
    steps = [abs(x - u) + abs(y - v) for (x, y), (u, v) in pairwise(places)]
    assert max(steps) == pytest.approx(1.0)


def test_where_it_is_follows_from_seed_site_and_time_alone() -> None:
    async def program(clock: VirtualClock) -> None:
        one, other, third = (SimulatedGps(clock, random.Random(seed), "detroit") for seed in (1, 1, 2))
        for pause_s in (0.0, 10.5, 7200.0):
            await clock.sleep(pause_s)
            assert one.last_fix() == other.last_fix()
            assert one.last_fix() != third.last_fix()

    run_virtual(program)


def test_a_lost_fix_stays_where_it_was_lost() -> None:
    async def program(clock: VirtualClock) -> None:
        gps = SimulatedGps(clock, random.Random(1), "detroit")
        await clock.sleep(100.5)
        before = gps.last_fix()
        gps.lose_fix()
        gps.lose_fix()
        await clock.sleep(600)
        after = gps.last_fix()
        assert before is not None
        assert after is not None
        assert (after.latitude, after.longitude) == (before.latitude, before.longitude)
        assert after.age_s == pytest.approx(600.5)
        assert gps.satellites() < 4
        gps.find_fix()
        fresh = gps.last_fix()
        assert fresh is not None
        assert fresh.age_s < 1
        assert gps.history == ["lose fix", "find fix"]

    run_virtual(program)

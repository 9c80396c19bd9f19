import random
from itertools import pairwise

import pytest

from lapel_fleet.hardware.gps import CENTRES, SimulatedGps, streets
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


@pytest.mark.parametrize("site", [*CENTRES, "another-site"])
def test_a_route_is_closed_and_near_its_centre(site: str) -> None:
    route = streets(site)
    assert route.at(0) == pytest.approx(route.at(route.along_m[-1]), abs=1e-6)
    for distance_m in range(0, 3000, 7):
        latitude, longitude = route.degrees(*route.at(distance_m))
        assert abs(latitude - route.centre[0]) < 0.01
        assert abs(longitude - route.centre[1]) < 0.01


def test_a_route_has_no_jumps() -> None:
    route = streets("baltimore")
    points = [route.at(distance_m) for distance_m in range(3000)]
    steps = [abs(x - u) + abs(y - v) for (x, y), (u, v) in pairwise(points)]
    assert max(steps) == pytest.approx(1.0)


def test_the_position_follows_from_seed_site_and_time_alone() -> None:
    async def program(clock: VirtualClock) -> None:
        one, other, third = (SimulatedGps(clock, random.Random(seed), "detroit") for seed in (1, 1, 2))
        for pause_s in (0.0, 10.5, 7200.0):
            await clock.sleep(pause_s)
            assert one.last_fix() == other.last_fix()
            assert one.last_fix() != third.last_fix()

    run_virtual(program)


def test_a_lost_fix_keeps_its_position_and_ages() -> None:
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
        gps.regain_fix()
        fresh = gps.last_fix()
        assert fresh is not None
        assert fresh.age_s < 1
        assert gps.history == ["lose fix", "regain fix"]

    run_virtual(program)

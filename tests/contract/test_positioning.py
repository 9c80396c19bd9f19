"""What every `Positioning` does."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from lapel.hardware.interfaces import Positioning
from lapel_fleet.hardware.gps import CENTRES, SimulatedGps
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """On a sphere, by the haversine formula."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(a), math.radians(b)) for a, b in (one, other))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(h))


@given(
    st.sampled_from([*CENTRES, "elsewhere"]),
    st.integers(0, 99),
    st.lists(st.tuples(st.sampled_from(["regain_fix", "lose_fix"]), st.floats(0, 5000)), min_size=1, max_size=8),
)
def test_a_fix_is_as_good_as_it_says_and_ages_where_none_is_new(
    site: str, seed: int, day: list[tuple[str, float]]
) -> None:
    async def program(clock: VirtualClock) -> None:
        inside = SimulatedGps(clock, random.Random(seed), site)
        positioning: Positioning = inside
        actual_records = {0.0: inside.actual_position()}
        for deed, pause_s in day:
            getattr(inside, deed)()
            await clock.sleep(math.floor(pause_s))
            actual_records[clock.mono_s()] = inside.actual_position()
            fix = positioning.last_fix()
            assert fix is not None
            assert positioning.last_fix() == fix, "asking moves nobody"
            was_s = clock.mono_s() - fix.age_s
            if (actual := actual_records.get(was_s)) is not None:
                assert metres((fix.latitude, fix.longitude), actual) <= fix.accuracy_m
            if positioning.satellites() >= 4:
                assert fix.age_s <= 1
            else:
                assert fix.age_s >= math.floor(pause_s) or deed == "regain_fix"

    run_virtual(program)

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.policy.profile import Profile, Zone
from lapel.policy.zones import distance_m, zones_at

FRIDAY_NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
COURT = (39.2904, -76.6122)


def zone(**keys: object) -> Profile:
    latitude, longitude = COURT
    one = Zone(
        id="court", text="The court house.", context="courtroom", latitude=latitude, longitude=longitude, radius_m=100,
        **keys,  # type: ignore[arg-type]
    )  # fmt: skip
    return Profile(name="any", title="Zones of a test.", zones=[one])


def is_in(profile: Profile, at: datetime, *, accuracy_m: float = 0.0, north_m: float = 0.0) -> bool:
    return bool(zones_at(profile, COURT[0] + north_m / 111_195, COURT[1], accuracy_m, at))


def test_a_zone_has_a_radius_and_a_position_an_accuracy() -> None:
    assert is_in(zone(), FRIDAY_NOON, north_m=99)
    assert not is_in(zone(), FRIDAY_NOON, north_m=101)
    assert is_in(zone(), FRIDAY_NOON, north_m=109, accuracy_m=10)


@pytest.mark.parametrize(
    ("begins", "ends", "hour", "expected"),
    [
        (time(9), time(17), 9, True),
        (time(9), time(17), 17, False),
        (time(9), time(17), 8, False),
        (time(22), time(6), 23, True),
        (time(22), time(6), 5, True),
        (time(22), time(6), 6, False),
    ],
)
def test_a_time_window_may_go_over_midnight(begins: time, ends: time, hour: int, expected: bool) -> None:
    assert is_in(zone(begins=begins, ends=ends), FRIDAY_NOON.replace(hour=hour)) is expected


def test_the_hours_after_midnight_belong_to_the_day_before() -> None:
    night = zone(begins=time(22), ends=time(6), weekdays=["fri"])
    assert is_in(night, datetime(2026, 11, 28, 5, tzinfo=UTC))
    assert not is_in(night, datetime(2026, 11, 27, 5, tzinfo=UTC))


def test_paris_is_344_km_from_london() -> None:
    assert distance_m(51.5074, -0.1278, 48.8566, 2.3522) == pytest.approx(343_500, rel=0.01)


degrees = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(degrees, degrees)
def test_a_distance_is_the_same_both_ways_and_at_most_half_the_equator(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    there = distance_m(*one, *other)
    assert there == pytest.approx(distance_m(*other, *one), abs=1e-3)
    assert 0 <= there <= 20_016_000

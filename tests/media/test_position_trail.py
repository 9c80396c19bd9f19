"""The positions along a clip: how far apart, and none that the receiver did not know."""

from lapel.media.position_trail import PositionTrail, Surroundings
from lapel.recording import Location, PositionNote

START_S = 1000.0


def here(at_s: float, age_s: float = 0.5) -> Surroundings:
    position = Location(latitude=39.29, longitude=-76.61, accuracy_m=4.0, age_s=age_s)
    return Surroundings("synced", position, START_S + at_s)


def test_a_point_each_ten_seconds_and_the_account_each_minute() -> None:
    trail, points, news_s = PositionTrail(), [], []
    for at_s in range(1, 3 * 60):
        if trail.is_due(START_S + at_s) and (point := trail.point(here(at_s), START_S)) is not None:
            points.append(point)
            news_s += [at_s] if trail.is_news else []
    assert points[:2] == [PositionNote(0.5, 39.29, -76.61, 4.0), PositionNote(10.5, 39.29, -76.61, 4.0)]
    assert len(points) == 18
    assert news_s == [61, 121]


def test_an_old_fix_one_from_before_the_clip_and_none_are_no_points() -> None:
    trail = PositionTrail()
    assert trail.point(here(100, age_s=11), START_S) is None
    assert trail.point(here(1, age_s=2), START_S) is None
    assert trail.point(Surroundings("synced", None, START_S + 120), START_S) is None
    assert trail.point(here(130), START_S) is not None
    assert trail.point(here(131, age_s=1.5), START_S) is None, "the same fix"

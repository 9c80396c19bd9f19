from datetime import UTC, datetime, timedelta

import pytest

from lapel.link.messages import PresenceState
from lapel_fleet.hardware.gps import CENTRES
from lapel_fleet.operator.page import drawings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_chart_has_every_state_and_stays_within_its_frame() -> None:
    assert {one.name for one in drawings.chart_nodes()} == set(PresenceState.__args__)  # type: ignore[attr-defined]
    assert len(drawings.chart_edges()) > 12
    for edge in drawings.chart_edges():
        numbers = [float(text) for text in edge.replace("M", " ").replace("Q", " ").split()]
        assert all(0 <= x <= 540 for x in numbers[::2]), edge
        assert all(0 <= y <= 290 for y in numbers[1::2]), edge


def test_a_line_goes_from_left_to_right_and_from_0_to_the_top() -> None:
    line = drawings.line([(NOON - HOUR, 50.0), (NOON, 100.0)], NOON - HOUR, NOON, 100.0)
    assert (line.points, line.newest, line.lowest) == ("0.0,60.0 600.0,0.0", 100.0, 50.0)
    assert drawings.line([], NOON - HOUR, NOON).points == ""
    assert drawings.line([(NOON, 0.0)], NOON - HOUR, NOON).points == "600.0,120.0"


def test_the_spans_of_a_day_are_the_whole_day() -> None:
    changes = [
        ("2026-11-23T11:00:00Z", "docked", ""), ("2026-11-24T06:00:00Z", "buffering", ""),
        ("2026-11-24T11:00:00.500Z", "fault", "no video"), ("2026-11-24T13:00:00Z", "off", ""),
    ]  # fmt: skip
    day = drawings.spans(changes, NOON - 24 * HOUR, NOON)
    assert [(one.state, one.seconds) for one in day] == [
        ("docked", 64_800),
        ("buffering", 18_000.5),
        ("fault", 3_599.5),
    ]
    assert sum(one.width for one in day) == pytest.approx(drawings.WIDTH)
    assert dict(drawings.sums(day))["docked"] == 64_800
    assert [one.state for one in drawings.spans([], NOON - HOUR, NOON)] == ["unknown"]


def test_a_map_is_true_to_scale() -> None:
    found = drawings.site_map({site: [centre] for site, centre in CENTRES.items()})
    assert found is not None
    places = {one.site: one for one in found.places}
    assert places["buffalo"].y < places["baltimore"].y < places["houston"].y
    assert places["el-paso"].x < places["detroit"].x < places["new-york"].x
    km_per_point = found.scale_km / found.scale_width
    apart = abs(places["buffalo"].y - places["baltimore"].y) * km_per_point
    assert apart == pytest.approx((42.8864 - 39.2904) * 111.32, rel=0.01)
    assert all(0 < one.x < drawings.MAP_WIDTH and 0 < one.y < found.height for one in found.places)


def test_a_map_of_one_site_or_of_none() -> None:
    assert drawings.site_map({"a": []}) is None
    one = drawings.site_map({"a": [(39.0, -76.0), (39.001, -76.001)]})
    assert one is not None
    assert len(one.places) == 1

"""The figures of a run whose cameras offload: what was stored when, and what is left."""

from pathlib import Path

import msgspec
import pytest

from lapel_fleet.cameras.backlog import Backlog
from lapel_fleet.report import Result, write_page
from lapel_fleet.report.formatting import size
from lapel_fleet.report.page import Report
from lapel_fleet.runs.measurement.samples import Sampler, merged
from lapel_fleet.runs.virtual import run
from lapel_fleet.scenario.offload import Offload
from lapel_fleet.scenario.scenario import Scenario, Shift
from lapel_fleet.scenario.wearer import Wearer

SHORT = Scenario(
    sites={"baltimore": 2}, duration_s=600, wearer=Wearer(activations=2, length_s=(10, 20)),
    shifts=[Shift(end_s=400, late_s=10)], offload=Offload(),
)  # fmt: skip


def test_the_page_shows_what_was_stored_and_what_is_left(tmp_path: Path) -> None:
    done = run(SHORT, 1)
    write_page(tmp_path, Result("short", done, [], 1.0, [], None))
    page = (tmp_path / "index.html").read_text()
    assert 'id="uploads"' in page
    assert 'id="backlog"' in page
    over_time = msgspec.json.decode((tmp_path / "report.json").read_bytes(), type=Report).over_time
    stored = sum(one.uploaded_bytes_per_s * (one.end_s - one.start_s) for one in over_time)
    uploads = [one for _, received in done.cases for one in received.uploads or () if one.step == "stored"]
    assert stored == pytest.approx(sum(one.size_bytes for one in uploads), rel=0.01)
    left = [one.backlog.recordings for one in over_time if one.backlog is not None]
    recordings = sum(len(actual.accounts) for actual, _ in done.cases)
    assert (max(left), left[-1]) == (recordings, 0)


def test_what_was_stored_is_set_not_added() -> None:
    now_s = [0.0]
    sampler = Sampler(lambda: now_s[0], 10.0, 30.0)
    now_s[0] = 29.0
    for _ in range(2):
        sampler.uploads([(5.0, 100), (25.0, 50), (99.0, 1)])
    assert [one.uploaded_bytes for one in sampler.samples().buckets] == [100, 0, 51]


def test_parts_of_a_fleet_add_up() -> None:
    parts = []
    for backlog in (Backlog(2, 100), Backlog(1, 50), None):
        sampler = Sampler(lambda: 0.0, 10.0, 30.0)
        sampler.snapshot({}, backlog=backlog)
        sampler.uploads([(0.0, 7)])
        parts.append(sampler.samples())
    (bucket,) = merged(parts).buckets
    assert (bucket.backlog, bucket.uploaded_bytes) == (Backlog(3, 150), 21)
    assert merged(parts[2:]).buckets[0].backlog is None


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (640, "640 B"),
        (1234, "1.2 kB"),
        (95e6, "95 MB"),
        (999.4, "999 B"),
        (999.5, "1 kB"),
        (1.2e12, "1,200 GB"),
    ],
)
def test_amounts_have_a_suitable_unit(size_bytes: float, text: str) -> None:
    assert size(size_bytes) == text

"""Measurements of a run: exact where documented, within their bound elsewhere, and the same from several workers."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel_fleet.cameras.percents import Percents
from lapel_fleet.runs.measurement.samples import BUCKETS, Latencies, Sampler, Samples, merged


class Now:
    """A time that the test sets."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


@given(st.lists(st.floats(0.00001, 10_000), min_size=1), st.sampled_from([0, 1, 50, 99, 100]))
def test_a_percentile_is_never_too_low_and_at_most_1_6_percent_too_high(seconds: list[float], percent: int) -> None:
    latencies = Latencies()
    for one in seconds:
        latencies.add(one)
    rank = max(1, -(-len(seconds) * percent // 100))
    exact_s = sorted(seconds)[rank - 1]
    estimate_s = latencies.percentile_s(percent)
    assert estimate_s is not None
    assert exact_s <= estimate_s <= exact_s * 1.016
    assert latencies.max_s == max(seconds)


def test_zero_and_negative_latencies_count_as_zero_and_no_latency_has_no_percentile() -> None:
    latencies = Latencies()
    assert latencies.percentile_s(50) is None
    latencies.add(0.0)
    latencies.add(-0.001)
    assert (latencies.percentile_s(99), latencies.max_s, latencies.count) == (0.0, 0.0, 2)


def test_memory_does_not_grow_with_what_happens() -> None:
    latencies = Latencies()
    for number in range(100_000):
        latencies.add(0.001 + number * 1e-6)
    assert latencies.count == 100_000
    assert len(latencies.counts) < 64 * 7  # 1 ms to 0.1 s are 6.7 doublings


@pytest.mark.parametrize(
    ("every_s", "duration_s", "buckets"), [(1, 20, 20), (1, 28_800, BUCKETS), (60, 61, 2), (9, 1, 1)]
)
def test_buckets_are_as_long_as_configured_but_never_more_than_200(
    every_s: float, duration_s: float, buckets: int
) -> None:
    now = Now()
    sampler = Sampler(now, every_s, duration_s)
    now.s = duration_s * 1.5
    sampler.message("state", "baltimore")
    samples = sampler.samples()
    assert len(samples.buckets) == buckets
    assert samples.buckets[-1].messages == {"state": 1}  # what comes too late counts into the last
    assert sum(samples.length_s(number) for number in range(buckets)) == pytest.approx(now.s)


def fed(now: Now, *, site: str, latency_s: float) -> Samples:
    now.s = 0.0
    sampler = Sampler(now, 10, 30)
    for now.s in (0.0, 9.999, 10.0, 25.0):
        sampler.message("event", site)
        sampler.command(latency_s)
        sampler.press(latency_s)
        sampler.lag(latency_s)
        sampler.snapshot({site: {"recording": 1, "buffering": 2}}, Percents.of([99.9, 50]), Percents.of([50]))
    return sampler.samples()


def test_what_happens_is_counted_where_it_happens() -> None:
    samples = fed(Now(), site="baltimore", latency_s=0.1)
    assert [one.messages for one in samples.buckets] == [{"event": 2}, {"event": 1}, {"event": 1}]
    assert [one.commands.count for one in samples.buckets] == [2, 1, 1]
    first = samples.buckets[0]  # the last look at the cameras counts, and counts once
    assert (first.sampled_s, first.states) == (9.999, {"baltimore": {"recording": 1, "buffering": 2}})
    assert (first.batteries.percentile(0), first.batteries.percentile(100), first.storage.percentile(50)) == (
        50,
        99,
        50,
    )


def test_workers_together_are_the_whole() -> None:
    one, other = fed(Now(), site="baltimore", latency_s=0.1), fed(Now(), site="buffalo", latency_s=2.0)
    other.buckets.pop()  # it ended earlier
    both = merged([one, other])
    assert both.messages_by_site == {"baltimore": 4, "buffalo": 4}
    assert [sorted(bucket.states) for bucket in both.buckets] == [["baltimore", "buffalo"]] * 2 + [["baltimore"]]
    commands = both.overall("commands")
    assert (commands.count, commands.max_s) == (7, 2.0)
    assert commands.percentile_s(50) == pytest.approx(0.1, rel=0.016)


def test_workers_of_different_runs_are_refused() -> None:
    now = Now()
    with pytest.raises(ValueError, match="not of one run"):
        merged([Sampler(now, 1, 10).samples(), Sampler(now, 2, 10).samples()])


def test_a_worker_can_send_its_samples_as_json() -> None:
    samples = fed(Now(), site="baltimore", latency_s=0.1)
    assert msgspec.json.decode(msgspec.json.encode(samples), type=Samples) == samples

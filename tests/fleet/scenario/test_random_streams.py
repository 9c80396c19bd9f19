"""Chance: the same from the same seed, another for everybody and everything else."""

import pytest

from lapel_fleet.scenario.random_streams import RandomStreams


@pytest.mark.parametrize(
    ("who", "purpose", "seed"), [("b/cam-2", "firmware", 7), ("b/cam-1", "way", 7), ("b/cam-1", "firmware", 8)]
)
def test_a_stream_is_of_one_seed_one_camera_and_one_purpose(who: str, purpose: str, seed: int) -> None:
    one, same, other = RandomStreams(7), RandomStreams(7), RandomStreams(seed)
    drawn = one.stream("b/cam-1", "firmware").random()
    assert same.stream("b/cam-1", "firmware").random() == drawn != other.stream(who, purpose).random()
    trickled = one.counter_rng("b/cam-1", "firmware").getrandbits(64)
    assert (
        same.counter_rng("b/cam-1", "firmware").getrandbits(64)
        == trickled
        != other.counter_rng(who, purpose).getrandbits(64)
    )


def test_a_trickle_is_spread_over_what_is_asked_for() -> None:
    counter_rng = RandomStreams(7).counter_rng("b/cam-1", "firmware")
    drawn = sorted(counter_rng.uniform(2.0, 4.0) for _ in range(1000))
    assert 2.0 <= drawn[0] < 2.02
    assert 2.9 < drawn[500] < 3.1
    assert 3.98 < drawn[-1] <= 4.0
    assert {counter_rng.getrandbits(1) for _ in range(100)} == {0, 1}

"""Chance: the same from the same seed, another for everybody and everything else."""

import pytest

from lapel_fleet.scenario.random_streams import RandomStreams


@pytest.mark.parametrize(
    ("who", "purpose", "seed"), [("b/cam-2", "firmware", 7), ("b/cam-1", "way", 7), ("b/cam-1", "firmware", 8)]
)
def test_a_stream_is_of_one_seed_one_camera_and_one_purpose(who: str, purpose: str, seed: int) -> None:
    one, same, other = RandomStreams(7), RandomStreams(7), RandomStreams(seed)
    drawn = one.chance("b/cam-1", "firmware").random()
    assert same.chance("b/cam-1", "firmware").random() == drawn != other.chance(who, purpose).random()
    trickled = one.trickle("b/cam-1", "firmware").getrandbits(64)
    assert (
        same.trickle("b/cam-1", "firmware").getrandbits(64) == trickled != other.trickle(who, purpose).getrandbits(64)
    )


def test_a_trickle_is_spread_over_what_is_asked_for() -> None:
    trickle = RandomStreams(7).trickle("b/cam-1", "firmware")
    drawn = sorted(trickle.uniform(2.0, 4.0) for _ in range(1000))
    assert 2.0 <= drawn[0] < 2.02
    assert 2.9 < drawn[500] < 3.1
    assert 3.98 < drawn[-1] <= 4.0
    assert {trickle.getrandbits(1) for _ in range(100)} == {0, 1}

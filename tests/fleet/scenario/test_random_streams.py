"""Random streams: equal for the same seed, camera and purpose, different for any other."""

import pytest

from lapel_fleet.scenario.random_streams import RandomStreams


@pytest.mark.parametrize(
    ("camera", "purpose", "seed"), [("b/cam-2", "firmware", 7), ("b/cam-1", "way", 7), ("b/cam-1", "firmware", 8)]
)
def test_a_stream_depends_on_seed_camera_and_purpose(camera: str, purpose: str, seed: int) -> None:
    one, same, other = RandomStreams(7), RandomStreams(7), RandomStreams(seed)
    drawn = one.stream("b/cam-1", "firmware").random()
    assert same.stream("b/cam-1", "firmware").random() == drawn != other.stream(camera, purpose).random()
    counted = one.counter_rng("b/cam-1", "firmware").getrandbits(64)
    assert (
        same.counter_rng("b/cam-1", "firmware").getrandbits(64)
        == counted
        != other.counter_rng(camera, purpose).getrandbits(64)
    )


def test_a_counter_rng_covers_the_requested_range() -> None:
    counter_rng = RandomStreams(7).counter_rng("b/cam-1", "firmware")
    drawn = sorted(counter_rng.uniform(2.0, 4.0) for _ in range(1000))
    assert 2.0 <= drawn[0] < 2.02
    assert 2.9 < drawn[500] < 3.1
    assert 3.98 < drawn[-1] <= 4.0
    assert {counter_rng.getrandbits(1) for _ in range(100)} == {0, 1}

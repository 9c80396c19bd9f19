"""A sound card whose clock is wrong: its samples keep pace with the camera's, without jumps."""

import random

import numpy as np
import pytest

from lapel.media.drift import DriftCorrector

RATE_HZ, CHUNK = 48_000, 960


@pytest.mark.parametrize("ppm", [-200, -20, 0, 20, 200])
@pytest.mark.parametrize("hours", [0.05, pytest.param(2.0, marks=pytest.mark.soak)])
def test_the_sound_stays_within_20_ms_of_the_clock(ppm: int, hours: float) -> None:
    """A card that is 200 ppm fast delivers a second of samples in 0.9998 s; the scheduler delays some of them."""
    rng, corrector = random.Random(ppm), DriftCorrector(RATE_HZ, 0.0)
    chunk_s = CHUNK / RATE_HZ / (1 + ppm / 1e6)
    samples = np.zeros((1, CHUNK), np.float32)
    worst = 0.0
    for number in range(round(hours * 3600 / chunk_s)):
        captured_s = (number + 1) * chunk_s
        made = corrector.correct(samples, captured_s + rng.expovariate(1000))
        assert abs(made.shape[1] - CHUNK) <= 3
        worst = max(worst, abs(corrector.end_s - captured_s))
    assert worst < 0.02


def test_a_tone_is_continuous_across_chunks() -> None:
    corrector = DriftCorrector(RATE_HZ, 0.0)
    tone = np.sin(2 * np.pi * 440 * np.arange(100 * CHUNK) / RATE_HZ).astype(np.float32)[None, :]
    made = [
        corrector.correct(tone[:, at : at + CHUNK], (at + CHUNK) / RATE_HZ * 1.0002)
        for at in range(0, tone.shape[1], CHUNK)
    ]
    steps = np.diff(np.concatenate(made, axis=1)[0])
    assert np.max(np.abs(steps)) < 1.05 * 2 * np.pi * 440 / RATE_HZ

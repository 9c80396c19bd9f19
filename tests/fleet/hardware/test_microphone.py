"""The simulated microphone, and the sound source that does to real samples what it says."""

import math

import numpy as np
import pytest

from lapel.errors import AudioError
from lapel.media.aac import Samples, SoundFormat
from lapel.media.drift import DriftCorrector
from lapel.media.sound_sources import CHUNK_S, ToneSource
from lapel.media.sound_track import STALL_S
from lapel_fleet.hardware import microphone as microphone_module
from lapel_fleet.hardware.microphone import SimulatedMicrophone, outside
from lapel_fleet.hardware.sound_source import SimulatedSoundSource
from waited_clock import WaitedClock

FORM = SoundFormat()


@pytest.fixture
def clock() -> WaitedClock:
    clock = WaitedClock()
    clock.seconds = 0.0
    return clock


@pytest.fixture
def microphone(clock: WaitedClock) -> SimulatedMicrophone:
    return SimulatedMicrophone(clock)


def opened(microphone: SimulatedMicrophone, clock: WaitedClock) -> SimulatedSoundSource:
    source = SimulatedSoundSource(ToneSource(FORM, clock, clock.wait), microphone, clock)
    source.open()
    return source


def test_what_was_done_to_it_is_kept(microphone: SimulatedMicrophone, clock: WaitedClock) -> None:
    clock.wait(1)
    microphone.unplug()
    microphone.unplug()
    clock.wait(2)
    microphone.plug_in()
    microphone.plug_in()
    microphone.fall_silent()
    clock.wait(3)
    microphone.end_silence()
    microphone.delay(0.5)
    assert microphone.outages == ((1.0, 3.0),)
    assert microphone.silences == ((3.0, 6.0),)
    assert microphone.stalls == ((6.0, 6.5),)
    assert microphone.missing == [(1.0, 3.0), (6.0, 6.5)]
    assert microphone.history == (
        "unplugged", "unplugged", "plug in", "plug in", "fall silent", "end silence", "delay by 0.5 s",
    )  # fmt: skip
    microphone.unplug()
    assert microphone.missing[-1] == (6.0, math.inf)


def test_a_short_delay_is_no_stall_and_one_that_ends_early_stalls_no_longer(
    microphone: SimulatedMicrophone, clock: WaitedClock
) -> None:
    microphone.delay(0.2)
    assert microphone.stalls == ()
    microphone.delay(5)
    clock.wait(1)
    microphone.delay(0)
    assert microphone.stalls == ((0.0, 1.0),)
    assert microphone_module.STALL_S == STALL_S


def test_sound_that_is_late_when_it_is_plugged_in_is_missing_for_so_much_longer(
    microphone: SimulatedMicrophone, clock: WaitedClock
) -> None:
    microphone.delay(0.1)
    microphone.unplug()
    clock.wait(1)
    microphone.plug_in()
    assert microphone.missing == [(0.0, 1.0), (1.0, 1.1)]


def test_drift_stays_within_what_sound_cards_do(microphone: SimulatedMicrophone) -> None:
    microphone.drift(5000)
    assert microphone.drift_ppm == 200


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([], [(0, 10)]),
        ([(2, 3), (5, 20)], [(0, 2), (3, 5)]),
        ([(-5, 1), (0, 2), (9, 10)], [(2, 9)]),
        ([(0, 10)], []),
        ([(20, 30)], [(0, 10)]),
    ],
)
def test_what_lies_outside_of_intervals(
    intervals: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    assert list(outside(intervals, 0, 10)) == expected


def test_unplugged_it_delivers_nothing(microphone: SimulatedMicrophone, clock: WaitedClock) -> None:
    source = opened(microphone, clock)
    microphone.unplug()
    with pytest.raises(AudioError, match="tone: unplugged"):
        source.read()
    with pytest.raises(AudioError, match="tone: unplugged"):
        source.open()
    microphone.plug_in()
    source.open()
    assert source.read().samples.any()


def test_silent_it_delivers_zeros(microphone: SimulatedMicrophone, clock: WaitedClock) -> None:
    source = opened(microphone, clock)
    microphone.fall_silent()
    assert not source.read().samples.any()
    microphone.end_silence()
    assert source.read().samples.any()


@pytest.mark.parametrize("ppm", [-200, 0, 200])
def test_drift_is_so_many_samples_too_many_and_the_corrector_follows(
    ppm: float, microphone: SimulatedMicrophone, clock: WaitedClock
) -> None:
    source = opened(microphone, clock)
    microphone.drift(ppm)
    corrector, delivered, corrected = DriftCorrector(FORM.rate_hz, 0.0), 0, list[Samples]()
    for _ in range(round(100 / CHUNK_S)):
        chunk = source.read()
        delivered += chunk.samples.shape[1]
        corrected.append(corrector.correct(chunk.samples, chunk.arrived_s))
    assert delivered == pytest.approx(100 * FORM.rate_hz * (1 + ppm * 1e-6), abs=1)
    assert corrector.end_s == pytest.approx(100, abs=0.005)
    assert np.concatenate(corrected, axis=1).shape[1] == pytest.approx(100 * FORM.rate_hz, abs=250)


def test_delayed_sound_comes_late_and_is_lost_when_the_delay_ends(
    microphone: SimulatedMicrophone, clock: WaitedClock
) -> None:
    source = opened(microphone, clock)
    first = source.read()
    microphone.delay(1.0)
    late = source.read()
    assert late.arrived_s == pytest.approx(first.arrived_s + CHUNK_S + 1.0)
    assert clock.mono_s() == pytest.approx(late.arrived_s, abs=CHUNK_S)
    followed = source.read()
    assert followed.arrived_s == pytest.approx(late.arrived_s + CHUNK_S)
    microphone.delay(0.0)
    at_once = source.read()
    assert at_once.arrived_s == pytest.approx(clock.mono_s())
    assert at_once.arrived_s == pytest.approx(followed.arrived_s + CHUNK_S, abs=CHUNK_S)

"""A muted interval: digital silence, and nothing of the original in any frame."""

import io
from collections.abc import Sequence

import av
import numpy as np
import pytest

from lapel import mp4_boxes as boxes
from lapel.media.aac import FRAME_SAMPLES, AacEncoder, AacFrame, Samples, SoundFormat, silent_frame
from lapel.media.fragment_sound import fragment_sound
from lapel.media.mute_intervals import MuteIntervals
from lapel.media.mux import EncodedFrame, mux

MONO, STEREO = SoundFormat(), SoundFormat(channels=2, bitrate_bps=96_000)
RATE = MONO.rate_hz
START = 5 * RATE + 17
"""The number of the first sample: frames begin anywhere on the clock."""
MUTED = START + round(1.0 * RATE), START + round(2.0 * RATE)


def speech(form: SoundFormat, seed: int) -> Samples:
    """Three seconds of loud noise, whose second second depends on `seed`."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (form.channels, 3 * RATE)).astype(np.float32)
    secret = np.random.default_rng(seed).uniform(-0.9, 0.9, (form.channels, RATE)).astype(np.float32)
    samples[:, RATE : 2 * RATE] = secret
    return samples


def muted(samples: Samples, form: SoundFormat, *, chunk: int = 960) -> list[AacFrame]:
    """Encoded in chunks as they arrive, muted from the second second to its end."""
    mutes, encoder, frames = MuteIntervals(silent_frame(form)), AacEncoder(form, START), list[AacFrame]()
    for at in range(0, samples.shape[1], chunk):
        if at + chunk > RATE:
            mutes.begin(MUTED[0])
        if at + chunk > 2 * RATE:
            mutes.end(MUTED[1])
        frames += mutes.replaced(encoder.encode(mutes.silenced(samples[:, at : at + chunk], START + at)))
    return frames + mutes.replaced(encoder.flush())


def decoded(frames: Sequence[AacFrame], form: SoundFormat) -> Samples:
    """As a player decodes them, from sample number `START` on."""
    header, body = mux([EncodedFrame(b"frame", 0, 300_000, True)], 64, 32, 1, form)
    sound = fragment_sound(frames, form.rate_hz, START, 0, None)
    with av.open(io.BytesIO(header + body + boxes.moved(sound.inside, 2, 0))) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


@pytest.mark.parametrize("form", [MONO, STEREO])
def test_it_decodes_to_digital_silence_to_the_nearest_frame(form: SoundFormat) -> None:
    samples = decoded(muted(speech(form, 1), form), form)
    begin, end = MUTED[0] - START, MUTED[1] - START
    assert np.abs(samples[:, begin:end]).max() == 0
    assert np.abs(samples[:, begin - 3 * FRAME_SAMPLES : begin - 2 * FRAME_SAMPLES]).max() > 0.4
    assert np.abs(samples[:, end + 2 * FRAME_SAMPLES : end + 3 * FRAME_SAMPLES]).max() > 0.4


@pytest.mark.parametrize("form", [MONO, STEREO])
@pytest.mark.parametrize("chunk", [960, 1024, 5000])
def test_no_byte_depends_on_what_was_muted(form: SoundFormat, chunk: int) -> None:
    one, other = (muted(speech(form, seed), form, chunk=chunk) for seed in (1, 2))
    assert one == other


def test_frames_that_wait_already_are_replaced_too() -> None:
    """A source may be ahead of the clock: then the interval begins in what was encoded."""
    frames = [AacFrame(b"%d" % number, number * FRAME_SAMPLES) for number in range(10)]
    mutes = MuteIntervals(b"silent")
    mutes.begin(5 * FRAME_SAMPLES)
    replaced = mutes.replaced(frames)
    assert [frame.data for frame in replaced] == [b"0", b"1", b"2", b"3"] + [b"silent"] * 6
    mutes.end(7 * FRAME_SAMPLES)
    assert [frame.data for frame in mutes.replaced(frames)][6:] == [b"silent", b"7", b"8", b"9"]


def test_beginning_and_ending_twice_is_harmless_and_the_past_is_forgotten() -> None:
    mutes = MuteIntervals(b"silent")
    mutes.end(1)
    for begin, end in ((10, 20), (30, 40)):
        mutes.begin(begin)
        mutes.begin(begin + 5)
        mutes.end(end)
        mutes.end(end + 5)
    ones = np.ones((1, 50), np.float32)
    assert [*np.flatnonzero(mutes.silenced(ones, 0)[0] == 0)] == [*range(10, 20), *range(30, 40)]
    mutes.forget_before(25)
    assert [*np.flatnonzero(mutes.silenced(ones, 0)[0] == 0)] == [*range(30, 40)]

"""CPU of sound beside that of encoding the video, both for the same seconds.

What the AAC encoder costs depends on what it hears: a pure tone leaves most of the bit rate unused, and FFmpeg's rate
control then encodes each frame again and again. No microphone delivers one: the noise of a quiet room is enough. So the
bound is for a voice in such a room; the test tone is shown beside it.
"""

from collections.abc import Sequence
from time import process_time

import numpy as np

from bench.bench_encoder import FPS as _FPS
from bench.bench_encoder import SETTINGS as _SETTINGS
from bench.figure import Figure
from lapel.clock import SystemClock
from lapel.hardware.interfaces import Frame
from lapel.media.aac import AacEncoder, Samples, SoundFormat
from lapel.media.drift import DriftCorrector
from lapel.media.encoder import Encoder
from lapel.media.scene import Scene
from lapel.media.sound_sources import CHUNK_S, tone

_BOUND = 0.03
_FORM = SoundFormat()
_PITCH_HZ, _SYLLABLES_HZ = 120.0, 3.0
_NOISE = 0.001
"""-60 dB below full scale."""


def main(length_s: int = 5) -> list[Figure]:
    """The share of the sound, at 1080p30; drawing and making the sound are not counted."""
    video_s = _video_s(length_s)
    voice, test_tone = (
        min(_sound_s(sound) for _ in range(3)) / video_s for sound in (_voice(length_s), _tone(length_s))
    )
    return [
        Figure("CPU of sound beside video at 1080p30: a voice", voice, "of encoding", bound=_BOUND),
        Figure("CPU of sound beside video at 1080p30: the test tone", test_tone, "of encoding"),
    ]


def _sound_s(sound: Samples) -> float:
    corrector, encoder = DriftCorrector(_FORM.rate_hz, 0.0), AacEncoder(_FORM, 0)
    chunks: Sequence[Samples] = np.split(sound, sound.shape[1] // round(CHUNK_S * _FORM.rate_hz), axis=1)
    begin = process_time()
    for number, chunk in enumerate(chunks):
        encoder.encode(corrector.correct(chunk, (number + 1) * CHUNK_S))
    return process_time() - begin


def _tone(length_s: int) -> Samples:
    return tone(0.0, length_s * _FORM.rate_hz, _FORM)


def _voice(length_s: int) -> Samples:
    """The overtones of a voice that speaks three syllables a second, in the noise of a quiet room."""
    at_s = np.arange(length_s * _FORM.rate_hz) / _FORM.rate_hz
    phase = 2 * np.pi * _PITCH_HZ * at_s + np.sin(4 * np.pi * at_s)
    overtones = sum(np.sin(number * phase) / number for number in range(1, 30))
    spoken = 0.1 * overtones * (np.sin(2 * np.pi * _SYLLABLES_HZ * at_s) > -0.3)
    noise = _NOISE * np.random.default_rng(1).standard_normal(at_s.size)
    return np.asarray(spoken + noise, np.float32)[np.newaxis, :]


def _video_s(length_s: int) -> float:
    scene, begin = Scene(1920, 1080, "bench"), SystemClock().now()
    moments = [begin.shifted(number / _FPS) for number in range(length_s * _FPS)]
    frames = [Frame(at, scene.draw(number, number / _FPS, at.utc)) for number, at in enumerate(moments)]
    encoder, began = Encoder(_SETTINGS), process_time()
    for frame in frames:
        encoder.encode(frame)
    encoder.cut()
    return process_time() - began

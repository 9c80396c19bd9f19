"""CPU of sound beside that of encoding the video, both for the same seconds."""

from time import process_time

from bench.bench_encoder import FPS as _FPS
from bench.bench_encoder import SETTINGS as _SETTINGS
from bench.figure import Figure
from lapel.clock import SystemClock
from lapel.hardware.interfaces import Frame
from lapel.media.aac import AacEncoder, SoundFormat
from lapel.media.drift import DriftCorrector
from lapel.media.encoder import Encoder
from lapel.media.scene import Scene
from lapel.media.sound_sources import CHUNK_S, tone

_BOUND = 0.03


def main(length_s: int = 5) -> list[Figure]:
    """The share of the sound, at 1080p30; drawing and the tone are not counted."""
    share = min(_sound_s(length_s) for _ in range(3)) / _video_s(length_s)
    return [Figure("CPU of sound beside video at 1080p30", share, "of encoding", bound=_BOUND)]


def _sound_s(length_s: int) -> float:
    form = SoundFormat()
    chunks = [
        tone(number * CHUNK_S, round(CHUNK_S * form.rate_hz), form) for number in range(round(length_s / CHUNK_S))
    ]
    corrector, encoder = DriftCorrector(form.rate_hz, 0.0), AacEncoder(form, 0)
    begin = process_time()
    for number, chunk in enumerate(chunks):
        encoder.encode(corrector.correct(chunk, (number + 1) * CHUNK_S))
    return process_time() - begin


def _video_s(length_s: int) -> float:
    scene, begin = Scene(1920, 1080, "bench"), SystemClock().now()
    moments = [begin.shifted(number / _FPS) for number in range(length_s * _FPS)]
    frames = [Frame(at, scene.draw(number, number / _FPS, at.utc)) for number, at in enumerate(moments)]
    encoder, began = Encoder(_SETTINGS), process_time()
    for frame in frames:
        encoder.encode(frame)
    encoder.cut()
    return process_time() - began

"""Reads the sound of recordings back: its samples, and the time that the tone carries."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from lapel.media.sound_sources import TONE_HZ, TONE_SWEEP_HZ

_WINDOW_S = 0.06
_SETTLED_S = 0.05
"""The first frames of AAC after a start are overlaid with the silence before it."""


@dataclass(frozen=True)
class Sound:
    """Decoded samples on the file's own time line; where there is no sound, there is silence."""

    samples: NDArray[np.float32]
    rate_hz: int
    start_s: float

    def time_within_second(self, at_s: float) -> float | None:
        """The time within a second of the monotonic clock at which the sound at `at_s` was made; None near its ends."""
        half = round(_WINDOW_S / 2 * self.rate_hz)
        centre = round(at_s * self.rate_hz)
        first = int(np.argmax(np.abs(self.samples) > 0.05))
        if centre - half < first + _SETTLED_S * self.rate_hz:
            return None
        window = self.samples[max(0, centre - half) : centre + half]
        if window.size < 2 * half or np.max(np.abs(window)) < 0.05:
            return None
        spectrum = np.abs(np.fft.rfft(window * np.hanning(window.size), 1 << 15))
        within = (float(np.argmax(spectrum)) * self.rate_hz / (1 << 15) - TONE_HZ) / TONE_SWEEP_HZ
        return within if 0.06 < within < 0.94 else None


def sound(path: Path) -> Sound:
    """The sound track of a file."""
    with av.open(str(path)) as container:
        frames: list[Any] = [*container.decode(audio=0)]
    rate_hz = frames[0].sample_rate
    end_s = max(float(frame.pts * frame.time_base) + frame.samples / rate_hz for frame in frames)
    samples = np.zeros(round(end_s * rate_hz) + 1, np.float32)
    for frame in frames:
        at = round(float(frame.pts * frame.time_base) * rate_hz)
        part = frame.to_ndarray()[0]
        samples[max(0, at) : at + part.size] = part[max(0, -at) :][: samples.size - max(0, at)]
    return Sound(samples, rate_hz, float(frames[0].pts * frames[0].time_base))

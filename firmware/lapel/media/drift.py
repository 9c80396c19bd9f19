"""Keeps the samples of a sound card on the camera's monotonic clock: by resampling, never by jumps. Pure.

A sound card's crystal runs some 10 to 200 parts per million too fast or too slow: 0.7 s in an hour.
"""

from collections import deque

import numpy as np

from lapel.media.aac import Samples

_PULL_PER_S = 0.05
"""The correction for each second that the sound is behind: at 200 ppm of drift it stays 4 ms behind."""
_MOST = 0.002
"""The strongest correction: three hundredths of a semitone, which is inaudible."""
_WINDOW = 50
"""Chunks (a second of 20 ms each) of which the earliest arrival counts: the others waited for the scheduler."""


class DriftCorrector:
    """Resamples chunks so that their sum keeps pace with the clock."""

    def __init__(self, rate_hz: int, start_s: float) -> None:
        """`start_s`: monotonic time of the first sample."""
        self._rate_hz, self._start_s = rate_hz, start_s
        self._made = 0
        self._phase = 0.0
        self._last: Samples | None = None
        self._behind_s: deque[float] = deque(maxlen=_WINDOW)

    @property
    def end_s(self) -> float:
        """Monotonic time of the end of what was returned so far."""
        return self._start_s + self._made / self._rate_hz

    def behind_s(self, arrived_s: float, samples: int) -> float:
        """How far the sound is behind the clock once a chunk that arrived then is added; negative: ahead."""
        return arrived_s - (self.end_s + samples / self._rate_hz)

    def correct(self, samples: Samples, arrived_s: float) -> Samples:
        """The chunk, stretched or squeezed by at most a five hundredth."""
        self._behind_s.append(self.behind_s(arrived_s, samples.shape[1]))
        pull = min(_MOST, max(-_MOST, min(self._behind_s) * _PULL_PER_S))
        made = self._resampled(samples, 1.0 / (1.0 + pull))
        self._made += made.shape[1]
        return made

    def _resampled(self, samples: Samples, step: float) -> Samples:
        """Linear interpolation at every `step` samples, continued from chunk to chunk."""
        before = samples[:, :1] if self._last is None else self._last
        joined = np.concatenate((before, samples), axis=1)
        at = np.arange(self._phase, samples.shape[1], step)
        self._phase = float(at[-1] + step - samples.shape[1]) if at.size else self._phase - samples.shape[1]
        self._last = samples[:, -1:]
        grid = np.arange(joined.shape[1])
        return np.stack([np.interp(at, grid, channel) for channel in joined]).astype(np.float32)

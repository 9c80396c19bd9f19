"""Real samples as a `SimulatedMicrophone` delivers them: wraps any `SoundSource`."""

from collections import deque

import numpy as np

from lapel.clock import Clock
from lapel.errors import AudioError
from lapel.media.aac import Samples
from lapel.media.sound_sources import SoundChunk, SoundSource
from lapel_fleet.hardware.microphone import SimulatedMicrophone


class SimulatedSoundSource:
    """Delivers the sound of `source` through the microphone. Implements `SoundSource`."""

    has_sound = True

    def __init__(self, source: SoundSource, microphone: SimulatedMicrophone, clock: Clock) -> None:
        self._source, self._microphone, self._clock = source, microphone, clock
        self._on_its_way: deque[SoundChunk] = deque()
        self._delay_s = 0.0
        self._surplus = 0.0  # samples by which its clock is ahead of what was delivered

    @property
    def name(self) -> str:
        """The name of the wrapped source."""
        return self._source.name

    def open(self) -> None:
        """See `SoundSource.open`. Raises AudioError while it is unplugged."""
        self._require_plugged()
        self._on_its_way.clear()
        self._surplus = 0.0
        self._source.open()

    def read(self) -> SoundChunk:
        """See `SoundSource.read`. Raises AudioError when it was unplugged."""
        self._drop_what_a_shorter_delay_loses()
        while not self._on_its_way or self._due_s(self._on_its_way[0]) > self._clock.mono_s():
            self._require_plugged()
            self._on_its_way.append(self._source.read())
        chunk = self._on_its_way.popleft()
        return SoundChunk(self._with_faults(chunk.samples), self._due_s(chunk))

    def close(self) -> None:
        """See `SoundSource.close`."""
        self._source.close()

    def _require_plugged(self) -> None:
        if (reason := self._microphone.lost) is not None:
            raise AudioError(f"{self.name}: {reason}")

    def _due_s(self, chunk: SoundChunk) -> float:
        return chunk.arrived_s + self._delay_s

    def _drop_what_a_shorter_delay_loses(self) -> None:
        before_s, self._delay_s = self._delay_s, self._microphone.delay_s
        if self._delay_s < before_s:
            now_s = self._clock.mono_s()
            while self._on_its_way and self._due_s(self._on_its_way[0]) <= now_s:
                self._on_its_way.popleft()

    def _with_faults(self, samples: Samples) -> Samples:
        count = samples.shape[1]
        self._surplus += count * self._microphone.drift_ppm * 1e-6
        extra = round(self._surplus)
        self._surplus -= extra
        changed = _stretched(samples, count + extra) if extra else samples
        return np.zeros_like(changed) if self._microphone.is_silent else changed


def _stretched(samples: Samples, count: int) -> Samples:
    """The same sound as `count` samples."""
    at = np.linspace(0, samples.shape[1] - 1, count)
    grid = np.arange(samples.shape[1])
    return np.stack([np.interp(at, grid, channel) for channel in samples]).astype(np.float32)

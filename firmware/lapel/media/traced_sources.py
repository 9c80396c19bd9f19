"""A video source and a sound source whose frames and samples are counted into a hardware trace: their times, not their
content.
"""

from typing import Any

import numpy as np

from lapel.errors import AudioError, VideoError
from lapel.hardware.interfaces import CodedSource, FrameFormat, FrameSource
from lapel.hardware.trace.format import FramesCaptured, SoundArrived
from lapel.hardware.trace.writer import TraceWriter
from lapel.media.sound_sources import SoundChunk, SoundSource

_LINE_S = 1.0
"""A line of the trace covers so much."""


class TracedFrames:
    """Implements `FrameSource` or `CodedSource` by one of them, and writes when its frames were captured."""

    def __init__(self, source: FrameSource | CodedSource, trace: TraceWriter) -> None:
        self._source, self._trace = source, trace
        self._times_s: list[float] = []
        self._dropped = 0

    @property
    def name(self) -> str:
        """See `FrameSource.name`."""
        return self._source.name

    def open(self) -> FrameFormat:
        """See `FrameSource.open`."""
        try:
            return self._source.open()
        except VideoError as error:
            self._lose(error)
            raise

    def read(self) -> Any:
        """See `FrameSource.read`."""
        try:
            frame = self._source.read()
        except VideoError as error:
            self._lose(error)
            raise
        self._times_s.append(self._trace.at_s(frame.captured.mono_s))
        self._dropped += frame.dropped_before
        if self._times_s[-1] - self._times_s[0] >= _LINE_S:
            self._write()
        return frame

    def close(self) -> None:
        """See `FrameSource.close`."""
        self._write()
        self._source.close()

    def _lose(self, error: VideoError) -> None:
        self._write()
        self._trace.add(FramesCaptured(at_s=self._trace.at_s(), lost=str(error)))

    def _write(self) -> None:
        times_s, self._times_s, dropped, self._dropped = self._times_s, [], self._dropped, 0
        if times_s:
            self._trace.add(FramesCaptured(at_s=times_s[-1], times_s=times_s, dropped=dropped))


class TracedSound:
    """Implements `SoundSource` by one, and writes how many samples arrived when."""

    def __init__(self, source: SoundSource, rate_hz: int, trace: TraceWriter) -> None:
        self._source, self._rate_hz, self._trace = source, rate_hz, trace
        self._samples, self._peak, self._arrived_s = 0, 0.0, 0.0

    @property
    def name(self) -> str:
        """See `SoundSource.name`."""
        return self._source.name

    @property
    def has_sound(self) -> bool:
        """See `SoundSource.has_sound`."""
        return self._source.has_sound

    def open(self) -> None:
        """See `SoundSource.open`."""
        try:
            self._source.open()
        except AudioError as error:
            self._lose(error)
            raise

    def read(self) -> SoundChunk:
        """See `SoundSource.read`."""
        try:
            chunk = self._source.read()
        except AudioError as error:
            self._lose(error)
            raise
        self._samples += chunk.samples.shape[1]
        self._peak = max(self._peak, float(np.max(np.abs(chunk.samples), initial=0.0)))
        self._arrived_s = chunk.arrived_s
        if self._samples >= _LINE_S * self._rate_hz:
            self._write()
        return chunk

    def close(self) -> None:
        """See `SoundSource.close`."""
        self._write()
        self._source.close()

    def _lose(self, error: AudioError) -> None:
        self._write()
        self._trace.add(SoundArrived(at_s=self._trace.at_s(), lost=str(error)))

    def _write(self) -> None:
        samples, self._samples, peak, self._peak = self._samples, 0, self._peak, 0.0
        if samples:
            at_s = self._trace.at_s(self._arrived_s)
            self._trace.add(SoundArrived(at_s=at_s, samples=samples, rate_hz=self._rate_hz, peak=round(peak, 4)))

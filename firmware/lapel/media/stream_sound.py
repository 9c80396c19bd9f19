"""The sound of an HTTP or RTSP stream, in step with its frames: both come through one connection."""

import queue
from collections import deque

import av
import numpy as np

from lapel.errors import AudioError
from lapel.media.aac import SoundFormat
from lapel.media.sound_sources import SoundChunk, resampler

_QUEUED = 500
"""Frames of sound, some ten seconds, that wait while the sound is not read."""
_FRAMES = 90
"""Frames of video of which the earliest arrival counts: the others were held up on the way."""
_PATIENCE_S = 1.0
_OVERLAP_S = 0.05


class StreamSound:
    """What the capture thread receives of sound, for the thread that records it. Implements `SoundSource`."""

    def __init__(self, name: str, form: SoundFormat) -> None:
        self.name, self._format = name, form
        self.has_sound = False
        """Whether the stream has a sound track; not known before it was opened."""
        self._received: queue.Queue[tuple[av.AudioFrame, float]] = queue.Queue(_QUEUED)
        self._offsets_s: deque[float] = deque(maxlen=_FRAMES)
        self._resampler = resampler(form)
        self._end_s = 0.0

    # -- capture thread ------------------------------------------------------------------------------------------------

    def begin(self, *, has_sound: bool) -> None:
        """The stream was opened: its time stamps begin anew."""
        self.has_sound = has_sound
        self._offsets_s.clear()

    def on_video(self, media_s: float, captured_s: float) -> None:
        """A frame with that time stamp arrived at that monotonic time."""
        self._offsets_s.append(captured_s - media_s)

    def on_sound(self, frame: av.AudioFrame, media_s: float) -> None:
        """Sound with that time stamp arrived. It is dropped while it is not read."""
        if not self._received.full():
            self._received.put_nowait((frame, media_s))

    # -- sound thread --------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin with what arrives now. Raises AudioError when the stream has no sound track."""
        if not self.has_sound:
            raise AudioError(f"{self.name}: holds no sound")
        while not self._received.empty():
            self._received.get_nowait()
        self._resampler = resampler(self._format)

    def read(self) -> SoundChunk:
        """The next samples, at the time of the frames that belong to them. Raises AudioError when none come."""
        while True:
            try:
                frame, media_s = self._received.get(timeout=_PATIENCE_S)
            except queue.Empty:
                raise AudioError(f"{self.name}: delivers no sound") from None
            parts = [part.to_ndarray().astype(np.float32) for part in self._resampler.resample(frame)]
            start_s = media_s + min(self._offsets_s, default=-np.inf)
            if parts and start_s > self._end_s - _OVERLAP_S:  # else its time is recorded already
                samples = np.concatenate(parts, axis=1)
                self._end_s = start_s + samples.shape[1] / self._format.rate_hz
                return SoundChunk(samples, self._end_s)

    def close(self) -> None:
        """Nothing to close: the connection is the video's."""

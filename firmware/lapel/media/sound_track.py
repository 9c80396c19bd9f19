"""Sound beside the video: a thread that reads the source and encodes, and what it hands to the video encoder.

The sound of a fragment is taken when the fragment closes: all AAC frames that begin in its time, to the nearest frame.
"""

import math
import threading
from collections import deque

import numpy as np

from lapel.clock import Clock
from lapel.errors import AudioError
from lapel.hardware.interfaces import SoundStatus
from lapel.media.aac import FRAME_SAMPLES, AacEncoder, AacFrame, Samples, SoundFormat, silent_frame
from lapel.media.drift import DriftCorrector
from lapel.media.mute_intervals import MuteIntervals
from lapel.media.sound_sources import SoundChunk, SoundSource

STALL_S = 0.25
"""Sound that is further behind the clock than this was interrupted: a gap, not drift."""
_AHEAD_S = 0.1
_REOPEN_S = 1.0
_KEPT_S = 600.0
"""Seconds of sound that are kept while no video comes that would take them: 5 MB at 64 kb/s."""
_LEVEL_S = 1.0
_FLOOR_DBFS = -120.0
_NO_SOUND_YET = SoundStatus(lost="no sound yet")
_SILENT_BELOW = 10 ** (-90 / 20)
"""The noise of a microphone and its amplifier is well above -90 dBFS."""


class SoundTrack:
    """Reads a source for as long as it runs. `take` is called from the video encoder's thread."""

    def __init__(self, source: SoundSource, form: SoundFormat, clock: Clock) -> None:
        self.format = form
        self.status = _NO_SOUND_YET
        self._source, self._clock = source, clock
        self._frames: deque[AacFrame] = deque()
        self._encoded_to = 0
        self._mutes = MuteIntervals(silent_frame(form))
        self._arrived = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._level: deque[tuple[float, float, float]] = deque()
        self._loud_s = 0.0  # when the level was last that of a working microphone

    @property
    def has_sound(self) -> bool:
        """False for a stream without a sound track: then no sound is recorded, and none is missing."""
        return self._source.has_sound

    def start(self) -> None:
        """Begin to read, in a thread of its own. Harmless when started."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name=f"sound {self._source.name}", daemon=True)
            self._thread.start()

    def stop(self, within_s: float) -> None:
        """End the thread; a driver that hangs is left behind. Blocks."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(within_s)
            self._lose(_NO_SOUND_YET)

    def set_muted(self, is_muted: bool, at_s: float) -> None:
        """Record true silence from a monotonic time on, or sound again. That time must not lie in sound that was taken.
        The level is measured all the same, so that a microphone that fails meanwhile is noticed.
        """
        if is_muted:
            self._mutes.begin(self.number_at(at_s))
        else:
            self._mutes.end(self.number_at(at_s))
        with self._arrived:
            self._frames = deque(self._mutes.replaced(self._frames))

    def number_at(self, mono_s: float) -> int:
        """The number of the sample at a monotonic time: all frames are counted from its zero."""
        return round(mono_s * self.format.rate_hz)

    def take(self, until: int, patience_s: float) -> list[AacFrame]:
        """The frames that begin before sample number `until`; waits a moment for the newest."""
        with self._arrived:
            if self.status.lost is None:
                self._arrived.wait_for(lambda: self._encoded_to >= until or self.status.lost is not None, patience_s)
            taken = []
            while self._frames and self._frames[0].start < until:
                taken.append(self._frames.popleft())
        return taken

    # -- sound thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._source.open()
                self._read()
            except AudioError as error:
                self._lose(SoundStatus(lost=str(error)))
            except Exception as bug:  # a driver's own exceptions: never end silently
                self._lose(SoundStatus(lost=f"{self._source.name}: {type(bug).__name__}: {bug}"))
            self._source.close()
            self._stopping.wait(_REOPEN_S)

    def _read(self) -> None:
        """Until the source fails or is stopped."""
        stretch: _Stretch | None = None
        while not self._stopping.is_set():
            chunk = self._source.read()
            if stretch is not None and (ahead_s := -stretch.behind_s(chunk)) > _AHEAD_S:
                self._stopping.wait(ahead_s)  # no sound card, but something that delivers as fast as it is read
                chunk = SoundChunk(chunk.samples, self._clock.mono_s())
            if stretch is None or stretch.behind_s(chunk) > STALL_S:
                self._loud_s = chunk.arrived_s if stretch is None else self._loud_s
                stretch = _Stretch(self.format, chunk.arrived_s - chunk.samples.shape[1] / self.format.rate_hz)
            frames = stretch.add(chunk, self._mutes)
            self._measure(chunk.samples, chunk.arrived_s)
            with self._arrived:
                self._frames += self._mutes.replaced(frames)
                self._mutes.forget_before(self.number_at(chunk.arrived_s - _KEPT_S))
                while self._frames and self._frames[0].start < self.number_at(chunk.arrived_s - _KEPT_S):
                    self._frames.popleft()
                self._encoded_to = frames[-1].start + FRAME_SAMPLES if frames else self._encoded_to
                self._arrived.notify_all()

    def _measure(self, samples: Samples, at_s: float) -> None:
        self._level.append((at_s, float(np.mean(samples**2)), float(np.max(np.abs(samples), initial=0.0))))
        while self._level[0][0] < at_s - _LEVEL_S:
            self._level.popleft()
        rms = math.sqrt(sum(power for _, power, _ in self._level) / len(self._level))
        if rms > _SILENT_BELOW:
            self._loud_s = at_s
        self.status = SoundStatus(None, dbfs(rms), dbfs(max(peak for *_, peak in self._level)), at_s - self._loud_s)

    def _lose(self, status: SoundStatus) -> None:
        self._level.clear()
        with self._arrived:
            self.status = status
            self._arrived.notify_all()


class _Stretch:
    """Uninterrupted sound from a moment on."""

    def __init__(self, form: SoundFormat, start_s: float) -> None:
        self.corrector = DriftCorrector(form.rate_hz, start_s)
        self._next = round(start_s * form.rate_hz)
        self._encoder = AacEncoder(form, self._next)

    def behind_s(self, chunk: SoundChunk) -> float:
        """How far the sound is behind the clock with this chunk; negative: ahead."""
        return self.corrector.behind_s(chunk.arrived_s, chunk.samples.shape[1])

    def add(self, chunk: SoundChunk, mutes: MuteIntervals) -> list[AacFrame]:
        samples = self.corrector.correct(chunk.samples, chunk.arrived_s)
        start, self._next = self._next, self._next + samples.shape[1]
        return self._encoder.encode(mutes.silenced(samples, start))


def dbfs(amplitude: float) -> float:
    """An amplitude between 0 and 1 in dB below full scale."""
    return round(max(_FLOOR_DBFS, 20 * math.log10(amplitude)), 1) if amplitude > 0 else _FLOOR_DBFS

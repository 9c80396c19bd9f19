"""The sound track of a video file, in step with its frames: both follow the same playback, each in its own thread."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av
import numpy as np

from lapel.clock import Clock
from lapel.errors import AudioError
from lapel.media.aac import Samples, SoundFormat
from lapel.media.sound_sources import CHUNK_S, SoundChunk, resampled, resampler
from lapel.media.video_decoder import LONGEST_STILL_S

_TOLERANCE_S = 0.02
"""Time stamps of sound may be off by this much, as where a file rounds them to milliseconds, and are not followed."""
_NEAR_S = 2.0
"""Sound that is opened later than this after its video begins in the middle of the file."""
_OPEN_S, _POLL_S = 1.0, 0.01
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Pass:
    """One play of the file, of many when it loops."""

    start_s: float
    """When it begins, in seconds since the start of playback."""
    origin_s: float
    """The file's own time of its first frame."""


@dataclass(frozen=True, slots=True)
class Playback:
    """Where the file's own times lie on the monotonic clock."""

    start_s: float
    """Monotonic time of the first frame."""
    passes: list[Pass]
    """A new one is added when the loop begins again, shortly before its first frame is due."""


class FileSound:
    """Plays a file's sound. Where the video lasts longer, silence follows; where the sound does, the rest is left out.
    Implements `SoundSource`.
    """

    has_sound = True

    def __init__(
        self,
        name: str,
        address: str,
        form: SoundFormat,
        clock: Clock,
        wait: Callable[[float], object],
        playback: Callable[[], Playback | None],
    ) -> None:
        """`playback` returns that of the video, None while it is not played; `wait(seconds)` blocks the thread."""
        self.name, self._address, self._format = name, address, form
        self._clock, self._wait, self._current_playback = clock, wait, playback
        self._playback: Playback | None = None
        self._pass = 0
        self._parts: Iterator[tuple[float, Samples]] = iter(())
        self._has_parts = False  # of this pass
        self._held = self._silence(0)
        self._delivered = 0  # samples since the start of playback

    def open(self) -> None:
        """Wait for the video, and begin where it is. Raises AudioError when it is not played, or holds no sound."""
        self.close()
        playback = self._begun()
        self._pass = len(playback.passes) - 1
        now_s = self._clock.mono_s() - playback.start_s
        begin_s = playback.passes[-1].start_s
        self._delivered = self._samples(begin_s if now_s - begin_s < _NEAR_S else now_s)
        self._parts, self._has_parts = self._decoded(playback.passes[-1]), False
        self._playback = playback

    def read(self) -> SoundChunk:
        """The next samples, once their time is over. Raises AudioError when the video is not played any more."""
        count, playback = self._samples(CHUNK_S), self._playback
        while playback is not None and playback is self._current_playback():
            end_s = playback.start_s + (self._delivered + count) / self._format.rate_hz
            if (early_s := end_s - self._clock.mono_s()) <= 0:
                return SoundChunk(self._next(playback, count), end_s)
            self._wait(early_s)
        raise AudioError(f"{self.name}: is not played any more")

    def close(self) -> None:
        """Close the file. Harmless when closed."""
        self._parts, self._playback, self._held = iter(()), None, self._silence(0)

    def _begun(self) -> Playback:
        until_s = self._clock.mono_s() + _OPEN_S
        while (playback := self._current_playback()) is None:
            if self._clock.mono_s() > until_s:
                raise AudioError(f"{self.name}: is not played yet")
            self._wait(_POLL_S)
        return playback

    def _next(self, playback: Playback, count: int) -> Samples:
        while self._held.shape[1] < count:
            self._hold_more(playback, count)
        samples, self._held = self._held[:, :count], self._held[:, count:]
        self._delivered += count
        return samples

    def _hold_more(self, playback: Playback, count: int) -> None:
        """Add what the file holds next; silence where it holds nothing, up to the next pass."""
        end, upcoming = self._delivered + self._held.shape[1], playback.passes[self._pass + 1 :][:1]
        room = self._samples(upcoming[0].start_s) - end if upcoming else None
        if room is not None and room <= 0:
            self._held = self._held[:, : max(0, self._held.shape[1] + room)]
            self._pass += 1
            self._parts, self._has_parts = self._decoded(upcoming[0]), False
        elif part := next(self._parts, None):
            self._place(*part, end)
        else:
            self._held = np.concatenate((self._held, self._silence(min(count, room or count))), axis=1)

    def _place(self, start_s: float, samples: Samples, end: int) -> None:
        """Add samples at their time: after silence when they begin later, without those whose time is over."""
        late = self._samples(start_s) - end
        is_near = self._has_parts and abs(late) <= self._samples(_TOLERANCE_S)
        if is_near or abs(late) > self._samples(LONGEST_STILL_S):  # or the time stamps were reset
            late = 0
        samples = samples[:, max(0, -late) :]
        self._has_parts = self._has_parts or samples.shape[1] > 0
        self._held = np.concatenate((self._held, self._silence(max(0, late)), samples), axis=1)

    def _decoded(self, one: Pass) -> Iterator[tuple[float, Samples]]:
        """The sound of a pass in parts, each with its start in seconds since the start of playback."""
        try:
            with av.open(self._address, timeout=(_TIMEOUT_S, _TIMEOUT_S)) as container:
                stream = container.streams.audio[0]
                skip_s = self._delivered / self._format.rate_hz - one.start_s
                if skip_s > _NEAR_S:
                    container.seek(round((one.origin_s + skip_s) / (stream.time_base or 1)), stream=stream)
                to_format = resampler(self._format)
                for packet in container.demux(stream):
                    for part in resampled(packet, to_format):
                        if part.time is not None:
                            yield one.start_s + float(part.time) - one.origin_s, part.to_ndarray().astype(np.float32)
        except (av.FFmpegError, OSError, ValueError, IndexError) as error:
            raise AudioError(f"{self.name}: its sound cannot be read: {error}") from error

    def _silence(self, count: int) -> Samples:
        return np.zeros((self._format.channels, count), np.float32)

    def _samples(self, seconds: float) -> int:
        return round(seconds * self._format.rate_hz)

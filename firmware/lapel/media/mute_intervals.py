"""Which samples are muted, and the AAC frames that therefore must be silent. Pure.

A frame of AAC holds 2,048 samples: its own 1,024, and the 1,024 after them that it shares with the next frame. So every
frame that holds a muted sample is replaced by silence: up to two frames before the interval, none after it.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from lapel.media.aac import FRAME_SAMPLES, AacFrame, Samples

_WINDOW_SAMPLES = 2 * FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class _Interval:
    begin: int
    end: float = math.inf


class MuteIntervals:
    """Intervals in sample numbers. One thread begins and ends them, another one applies them."""

    def __init__(self, silent_frame: bytes) -> None:
        """`silent_frame`: a frame that decodes to zeros."""
        self._silent_frame = silent_frame
        self._intervals: tuple[_Interval, ...] = ()  # replaced, never changed: two threads read it

    def begin(self, number: int) -> None:
        """Mute from this sample on. Harmless while muted."""
        if not self._intervals or self._intervals[-1].end < math.inf:
            self._intervals = (*self._intervals, _Interval(number))

    def end(self, number: int) -> None:
        """This sample is not muted any more. Harmless while not muted."""
        if self._intervals and self._intervals[-1].end == math.inf:
            self._intervals = (*self._intervals[:-1], _Interval(self._intervals[-1].begin, number))

    def forget_before(self, number: int) -> None:
        """No samples from before are to come."""
        if self._intervals and self._intervals[0].end < number:
            self._intervals = tuple(one for one in self._intervals if one.end >= number)

    def silenced(self, samples: Samples, start: int) -> Samples:
        """The samples, with zeros where they are muted: nothing of the original reaches the encoder."""
        end = start + samples.shape[1]
        for one in self._intervals:
            if one.begin < end and one.end > start:
                samples = samples.copy()
                samples[:, max(0, one.begin - start) : int(min(one.end, end)) - start] = 0
        return samples

    def replaced(self, frames: Iterable[AacFrame]) -> list[AacFrame]:
        """The frames, with silence for each that holds a muted sample: not even noise of the encoder is left."""
        return [AacFrame(self._silent_frame, frame.start) if self._is_muted(frame) else frame for frame in frames]

    def _is_muted(self, frame: AacFrame) -> bool:
        return any(one.begin < frame.start + _WINDOW_SAMPLES and one.end > frame.start for one in self._intervals)

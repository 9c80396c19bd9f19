"""The sound of computed footage: which AAC frames a fragment has follows from what the microphone delivered and from
when it was muted. Pure arithmetic: nothing runs, and neither NumPy nor FFmpeg is imported.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lapel.fragment import TICKS_PER_S
from lapel.hardware.interfaces import SoundStatus
from lapel_fleet.hardware.microphone import Interval, SimulatedMicrophone, outside
from lapel_fleet.hardware.shared_clip import (
    SOUND_FRAME_SAMPLES,
    SOUND_RATE_HZ,
    FragmentSource,
    SoundRun,
)

NO_SOUND_YET = SoundStatus(lost="no sound yet")
_SHARED_SAMPLES = 2 * SOUND_FRAME_SAMPLES
"""An AAC frame holds its own samples and shares the next frame's: it is muted with either."""


@dataclass(frozen=True, slots=True)
class ComputedFragmentSound:
    """The sound fields of a `Fragment`."""

    sound: bytes = b""
    sound_before: bytes = b""
    silence: bytes = b""
    sound_spans: tuple[tuple[int, int], ...] = ()
    sound_lost: str | None = None


WITHOUT_SOUND = ComputedFragmentSound()


class ComputedSound:
    """The sound that belongs to one camera's computed fragments."""

    __slots__ = ("_began_s", "_microphone", "_mutes", "_source")  # there are thousands

    def __init__(self, microphone: SimulatedMicrophone, source: FragmentSource) -> None:
        """`source` supplies the bytes; it must have sound."""
        self._microphone, self._source = microphone, source
        self._began_s = 0.0
        self._mutes: tuple[Interval, ...] = ()

    def start(self, mono_s: float) -> None:
        """The camera's time line begins at that monotonic time."""
        self._began_s, self._mutes = mono_s, ()

    def set_muted(self, is_muted: bool, mono_s: float) -> None:
        """Deliver silence from that moment on, or sound again."""
        is_open = bool(self._mutes) and self._mutes[-1][1] == math.inf
        if is_muted and not is_open:
            self._mutes = (*self._mutes, (mono_s, math.inf))
        elif not is_muted and is_open:
            self._mutes = (*self._mutes[:-1], (self._mutes[-1][0], mono_s))

    def status(self, now_s: float) -> SoundStatus:
        """State of the microphone while the camera captures."""
        microphone, level = self._microphone, self._source.level
        if microphone.lost is not None:
            return SoundStatus(lost=microphone.lost)
        if microphone.is_silent:
            return SoundStatus(silent_s=now_s - max(self._began_s, microphone.silences[-1][0]))
        return SoundStatus(None, level.rms_dbfs, level.peak_dbfs)

    def of(self, number: int, before_ticks: int, start_ticks: int, end_ticks: int) -> ComputedFragmentSound:
        """The sound of fragment `number`, and that of the gap in the video from `before_ticks` on."""
        before, start, end = (self._samples(ticks) for ticks in (before_ticks, start_ticks, end_ticks))
        inside, earlier = list(self._runs(start, end)), list(self._runs(before, start))
        return ComputedFragmentSound(
            sound=self._bytes(number, start, inside),
            sound_before=self._bytes(number, start, earlier),
            silence=self._source.silence,
            sound_spans=tuple(_spans([*earlier, *inside])),
            sound_lost=self._microphone.lost,
        )

    def _bytes(self, number: int, start: int, runs: Sequence[SoundRun]) -> bytes:
        return b"".join(self._source.sound(number, start, run) for run in runs)

    def _runs(self, begin: int, end: int) -> Iterator[SoundRun]:
        """The uninterrupted frames that begin between two samples; a new run begins where silence does, or ends."""
        first, last = (_frame_from(number) for number in (begin, end))
        missing = [self._on_time_line(interval) for interval in self._microphone.missing]
        silences = sorted(self._silent_frames())
        for from_sample, to_sample in outside(missing, first * SOUND_FRAME_SAMPLES, last * SOUND_FRAME_SAMPLES):
            whole = _frame_from(from_sample), math.floor(to_sample / SOUND_FRAME_SAMPLES)
            at = whole[0]
            for heard_from, heard_to in outside(silences, *whole):
                yield from _run(at, int(heard_from), is_silent=True)
                yield from _run(int(heard_from), int(heard_to), is_silent=False)
                at = int(heard_to)
            yield from _run(at, whole[1], is_silent=True)

    def _silent_frames(self) -> Iterator[Interval]:
        """From and to which frame there is silence."""
        for begin, end in map(self._on_time_line, self._microphone.silences):
            yield _frame_from(begin), end if end == math.inf else _frame_from(end)
        for begin, end in map(self._on_time_line, self._mutes):
            until = end if end == math.inf else _frame_from(end)
            yield math.floor((begin - _SHARED_SAMPLES) / SOUND_FRAME_SAMPLES) + 1, until

    def _on_time_line(self, interval: Interval) -> Interval:
        begin, end = ((mono_s - self._began_s) * SOUND_RATE_HZ for mono_s in interval)
        return begin, end

    @staticmethod
    def _samples(ticks: int) -> int:
        return -(-ticks * SOUND_RATE_HZ // TICKS_PER_S)


def _frame_from(sample: float) -> int:
    """The number of the first frame that begins at a sample or later."""
    return math.ceil(sample / SOUND_FRAME_SAMPLES)


def _run(first: int, end: int, *, is_silent: bool) -> Iterator[SoundRun]:
    if end > first:
        yield SoundRun(first * SOUND_FRAME_SAMPLES, end - first, is_silent)


def _spans(runs: Sequence[SoundRun]) -> Iterator[tuple[int, int]]:
    """Start and end of each stretch of runs that follow each other, in ticks."""
    stretch: tuple[int, int] | None = None
    for run in runs:
        if stretch is not None and stretch[1] == run.start_samples:
            stretch = stretch[0], run.end_samples
        else:
            if stretch is not None:
                yield _ticks(stretch)
            stretch = run.start_samples, run.end_samples
    if stretch is not None:
        yield _ticks(stretch)


def _ticks(samples: tuple[int, int]) -> tuple[int, int]:
    begin, end = (round(number * TICKS_PER_S / SOUND_RATE_HZ) for number in samples)
    return begin, end

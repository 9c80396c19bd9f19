"""A microphone that can be unplugged, be dead, drift against the camera's clock, and deliver late.

It outlives the camera's firmware, as a device does, and keeps what was done to it: computed footage and the checkers
derive from that when there was sound. Times are monotonic seconds.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

from lapel.clock import Clock

Interval = tuple[float, float]
"""From and to; the end is infinite while it lasts."""

STALL_S = 0.25
"""Sound that comes later than this was interrupted (as `lapel.media.sound_track` has it, whose import needs FFmpeg)."""
MOST_PPM = 200.0
"""Parts per million by which a sound card's crystal may run too fast or too slow."""


class SimulatedMicrophone:
    """The outside world calls its methods; footage reads it, from its own thread where footage has threads."""

    __slots__ = ("_clock", "delay_s", "drift_ppm", "history", "lost", "outages", "silences", "stalls")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.lost: str | None = None
        """Why it delivers nothing; None while it does."""
        self.drift_ppm = 0.0
        """How much faster than the camera's clock its samples come, in parts per million; negative: slower."""
        self.delay_s = 0.0
        """How long after it was captured sound arrives, beyond the usual."""
        self.outages: Sequence[Interval] = ()
        """When it was unplugged."""
        self.silences: Sequence[Interval] = ()
        """When it delivered nothing but zeros."""
        self.stalls: Sequence[Interval] = ()
        """When nothing arrived because a delay had grown by more than `STALL_S`, or when it was plugged in with one."""
        self.history: Sequence[str] = ()
        """What was done to it, in order."""

    @property
    def is_silent(self) -> bool:
        """Whether it delivers zeros."""
        return bool(self.silences) and self.silences[-1][1] == math.inf

    @property
    def missing(self) -> list[Interval]:
        """When no sound arrived, whatever the reason, in the order of their begin."""
        return sorted((*self.outages, *self.stalls))

    # -- the outside world ---------------------------------------------------------------------------------------------

    def unplug(self, reason: str = "unplugged") -> None:
        """Pull its plug: no sound any more. Harmless when it is pulled."""
        self._note(reason)
        if self.lost is None:
            self.lost = reason
            self.outages = (*self.outages, self._from_now())

    def plug_in(self) -> None:
        """Connect it again. Harmless when it is connected."""
        self._note("plug in")
        if self.lost is not None:
            self.lost = None
            self.outages = self._ended(self.outages)
            self._stall(self.delay_s)

    def fall_silent(self) -> None:
        """Let it deliver nothing but zeros, as a dead microphone does. Harmless when it does."""
        self._note("fall silent")
        if not self.is_silent:
            self.silences = (*self.silences, self._from_now())

    def end_silence(self) -> None:
        """Undo `fall_silent`."""
        self._note("end silence")
        if self.is_silent:
            self.silences = self._ended(self.silences)

    def drift(self, ppm: float) -> None:
        """Let its clock run faster than the camera's by `ppm` parts per million, at most `MOST_PPM`; 0 ends it."""
        self._note(f"drift by {ppm:g} ppm")
        self.drift_ppm = max(-MOST_PPM, min(MOST_PPM, ppm))

    def delay(self, seconds: float) -> None:
        """Let all sound arrive that much later. Sound that is on its way when the delay becomes shorter is lost, as in
        a sound card's buffer that overruns.
        """
        self._note(f"delay by {seconds:g} s")
        now_s, grown_s = self._clock.mono_s(), seconds - self.delay_s
        self.delay_s = seconds
        if grown_s < 0:
            self.stalls = tuple((begin, min(end, now_s)) for begin, end in self.stalls)
        elif grown_s > STALL_S:
            self._stall(grown_s)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _note(self, what: str) -> None:
        self.history = (*self.history, what)

    def _stall(self, seconds: float) -> None:
        if seconds:
            now_s = self._clock.mono_s()
            self.stalls = (*self.stalls, (now_s, now_s + seconds))

    def _from_now(self) -> Interval:
        return self._clock.mono_s(), math.inf

    def _ended(self, intervals: Sequence[Interval]) -> Sequence[Interval]:
        return (*intervals[:-1], (intervals[-1][0], self._clock.mono_s()))


def outside(intervals: Iterable[Interval], begin: float, end: float) -> Iterator[Interval]:
    """The parts of `begin` to `end` that lie in none of `intervals`, which are sorted by their begin."""
    for from_s, to_s in intervals:
        if from_s >= end:
            break
        if from_s > begin:
            yield begin, from_s
        begin = max(begin, to_s)
    if begin < end:
        yield begin, end

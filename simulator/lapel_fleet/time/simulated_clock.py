"""The wall clock of a simulated camera, over the monotonic time of the run."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from lapel.clock import Instant, Quality
from lapel_fleet.time.timelines import Timeline

START = datetime(2026, 1, 1, 8, 0, 0, tzinfo=UTC)
"""The time of day at which a run begins, unless a test sets another."""


class SimulatedClock:
    """Implements `lapel.clock.Clock` over a time line. The wall clock can be stepped and can drift; monotonic time does
    neither.
    """

    def __init__(self, timeline: Timeline, start: datetime = START) -> None:
        """`start`: the time of day at 0."""
        self._timeline, self._start = timeline, start
        self.mono_s = timeline.mono_s
        """Seconds of the time line. An attribute: it is read several times per event, and spares a call."""
        self._stepped = timedelta()
        self._drift_ppm, self._drifts_since_s = 0.0, 0.0
        self.trusted: Quality = "synced"
        self.is_shared = timeline.is_shared  # so that a clock can serve as a Timeline

    def now(self) -> Instant:
        """This moment. Reading it takes no time."""
        mono_s = self.mono_s()
        return Instant(mono_s, self._start + self._stepped + timedelta(seconds=mono_s + self._drifted_s()))

    def quality(self) -> Quality:
        """See `Clock.quality`. As `trusted` is set."""
        return self.trusted

    def is_trusted(self) -> bool:
        """See `Clock.is_trusted`. When it is synced and its time line is shared."""
        return self.trusted == "synced" and self._timeline.is_shared

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """See `Timeline.sleep`. Itself no coroutine: thousands of cameras sleep, and each frame takes memory."""
        return self._timeline.sleep(seconds)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """See `Timeline.later`."""
        return self._timeline.later(seconds, act)

    def step(self, seconds: float) -> None:
        """Step the wall clock."""
        self._stepped += timedelta(seconds=seconds)

    @property
    def wrong_by_s(self) -> float:
        """Error of the wall clock in seconds since the start of the run; positive when it is fast."""
        return self._stepped.total_seconds() + self._drifted_s()

    def set_drift(self, ppm: float) -> None:
        """Let the wall clock run fast by `ppm` millionths from now on, or slow if negative. Quartzes have 10 to 100."""
        self._stepped += timedelta(seconds=self._drifted_s())
        self._drift_ppm, self._drifts_since_s = ppm, self.mono_s()

    def _drifted_s(self) -> float:
        return (self.mono_s() - self._drifts_since_s) * self._drift_ppm / 1e6

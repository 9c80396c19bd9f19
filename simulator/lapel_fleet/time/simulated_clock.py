"""The wall clock that each simulated camera has of its own, over a time line."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from lapel.clock import Instant, Quality
from lapel_fleet.time.timelines import Timeline

START = datetime(2026, 1, 1, 8, 0, 0, tzinfo=UTC)
"""A shift's beginning, unless a test says otherwise."""


class SimulatedClock:
    """Implements `lapel.clock.Clock`: a camera's wall clock over a time line. It can be stepped, and drifts when it is
    told to; monotonic time does neither.
    """

    def __init__(self, line: Timeline, start: datetime = START) -> None:
        """`start`: what the wall clock shows at 0."""
        self._line, self._start = line, start
        self._stepped = timedelta()
        self._drift_ppm, self._drifts_since_s = 0.0, 0.0
        self.trusted: Quality = "synced"
        self.is_shared = line.is_shared  # so that it can stand for the line itself

    def mono_s(self) -> float:
        """Seconds of the time line."""
        return self._line.mono_s()

    def now(self) -> Instant:
        """This moment; reading it takes no time."""
        mono_s = self.mono_s()
        return Instant(mono_s, self._start + self._stepped + timedelta(seconds=mono_s + self._drifted_s()))

    def quality(self) -> Quality:
        """What `trusted` says."""
        return self.trusted

    def is_trusted(self) -> bool:
        """When it is synced, and others live by the same time."""
        return self.trusted == "synced" and self._line.is_shared

    async def sleep(self, seconds: float) -> None:
        """Sleep on the time line."""
        await self._line.sleep(seconds)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """See `Timeline.later`."""
        return self._line.later(seconds, act)

    def step(self, seconds: float) -> None:
        """The outside world corrects the wall clock."""
        self._stepped += timedelta(seconds=seconds)

    @property
    def wrong_by_s(self) -> float:
        """How far the wall clock is from the time of day at which the run began, and what has passed since."""
        return self._stepped.total_seconds() + self._drifted_s()

    def set_drift(self, ppm: float) -> None:
        """From now on the wall clock runs that much fast, in millionths; slow when negative. Quartzes do 10 to 100."""
        self._stepped += timedelta(seconds=self._drifted_s())
        self._drift_ppm, self._drifts_since_s = ppm, self.mono_s()

    def _drifted_s(self) -> float:
        return (self.mono_s() - self._drifts_since_s) * self._drift_ppm / 1e6

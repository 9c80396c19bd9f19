"""A clock for sources that wait: time passes only while they do."""

from datetime import timedelta

from fragments import EPOCH
from lapel.clock import Instant, Quality


class WaitedClock:
    """A clock that advances only when a caller waits, and by as much."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.corrected_s = 0.0

    def mono_s(self) -> float:
        return self.seconds

    def now(self) -> Instant:
        return Instant(self.seconds, EPOCH + timedelta(seconds=self.seconds + self.corrected_s))

    def is_trusted(self) -> bool:
        return True

    def quality(self) -> Quality:
        return "unknown"

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

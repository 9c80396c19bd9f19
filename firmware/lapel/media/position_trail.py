"""The positions along a clip: a point each ten seconds of video, as far as the receiver knows them. Does no I/O."""

import math
from dataclasses import dataclass

from lapel.recording import Location, PositionNote

EVERY_S = 10.0
"""A walk of 14 m: finer than the receiver's own error makes no sense, and a day's accounts stay small."""
_NEWS_S = 60.0
"""Seconds between writes of the account for the sake of the trail: a power cut loses at most the points of a minute."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an account records about a moment of a clip beside the video."""

    clock_quality: str
    position: Location | None
    mono_s: float
    """The moment, on the monotonic clock."""


class PositionTrail:
    """Decides which positions belong to the trail of one clip."""

    __slots__ = ("_due_s", "_fixed_s", "_news_s", "is_news")

    def __init__(self) -> None:
        self._due_s = self._fixed_s = -math.inf
        self._news_s = math.inf
        self.is_news = False
        """Whether the account on disk should be written again for the newest point."""

    def is_due(self, mono_s: float) -> bool:
        """Whether video of this moment is far enough from the last point."""
        return mono_s >= self._due_s

    def point(self, here: Surroundings, start_mono_s: float) -> PositionNote | None:
        """The next point of a clip that starts at `start_mono_s`; None without a fix that is new."""
        self._due_s = here.mono_s + EVERY_S
        position = here.position
        if position is None or position.age_s > EVERY_S:
            return None
        fixed_s = here.mono_s - position.age_s
        if fixed_s <= self._fixed_s or fixed_s < start_mono_s:
            return None
        self._note(fixed_s)
        at_s = round(fixed_s - start_mono_s, 1)
        return PositionNote(at_s, position.latitude, position.longitude, position.accuracy_m)

    def _note(self, fixed_s: float) -> None:
        self._fixed_s = fixed_s
        self.is_news = fixed_s >= self._news_s
        if self.is_news or self._news_s == math.inf:
            self._news_s = fixed_s + _NEWS_S

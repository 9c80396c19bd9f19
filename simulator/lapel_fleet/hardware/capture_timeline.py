"""The time line of a lens: which fragments it would have given by now. Pure: no clock, no bytes, times in 1/90000 s."""

from collections.abc import Iterator
from dataclasses import dataclass

from lapel.fragment import TICKS_PER_S, Gap
from lapel_fleet.hardware.shared_clip import FPS

FIRST_TICKS = TICKS_PER_S
"""How long the first fragment after a cut lasts at most, so that every recording has one soon."""
LEAST_TICKS = TICKS_PER_S // FPS
"""A fragment holds at least a picture."""


@dataclass(frozen=True, slots=True)
class CaptureSpan:
    """A closed fragment's place on the time line."""

    number: int
    start_ticks: int
    end_ticks: int
    gap_before: Gap | None


@dataclass(slots=True)
class _CaptureRun:
    """Fragments without a seam, from where pictures came or were cut; it goes on while `end_ticks` is None.

    What they are follows from where it began: the first lasts `FIRST_TICKS`, each later one `longest_ticks`, the last
    until the end.
    """

    number: int
    """Its first fragment's."""
    start_ticks: int
    longest_ticks: int
    gap: Gap | None = None
    end_ticks: int | None = None

    def begin(self, index: int) -> int:
        """Where the fragment `index`, counted from 0, begins: the one before it ends there."""
        return self.start_ticks + (FIRST_TICKS + (index - 1) * self.longest_ticks if index else 0)

    def index_at(self, ticks: int) -> int:
        """Which fragment a moment lies in."""
        return max(0, 1 + (ticks - self.begin(1)) // self.longest_ticks)

    def closed(self, now_ticks: int) -> int:
        """How many of its fragments are closed by now."""
        whole = self.index_at(self.until(now_ticks))
        return whole + (self.end_ticks is not None and self.begin(whole) < self.end_ticks)

    def close(self, ticks: int) -> None:
        """End it there, or before the fragment that would hold no picture."""
        begin = self.begin(self.index_at(ticks))
        self.end_ticks = ticks if ticks - begin >= LEAST_TICKS else begin

    def until(self, ticks: int) -> int:
        """`ticks`, or its end where that comes first."""
        return ticks if self.end_ticks is None else min(ticks, self.end_ticks)

    def piece(self, index: int) -> CaptureSpan:
        """Its fragment `index`, which is closed."""
        gap = None if index else self.gap
        return CaptureSpan(self.number + index, self.begin(index), self.until(self.begin(index + 1)), gap)


class CaptureTimeline:
    """Takes, and the gaps between them. The first fragment of all has number 1."""

    def __init__(self, longest_ticks: int) -> None:
        self._longest_ticks = longest_ticks
        self._closed: list[_CaptureRun] = []
        self._open: _CaptureRun | None = None
        self._end_ticks: int | None = None  # of the newest closed take
        self.number = 1
        """Of the first fragment after the last seam."""

    def open(self, ticks: int, why_dark_before: str) -> None:
        """Pictures come, from here on."""
        gap = None if self._end_ticks is None else Gap((ticks - self._end_ticks) / TICKS_PER_S, why_dark_before)
        self._open = _CaptureRun(self.number, ticks, self._longest_ticks, gap)

    def close(self, ticks: int) -> bool:
        """No more pictures from here on. Whether there was a fragment since the last seam."""
        take, self._open = self._open, None
        if take is None:
            return False
        take.close(ticks)
        fragments = take.closed(ticks)
        if fragments:
            self._closed.append(take)
            self.number, self._end_ticks = self.number + fragments, take.end_ticks
        return fragments > 0

    def cut(self, ticks: int) -> bool:
        """Close the open fragment, if it holds a picture; the next begins where it ends. Whether it was closed."""
        take = self._open
        if take is None:
            return False
        if self.close(ticks) and take.end_ticks is not None:
            self._open = _CaptureRun(self.number, take.end_ticks, self._longest_ticks)
            return True
        take.end_ticks, self._open = None, take
        return False

    def forget(self, until_ticks: int) -> None:
        """Let go of takes that ended before."""
        self._closed = [take for take in self._closed if take.until(until_ticks + 1) > until_ticks]

    def pieces(self, now_ticks: int, *, from_ticks: int = 0, first: int = 1) -> Iterator[CaptureSpan]:
        """What is closed by now and ends after `from_ticks`, from number `first` on."""
        for take in self._takes():
            for index in range(max(take.index_at(from_ticks), first - take.number), take.closed(now_ticks)):
                piece = take.piece(index)
                if piece.end_ticks > from_ticks:
                    yield piece

    def seen_ticks(self, from_ticks: int, now_ticks: int) -> int:
        """For how much of a time there are pictures."""
        return sum(max(0, take.until(now_ticks) - max(take.start_ticks, from_ticks)) for take in self._takes())

    def closes_ticks(self, now_ticks: int) -> int | None:
        """When the open fragment closes by itself; None while there is none."""
        take = self._open
        return None if take is None else take.begin(take.index_at(now_ticks) + 1)

    def _takes(self) -> list[_CaptureRun]:
        return self._closed if self._open is None else [*self._closed, self._open]

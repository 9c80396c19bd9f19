"""Which fragments a video source would have produced by now, computed from the time. Pure: no clock, no bytes.

Times are in ticks of 1/90000 s.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lapel.fragment import TICKS_PER_S, Gap
from lapel_fleet.hardware.shared_clip import FPS

FIRST_TICKS = TICKS_PER_S
"""Longest first fragment after a cut, so that every recording soon has one."""
FRAME_TICKS = TICKS_PER_S // FPS
"""A fragment holds at least one frame."""


@dataclass(frozen=True, slots=True)
class CaptureSpan:
    """The position of a closed fragment on the time line."""

    number: int
    start_ticks: int
    end_ticks: int
    gap_before: Gap | None


@dataclass(slots=True)
class _CaptureRun:
    """Consecutive fragments without a cut, from where frames began or were cut; open while `end_ticks` is None.

    Its fragments follow from where it began: the first lasts `FIRST_TICKS`, each later one `longest_ticks`, the last
    until the end.
    """

    number: int
    """Of its first fragment."""
    start_ticks: int
    longest_ticks: int
    gap: Gap | None = None
    end_ticks: int | None = None

    def begin(self, index: int) -> int:
        """Where the fragment `index`, counted from 0, begins, and the one before it ends."""
        return self.start_ticks + (FIRST_TICKS + (index - 1) * self.longest_ticks if index else 0)

    def index_at(self, ticks: int) -> int:
        """The index of the fragment at a moment."""
        return max(0, 1 + (ticks - self.begin(1)) // self.longest_ticks)

    def closed(self, now_ticks: int) -> int:
        """The number of its fragments that are closed by now."""
        whole = self.index_at(self.until(now_ticks))
        return whole + (self.end_ticks is not None and self.begin(whole) < self.end_ticks)

    def close(self, ticks: int) -> None:
        """End it there; before the open fragment when that would hold no frame."""
        begin = self.begin(self.index_at(ticks))
        self.end_ticks = ticks if ticks - begin >= FRAME_TICKS else begin

    def until(self, ticks: int) -> int:
        """`ticks`, or its end where that comes first."""
        return ticks if self.end_ticks is None else min(ticks, self.end_ticks)

    def span(self, index: int) -> CaptureSpan:
        """The position of its fragment `index`, which is closed."""
        gap = None if index else self.gap
        return CaptureSpan(self.number + index, self.begin(index), self.until(self.begin(index + 1)), gap)


class CaptureTimeline:
    """Runs of fragments, and the gaps between them. The very first fragment has number 1."""

    def __init__(self, longest_ticks: int) -> None:
        self._longest_ticks = longest_ticks
        self._closed: list[_CaptureRun] = []
        self._open: _CaptureRun | None = None
        self._end_ticks: int | None = None  # of the newest closed run
        self.number = 1
        """Of the first fragment after the last cut or gap."""

    def open(self, ticks: int, gap_reason: str) -> None:
        """Frames begin here. `gap_reason`: why there were none before."""
        gap = None if self._end_ticks is None else Gap((ticks - self._end_ticks) / TICKS_PER_S, gap_reason)
        self._open = _CaptureRun(self.number, ticks, self._longest_ticks, gap)

    def close(self, ticks: int) -> bool:
        """Frames end here. Returns whether there was a fragment since the last cut or gap."""
        run, self._open = self._open, None
        if run is None:
            return False
        run.close(ticks)
        fragments = run.closed(ticks)
        if fragments:
            self._closed.append(run)
            self.number, self._end_ticks = self.number + fragments, run.end_ticks
        return fragments > 0

    def cut(self, ticks: int) -> bool:
        """Close the open fragment if it holds a frame; the next begins where it ends. Returns whether it was closed."""
        run = self._open
        if run is None:
            return False
        if self.close(ticks) and run.end_ticks is not None:
            self._open = _CaptureRun(self.number, run.end_ticks, self._longest_ticks)
            return True
        run.end_ticks, self._open = None, run
        return False

    def discard_before(self, until_ticks: int) -> None:
        """Drop the runs that ended before."""
        self._closed = [run for run in self._closed if run.until(until_ticks + 1) > until_ticks]

    def spans(self, now_ticks: int, *, from_ticks: int = 0, first: int = 1) -> Iterator[CaptureSpan]:
        """The fragments that are closed by now and end after `from_ticks`, from number `first` on."""
        for run in self._runs():
            for index in range(max(run.index_at(from_ticks), first - run.number), run.closed(now_ticks)):
                span = run.span(index)
                if span.end_ticks > from_ticks:
                    yield span

    def captured_ticks(self, from_ticks: int, now_ticks: int) -> int:
        """How much of that time has frames."""
        return sum(max(0, run.until(now_ticks) - max(run.start_ticks, from_ticks)) for run in self._runs())

    def closes_ticks(self, now_ticks: int) -> int | None:
        """When the open fragment reaches its full length; None while there is none."""
        run = self._open
        return None if run is None else run.begin(run.index_at(now_ticks) + 1)

    def _runs(self) -> list[_CaptureRun]:
        return self._closed if self._open is None else [*self._closed, self._open]

"""Waits for the ideal capture time of frames that are drawn or played back, and notices when their reader is late."""

from collections.abc import Callable

from lapel.clock import Clock, Instant

LATE_S = 0.5
"""A file or a scene whose reader is later than this skips frames, and counts them."""


class Pacer:
    """Time since the start of playback. `wait(seconds)` blocks the calling thread."""

    def __init__(self, clock: Clock, wait: Callable[[float], object], start_s: float) -> None:
        """`start_s`: the monotonic time that is 0 of the playback."""
        self._clock, self._wait, self._start_s = clock, wait, start_s

    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self._clock.mono_s() - self._start_s

    def wait_until(self, at_s: float) -> Instant:
        """Wait until `at_s` seconds after the start, and return that moment, even where it has passed already."""
        due_s = self._start_s + at_s
        while (early_s := due_s - self._clock.mono_s()) > 0:
            self._wait(early_s)
        now = self._clock.now()  # read anew each time: the wall clock may have been corrected meanwhile
        return now.shifted(due_s - now.mono_s)


class SteadyPacer:
    """Frames at a steady rate: frame n is captured n periods after the start."""

    def __init__(self, pacer: Pacer, rate_fps: float) -> None:
        self._pacer, self._rate_fps = pacer, rate_fps
        self._next = 0

    def next(self) -> tuple[int, Instant, int]:
        """Wait for the next frame: (its number, when it is captured, how many were skipped before it)."""
        late_s = self._pacer.elapsed_s() - self._next / self._rate_fps
        skipped = int(late_s * self._rate_fps) if late_s > LATE_S else 0
        number = self._next + skipped
        self._next = number + 1
        return number, self._pacer.wait_until(number / self._rate_fps), skipped

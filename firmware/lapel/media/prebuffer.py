"""The pre-event buffer: the fragments that reach back as far as was configured, and no further. Pure."""

from collections import deque

from lapel.clock import Instant
from lapel.fragment import Fragment
from lapel.hardware.interfaces import PreEvent

_TOLERANCE_S = 0.002
"""Time stamps are rounded to 1/90000 s and to capture times; reaching back this much less is no shortfall."""


class PreEventBuffer:
    """Holds at least the last `length_s` seconds of fragments, unless they take more than `max_bytes`.

    Fragments are shared by reference: a snapshot copies no video, and a recording may hold them longer than the buffer.
    """

    def __init__(self, length_s: float, max_bytes: int) -> None:
        self.length_s = length_s
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self._fragments: deque[Fragment] = deque()
        self._began = ""  # what began the capture, in words that follow "when"
        self._is_cut_short = False  # whether fragments that are still needed were dropped for want of room

    @property
    def held_s(self) -> float:
        """Seconds of video in the buffer; gaps do not count."""
        return sum(fragment.duration_s for fragment in self._fragments)

    def begin(self, reason: str) -> None:
        """Start empty, because capturing begins. `reason`: what began it, in words that follow "when"."""
        self.clear()
        self._began = reason

    def append(self, fragment: Fragment) -> None:
        """Add the newest fragment; drop what is too old, then what is too much."""
        self._fragments.append(fragment)
        self.held_bytes += fragment.size_bytes
        needed_s = fragment.end_mono_s - self.length_s
        while self._fragments and self._is_older(needed_s):
            self._drop()
            self._is_cut_short = False
        while self.held_bytes > self.max_bytes:
            self._drop()
            self._is_cut_short = True

    def before(self, moment: Instant) -> PreEvent:
        """The fragments of the `length_s` seconds before `moment`, which must not lie before the newest fragment."""
        needed_s = moment.mono_s - self.length_s
        fragments = [fragment for fragment in self._fragments if fragment.end_mono_s > needed_s]
        return PreEvent(fragments, self.length_s, self._shortfall(fragments, moment) if self.length_s else None)

    def clear(self) -> None:
        """Drop everything: on sleep, or when capturing ends."""
        self._fragments.clear()
        self.held_bytes, self._is_cut_short = 0, False

    def _is_older(self, needed_s: float) -> bool:
        """Whether the rest reaches back to `needed_s` without the oldest fragment."""
        if self.length_s == 0 or self._fragments[0].end_mono_s <= needed_s:
            return True
        return len(self._fragments) > 1 and self._fragments[1].start.mono_s <= needed_s

    def _drop(self) -> None:
        self.held_bytes -= self._fragments.popleft().size_bytes

    def _shortfall(self, fragments: list[Fragment], moment: Instant) -> str | None:
        if not fragments:
            if self._is_cut_short:
                return self._bound_reason()
            if self._fragments:
                return "no frames came before the press"
            return nothing_captured(self._began)
        missing_s = fragments[0].start.mono_s - (moment.mono_s - self.length_s)
        if missing_s <= _TOLERANCE_S:
            return None
        if self._is_cut_short and fragments[0] is self._fragments[0]:
            return self._bound_reason()
        if gap := fragments[0].gap_before:
            return gap.reason
        return capture_began(self._began, moment.mono_s - fragments[0].start.mono_s)

    def _bound_reason(self) -> str:
        return f"the video takes more than prebuffer.max_bytes ({self.max_bytes} bytes)"


def capture_began(reason: str, before_s: float) -> str:
    """Why a pre-event buffer is short: capturing had begun `before_s` before the press, when `reason`."""
    since = f"capture began only {before_s:.1f} s before the press"
    return f"{since}, when {reason}" if reason else since


def nothing_captured(reason: str) -> str:
    """Why a pre-event buffer is empty: capturing had only just begun, when `reason`."""
    nothing = "no frames had been captured yet"
    return f"{nothing}: capture began when {reason}" if reason else nothing

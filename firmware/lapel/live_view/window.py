"""The newest fragments of a recording in progress, as the segments of a live stream. Pure; holds references only."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from lapel import mp4_boxes as boxes
from lapel.clock import Instant
from lapel.fragment import TICKS_PER_S, Fragment

FIRST = 3
"""Segments with which a stream begins: players begin three before the end (RFC 8216, 6.3.3), and Chromium gives up on a
stream that has fewer.
"""
LISTED = 6
"""Segments in the playlist."""
_KEPT = LISTED + 4
"""A segment can still be fetched for a while after it has left the playlist (RFC 8216, 6.2.2)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A fragment at its place in the stream."""

    number: int
    """Counts up over all recordings of a camera: a player never takes a segment for an earlier one."""
    header_number: int
    """Which header its media needs."""
    fragment: Fragment
    is_discontinuity: bool
    """Whether its media does not continue that of the segment before."""

    def media(self) -> bytes:
        """What a player fetches. Silence stands in for sound that is missing: players wait for a track that is
        declared.
        """
        fragment = self.fragment
        return fragment.body + (fragment.sound or _silence(fragment))


class FragmentWindow:
    """Takes the fragments of one recording after the other, and keeps the newest of the current one."""

    def __init__(self) -> None:
        self._segments: deque[Segment] = deque(maxlen=_KEPT)
        self._since_s: float | None = None
        self._number = self._header_number = self._discontinuities = 0
        self.longest_s = 1.0
        """Length of the longest segment so far."""
        self.has_ended = False
        """Whether the recording is over, and no segment will follow."""

    @property
    def is_open(self) -> bool:
        """Whether segments are coming, or can still be fetched."""
        return self._since_s is not None

    @property
    def is_recording(self) -> bool:
        """Whether more segments are coming."""
        return self.is_open and not self.has_ended

    @property
    def is_ready(self) -> bool:
        """Whether a player can begin."""
        return len(self._segments) >= FIRST or (self.has_ended and bool(self._segments))

    @property
    def listed(self) -> Sequence[Segment]:
        """The segments for the playlist, the oldest first."""
        return list(self._segments)[-LISTED:]

    def discontinuities_before(self, segment: Segment) -> int:
        """How many discontinuities there were before `segment`, its own not counted."""
        newer = sum(one.is_discontinuity for one in self._segments if one.number >= segment.number)
        return self._discontinuities - newer

    def begin(self, since: Instant, before: Sequence[Fragment]) -> None:
        """A recording begins at `since`, with the fragments from before; the last of them begin the stream."""
        self.clear()
        self._since_s = since.mono_s
        for fragment in before[-FIRST:]:
            self.add(fragment)

    def add(self, fragment: Fragment) -> None:
        """Add the newest fragment of the recording. What is from before it began has no sound here, since it may have
        none in the recording.
        """
        if self._since_s is None or self.has_ended:
            return
        if fragment.start.mono_s < self._since_s:
            fragment = fragment.without_sound()
        before = self._segments[-1].fragment if self._segments else None
        is_same_file = before is not None and before.header == fragment.header
        is_next = is_same_file and before is not None and before.number + 1 == fragment.number
        is_discontinuity = before is not None and not (is_next and fragment.gap_before is None)
        self._number += 1
        self._header_number += not is_same_file
        self._discontinuities += is_discontinuity
        self.longest_s = max(self.longest_s, fragment.duration_s)
        self._segments.append(Segment(self._number, self._header_number, fragment, is_discontinuity))

    def end(self) -> None:
        """The recording is over. Its newest segments can be fetched until `clear`."""
        self.has_ended = self.is_open

    def clear(self) -> None:
        """Forget everything but the numbers."""
        self._segments.clear()
        self._since_s, self.has_ended = None, False

    def segment(self, number: int) -> Segment | None:
        """The segment with that number; None when it is not there, or no longer."""
        return next((one for one in self._segments if one.number == number), None)

    def header(self, number: int) -> bytes | None:
        """The header with that number, while a segment needs it."""
        return next((one.fragment.header for one in self._segments if one.header_number == number), None)

    @property
    def newest(self) -> Segment | None:
        """The newest segment."""
        return self._segments[-1] if self._segments else None


def _silence(fragment: Fragment) -> bytes:
    """Frames of silence that begin in the time of a fragment whose header declares a sound track."""
    if not fragment.silence:
        return b""
    rate_hz = boxes.timescales(fragment.header)[1]
    frame_samples = boxes.duration_ticks(fragment.silence)
    start, end = (
        -(-ticks * rate_hz // TICKS_PER_S // frame_samples)
        for ticks in (fragment.start_ticks, fragment.start_ticks + fragment.duration_ticks)
    )
    media = boxes.find(fragment.silence, b"mdat")
    frame = fragment.silence[media.payload : media.end]
    return boxes.sound_fragment([frame] * (end - start), start * frame_samples, frame_samples) if end > start else b""

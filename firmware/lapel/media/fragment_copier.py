"""Makes fragments of the source's own H.264, without decoding it. Synchronous; belongs to the thread that calls it.

Here the source decides where keyframes are: a GOP ends with the next one, and cannot be cut at a press or a stop.
"""

from lapel.fragment import Fragment
from lapel.hardware.interfaces import CodedFrame
from lapel.media.gop import EncodedSound, GopBuilder


class FragmentCopier:
    """Takes one camera's coded frames as they are, on one time line."""

    forces_keyframes = False
    """Whether a GOP can be closed at any moment."""

    def __init__(self, rate_fps: float, sound: EncodedSound | None = None) -> None:
        """`sound` goes into the fragments, beside the video of its time."""
        self._gops = GopBuilder(rate_fps, sound)

    def encode(self, frame: CodedFrame) -> Fragment | None:
        """Take a frame. Returns the fragment that it closes by beginning the next, None while the GOP continues.

        Frames that refer to a missing one are no footage: they are counted as dropped, up to the next keyframe.
        """
        self._gops.drop(frame.dropped_before)
        # A frame that comes too early is moved: without it the rest of its GOP would be lost.
        ticks = max(self._gops.ticks(frame.captured), self._gops.last_ticks + 1)
        closed = self._close_before(ticks, frame)
        if frame.is_keyframe:
            self._gops.begin(frame.captured, frame.size)
        elif not self._gops.is_open:
            self._gops.drop(1)
            return closed
        self._gops.took(ticks)
        self._gops.add(frame.data, ticks, is_keyframe=frame.is_keyframe)
        return closed

    def cut(self) -> Fragment | None:
        """Close the open GOP, because no more frames come for now: what would still belong to it is lost."""
        return self._gops.close()

    def missed(self, reason: str) -> None:
        """Set the reason for a gap, in case the next keyframe shows that there is one."""
        self._gops.missed(reason)

    def _close_before(self, ticks: int, frame: CodedFrame) -> Fragment | None:
        """Close the open GOP if this frame cannot be part of it."""
        if not frame.is_keyframe:
            return self._gops.close() if frame.dropped_before or self._gops.is_gap(ticks) else None
        return self._gops.close_at_gap(ticks) if self._gops.is_gap(ticks) else self._gops.close(ticks)

"""Collects encoded frames and closes them into fragments, on one time line from the first frame to the last."""

from typing import Protocol

from lapel.clock import Instant
from lapel.fragment import TICKS_PER_S, Fragment, Gap
from lapel.hardware.interfaces import SoundStatus
from lapel.media.aac import AacFrame, SoundFormat
from lapel.media.fragment_sound import FragmentSound, fragment_sound, silence
from lapel.media.mux import EncodedFrame, mux

GAP_S = 0.5
"""Frames further apart than this (and than three frame periods) are recorded as a gap; less is jitter."""
_SOUND_PATIENCE_S = 0.15
"""How long a fragment waits for the sound of its last moment, which comes through a sound card's buffer."""


class EncodedSound(Protocol):
    """The encoded sound that goes beside the video: a `SoundTrack`, or sound that is not recorded live."""

    format: SoundFormat
    status: SoundStatus

    def number_at(self, mono_s: float) -> int:
        """See `SoundTrack.number_at`."""

    def take(self, until: int, patience_s: float) -> list[AacFrame]:
        """See `SoundTrack.take`."""


class GopBuilder:
    """The open GOP of one camera, and what its fragment will record about missing frames and sound."""

    def __init__(self, rate_fps: float, sound: EncodedSound | None = None) -> None:
        """`sound` goes into the fragments, beside the video of its time."""
        self.last_ticks = -1
        """The time of the newest frame; -1 before the first."""
        self._sound = sound
        self._silence = silence(sound.format) if sound is not None else b""
        self._nominal_ticks = round(TICKS_PER_S / rate_fps)
        self._epoch: Instant | None = None
        self._header = b""
        self._number = 0
        self._open: list[EncodedFrame] = []
        self._size = (0, 0)
        self._open_since: Instant | None = None
        self._gap: Gap | None = None
        self._gap_reason: str | None = None
        self._dropped = self._open_dropped = 0

    @property
    def is_open(self) -> bool:
        """Whether it has a frame."""
        return bool(self._open)

    def ticks(self, captured: Instant) -> int:
        """A moment on the time line, in 1/90000 s."""
        self._epoch = self._epoch or captured
        return round((captured.mono_s - self._epoch.mono_s) * TICKS_PER_S)

    def drop(self, frames: int) -> None:
        """Count frames that will be in no fragment."""
        self._dropped += frames

    def missed(self, reason: str) -> None:
        """Set the reason for a gap, in case the next frame shows that there is one."""
        self._gap_reason = reason

    def length_s(self, until_ticks: int) -> float:
        """How long the open GOP lasts up to a moment; 0 when none is open."""
        return (until_ticks - self._open[0].ticks) / TICKS_PER_S if self._open else 0.0

    def is_gap(self, ticks: int) -> bool:
        """Whether frames are missing before a frame at `ticks`."""
        return self.last_ticks >= 0 and self._missing_ticks(ticks) > max(GAP_S * TICKS_PER_S, 2 * self._nominal_ticks)

    def close_at_gap(self, ticks: int) -> Fragment | None:
        """Close the open GOP where it ended; the next one begins with a gap up to `ticks`."""
        closed = self.close()
        self._gap = Gap(self._missing_ticks(ticks) / TICKS_PER_S, self._gap_reason or "frames were dropped")
        return closed

    def begin(self, captured: Instant, size: tuple[int, int]) -> None:
        """The next frame is the first of a GOP, of `size` (width, height)."""
        self._open_since, self._size = captured, size
        self._open_dropped = 0

    def took(self, ticks: int) -> None:
        """A frame was captured at `ticks`, and will be added."""
        self._open_dropped, self._dropped = self._open_dropped + self._dropped, 0
        self.last_ticks, self._gap_reason = ticks, None

    def add(self, data: bytes, ticks: int, *, is_keyframe: bool) -> None:
        """Add an encoded frame."""
        self._open.append(EncodedFrame(data, ticks, 0, is_keyframe))

    def close(self, end_ticks: int | None = None) -> Fragment | None:
        """The fragment of the open GOP, which ends at `end_ticks`, or a frame period after its last frame. None when
        none is open.
        """
        if not self._open or self._open_since is None:
            return None
        self._number += 1
        start_ticks = self._open[0].ticks
        end_ticks = self.last_ticks + self._nominal_ticks if end_ticks is None else end_ticks
        form = self._sound.format if self._sound is not None else None
        header, body = mux(_timed(self._open, end_ticks), *self._size, self._number, form)
        sound = self._sound_between(start_ticks, end_ticks)
        if header != self._header:
            self._header = header
        fragment = Fragment(
            number=self._number,
            start=self._open_since,
            start_ticks=start_ticks,
            duration_ticks=end_ticks - start_ticks,
            frames=len(self._open),
            header=self._header,
            body=body,
            gap_before=self._gap,
            dropped_frames=self._open_dropped,
            sound=sound.inside,
            silence=self._silence,
            sound_before=sound.before if self._gap is not None else b"",
            sound_spans=sound.spans,
            sound_lost=sound.lost,
        )
        self._open, self._gap = [], None
        return fragment

    def _missing_ticks(self, ticks: int) -> int:
        return ticks - self.last_ticks - self._nominal_ticks

    def _sound_between(self, start_ticks: int, end_ticks: int) -> FragmentSound:
        if self._sound is None or self._epoch is None:
            return FragmentSound()
        epoch_s = self._epoch.mono_s
        until = self._sound.number_at(epoch_s + end_ticks / TICKS_PER_S)
        frames = self._sound.take(until, _SOUND_PATIENCE_S)
        return fragment_sound(
            frames, self._sound.format.rate_hz, self._sound.number_at(epoch_s), start_ticks, self._sound.status.lost
        )


def _timed(frames: list[EncodedFrame], end_ticks: int) -> list[EncodedFrame]:
    """Give each frame its duration: until the next one, the last until `end_ticks`."""
    ends = [frame.ticks for frame in frames[1:]] + [end_ticks]
    return [
        EncodedFrame(frame.data, frame.ticks, end - frame.ticks, frame.is_keyframe)
        for frame, end in zip(frames, ends, strict=True)
    ]

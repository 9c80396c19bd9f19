"""The sound of one fragment: AAC frames on the camera's time line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from lapel import mp4_boxes as boxes
from lapel.fragment import TICKS_PER_S
from lapel.media.aac import FRAME_SAMPLES, AacFrame, SoundFormat, silent_frame


@dataclass(frozen=True, slots=True)
class FragmentSound:
    """What a fragment has of sound; see `Fragment`."""

    inside: bytes = b""
    before: bytes = b""
    spans: tuple[tuple[int, int], ...] = ()
    lost: str | None = None


def fragment_sound(
    frames: Sequence[AacFrame], rate_hz: int, epoch: int, start_ticks: int, lost: str | None
) -> FragmentSound:
    """The sound in `frames`, whose samples are numbered as is `epoch`, where the camera's time line begins.

    `start_ticks`: where the fragment's video begins; what begins earlier is from a gap in the video. `lost`: why the
    microphone delivers nothing at the moment, or None.
    """
    start = -(-start_ticks * rate_hz // TICKS_PER_S)
    frames = [AacFrame(frame.data, frame.start - epoch) for frame in frames if frame.start >= epoch]
    inside = [frame for frame in frames if frame.start >= start]
    before = [frame for frame in frames if frame.start < start]
    spans = tuple(
        (_ticks(run[0].start, rate_hz), _ticks(run[-1].start + FRAME_SAMPLES, rate_hz)) for run in _runs(frames)
    )
    return FragmentSound(_boxed(inside), _boxed(before), spans, lost)


def silence(form: SoundFormat) -> bytes:
    """One frame of silence at time 0."""
    return boxes.sound_fragment([silent_frame(form)], 0, FRAME_SAMPLES)


def _boxed(frames: Sequence[AacFrame]) -> bytes:
    return b"".join(
        boxes.sound_fragment([frame.data for frame in run], run[0].start, FRAME_SAMPLES) for run in _runs(frames)
    )


def _runs(frames: Sequence[AacFrame]) -> list[list[AacFrame]]:
    """Frames that follow each other without a gap."""
    runs: list[list[AacFrame]] = []
    for frame in frames:
        if runs and frame.start == runs[-1][-1].start + FRAME_SAMPLES:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs


def _ticks(samples: int, rate_hz: int) -> int:
    return round(samples * TICKS_PER_S / rate_hz)

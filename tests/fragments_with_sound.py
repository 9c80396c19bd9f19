"""Fragments with sound whose AAC frames hold nothing but their own number."""

from dataclasses import replace

from lapel.fragment import TICKS_PER_S, Fragment
from lapel.media.aac import FRAME_SAMPLES, AacFrame, SoundFormat
from lapel.media.fragment_sound import fragment_sound, silence
from lapel.media.mux import EncodedFrame, mux

FORM = SoundFormat()
HEADER = mux([EncodedFrame(b"frame", 0, TICKS_PER_S, True)], 64, 32, 1, FORM)[0]


def with_sound(one: Fragment, frames: list[AacFrame], lost: str | None = None) -> Fragment:
    """The fragment with those frames: of its own time, and of the gap before it. `lost`: why there are no more."""
    sound = fragment_sound(frames, FORM.rate_hz, 0, one.start_ticks, None)
    return replace(
        one, header=HEADER, sound=sound.inside, sound_before=sound.before, sound_spans=sound.spans,
        silence=silence(FORM), sound_lost=lost,
    )  # fmt: skip


def aac_frames(from_s: float, to_s: float) -> list[AacFrame]:
    """The frames that begin in that time."""
    numbers = range(round(from_s * FORM.rate_hz / FRAME_SAMPLES), round(to_s * FORM.rate_hz / FRAME_SAMPLES))
    return [AacFrame(b"frame %d;" % number, number * FRAME_SAMPLES) for number in numbers]

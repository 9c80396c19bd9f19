"""Takes the sound from before a moment out of a fragment, without decoding anything. Pure."""

from dataclasses import replace

from lapel import mp4_boxes as boxes
from lapel.fragment import TICKS_PER_S, Fragment


def sound_since(fragment: Fragment, mono_s: float) -> Fragment:
    """`fragment` without the sound that begins before a monotonic time."""
    if fragment.end_mono_s <= mono_s:
        return fragment.without_sound()
    since_ticks = fragment.start_ticks + round((mono_s - fragment.start.mono_s) * TICKS_PER_S)
    if not fragment.sound_spans or fragment.sound_spans[0][0] >= since_ticks:
        return fragment
    since = -(-since_ticks * boxes.timescales(fragment.header)[1] // TICKS_PER_S)
    return replace(
        fragment,
        sound=boxes.sound_from(fragment.sound, since),
        sound_before=boxes.sound_from(fragment.sound_before, since),
        sound_spans=tuple((max(begin, since_ticks), end) for begin, end in fragment.sound_spans if end > since_ticks),
    )

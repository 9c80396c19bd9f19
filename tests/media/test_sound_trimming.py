"""What of a fragment's sound a recording may keep: from the press on, to the AAC frame."""

from fragments import fragment
from fragments_with_sound import FORM, aac_frames, with_sound
from lapel import mp4_boxes as boxes
from lapel.fragment import TICKS_PER_S
from lapel.media.aac import FRAME_SAMPLES
from lapel.media.sound_trimming import sound_since


def starts_s(parts: bytes) -> list[float]:
    """Where each part of the sound begins."""
    moofs = [box for box in boxes.boxes(parts) if box.kind == b"moof"]
    return [boxes.start_ticks(parts[box.payload - 8 : box.end]) / FORM.rate_hz for box in moofs]


def numbers_in(parts: bytes) -> list[int]:
    media = b"".join(parts[box.payload : box.end] for box in boxes.boxes(parts) if box.kind == b"mdat")
    return [int(one.split()[1]) for one in media.split(b";") if one]


def test_sound_before_the_press_is_cut_off_to_the_aac_frame() -> None:
    one = with_sound(fragment(3, 2.0), aac_frames(2, 3))
    cut = sound_since(one, one.start.mono_s + 0.5)
    first = -(-round(2.5 * FORM.rate_hz) // FRAME_SAMPLES)
    assert numbers_in(cut.sound) == numbers_in(one.sound)[-len(numbers_in(cut.sound)) :]
    assert numbers_in(cut.sound)[0] == first
    assert starts_s(cut.sound) == [first * FRAME_SAMPLES / FORM.rate_hz]
    assert cut.sound_spans == ((round(2.5 * TICKS_PER_S), one.sound_spans[0][1]),)
    assert cut.body is one.body


def test_a_press_between_two_stretches_keeps_the_later_one() -> None:
    one = with_sound(fragment(3, 2.0), [*aac_frames(2, 2.3), *aac_frames(2.6, 3)])
    cut = sound_since(one, one.start.mono_s + 0.4)
    assert numbers_in(cut.sound) == [frame.start // FRAME_SAMPLES for frame in aac_frames(2.6, 3)]


def test_of_a_gap_in_the_video_only_sound_from_after_the_press_is_kept() -> None:
    """The source is lost at 1 s, the button pressed at 1.5 s, and the source is back at 2 s."""
    one = with_sound(fragment(3, 2.0), aac_frames(1, 3))
    cut = sound_since(one, one.start.mono_s - 0.5)
    assert cut.sound == one.sound
    assert numbers_in(cut.sound_before)[0] == -(-round(1.5 * FORM.rate_hz) // FRAME_SAMPLES)
    assert numbers_in(cut.sound_before)[-1] + 1 == numbers_in(cut.sound)[0]


def test_a_fragment_that_ends_before_the_press_keeps_no_sound() -> None:
    one = with_sound(fragment(3, 2.0), aac_frames(2, 3))
    assert sound_since(one, one.end_mono_s).sound == b""


def test_a_fragment_from_after_the_press_stays_as_it_is() -> None:
    one = with_sound(fragment(3, 2.0), aac_frames(2.02, 3))
    assert sound_since(one, one.start.mono_s) is one

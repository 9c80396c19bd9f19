from dataclasses import replace

from fragments import fragment, instant
from lapel import mp4_boxes as boxes
from lapel.fragment import TICKS_PER_S, Gap
from lapel.live_view.window import FIRST, LISTED, FragmentWindow
from lapel.media.aac import FRAME_SAMPLES, SoundFormat
from lapel.media.fragment_sound import silence
from lapel.media.mux import EncodedFrame, mux
from lapel_fleet.hardware.blank_fragments import HEADER


def window_of(*numbers: int, since_s: float = 0.0) -> FragmentWindow:
    window = FragmentWindow()
    window.begin(instant(since_s), [])
    for number in numbers:
        window.add(fragment(number))
    return window


def test_the_newest_segments_are_listed_and_some_older_ones_can_still_be_fetched() -> None:
    window = window_of(*range(1, 21))
    assert [one.number for one in window.listed] == list(range(21 - LISTED, 21))
    assert window.segment(20 - LISTED) is not None
    assert window.segment(1) is None
    assert window.segment(21) is None


def test_a_recording_begins_with_the_end_of_what_was_buffered_without_its_sound() -> None:
    before = [replace(fragment(number), sound=b"sound") for number in range(1, 9)]
    window = FragmentWindow()
    window.begin(instant(8.0), before)
    window.add(replace(fragment(9), sound=b"sound"))
    assert [one.fragment.number for one in window.listed] == [6, 7, 8, 9]
    assert [one.fragment.sound for one in window.listed] == [b"", b"", b"", b"sound"]
    assert window.is_ready


def test_a_player_can_begin_with_three_segments_or_with_all_of_a_short_recording() -> None:
    window = window_of(*range(1, FIRST))
    assert not window.is_ready
    window.end()
    assert window.is_ready
    assert not window_of().is_ready


def test_a_gap_a_missing_fragment_and_another_header_are_discontinuities() -> None:
    window = window_of(1, 2)
    window.add(fragment(3, gap_before=Gap(2.0, "source lost")))
    window.add(fragment(5))
    window.add(fragment(6, header=HEADER + b"other"))
    assert [one.is_discontinuity for one in window.listed] == [False, False, True, True, True]
    assert [one.header_number for one in window.listed] == [1, 1, 1, 1, 2]
    assert [window.discontinuities_before(one) for one in window.listed] == [0, 0, 0, 1, 2]
    assert (window.header(1), window.header(2), window.header(3)) == (HEADER, HEADER + b"other", None)


def test_a_number_is_never_used_twice() -> None:
    window = window_of(1, 2)
    window.end()
    window.begin(instant(0.0), [])
    window.add(fragment(1))
    assert [one.number for one in window.listed] == [3]


def test_nothing_is_added_before_or_after_a_recording() -> None:
    window = FragmentWindow()
    window.add(fragment(1))
    assert not window.listed
    window = window_of(1)
    window.end()
    window.add(fragment(2))
    assert len(window.listed) == 1
    window.clear()
    assert not window.is_open


def test_silence_stands_in_for_missing_sound_without_a_hole() -> None:
    form = SoundFormat()
    header = mux([EncodedFrame(b"frame", 0, TICKS_PER_S, True)], 64, 32, 1, form)[0]
    window = FragmentWindow()
    window.begin(instant(0.0), [])
    for number in range(1, 4):
        window.add(replace(fragment(number), header=header, silence=silence(form)))
    end = 0
    for segment in window.listed:
        sound = segment.media()[len(segment.fragment.body) :]
        assert boxes.track(sound) == boxes.SOUND_TRACK
        assert boxes.start_ticks(sound) == end
        end += boxes.duration_ticks(sound)
    assert abs(end - 3 * form.rate_hz) < FRAME_SAMPLES
    sounding = replace(fragment(4), header=header, silence=silence(form), sound=b"sound")
    window.add(sounding)
    assert window.listed[-1].media() == sounding.body + b"sound"

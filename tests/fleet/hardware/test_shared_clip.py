import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments import HEADER, fragment
from lapel import boxes
from lapel.errors import VideoError
from lapel.fragment import TICKS_PER_S
from lapel_fleet.hardware.shared_clip import FPS, BlankSource, SharedClip
from shared_clips import CLIP_FRAMES, numbered_clip
from video_files import numbers

EACH_TICKS = TICKS_PER_S // FPS


@given(st.integers(1, 100), st.integers(0, 2**40), st.integers(1, 40), st.integers(100, 5_400_000))
def test_a_blank_fragment_lasts_as_long_as_it_was_asked_to(number: int, start: int, frames: int, ticks: int) -> None:
    body = BlankSource().body(number, start, frames, ticks)
    assert (boxes.start_ticks(body), boxes.frames(body), boxes.duration_ticks(body)) == (start, frames, ticks)


def test_a_fragment_shows_the_gop_of_its_number_and_the_loop_comes_again() -> None:
    reel = numbered_clip()
    for number in (1, 2, 5, 6, 1003):
        first = (number - 1) * FPS % CLIP_FRAMES
        body = reel.body(number, 0, FPS, TICKS_PER_S)
        assert numbers(reel.header + body) == list(range(first, first + FPS))


@pytest.mark.parametrize("frames", range(1, FPS + 1))
def test_a_shorter_one_is_the_head_of_its_gop_and_decodes_by_itself(frames: int) -> None:
    reel, start_ticks = numbered_clip(), 2**33
    body = reel.body(2, start_ticks, frames, frames * EACH_TICKS - 1)
    assert numbers(reel.header + body) == list(range(FPS, FPS + frames))
    assert (boxes.start_ticks(body), boxes.duration_ticks(body)) == (start_ticks, frames * EACH_TICKS - 1)


def test_a_reel_tells_its_length_and_weight() -> None:
    reel = numbered_clip()
    assert reel.length_s == 5.0
    assert reel.bitrate_bps == round(reel.size_bytes * 8 / 5)


@pytest.mark.parametrize(
    ("loop", "said"),
    [
        (b"", "no fragmented MP4"),
        (b"no video at all", "no fragmented MP4"),
        (HEADER, "holds no GOP"),
        (HEADER + fragment(1, frames=10).body, "30 pictures and 1 s"),
        (HEADER + fragment(1, duration_s=2.0, frames=30).body, "30 pictures and 1 s"),
        (HEADER + b"\0\0\0\x10moof\0\0\0\x08tfhd\0\0\0\x08mdat", "damaged"),
    ],
)
def test_what_is_no_loop_is_refused(loop: bytes, said: str) -> None:
    with pytest.raises(VideoError, match=said):
        SharedClip(loop)

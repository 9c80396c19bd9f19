import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments import HEADER, fragment
from lapel import mp4_boxes as boxes
from lapel.errors import VideoError
from lapel.fragment import TICKS_PER_S
from lapel_fleet.hardware.shared_clip import FPS, BlankSource, SharedClip
from shared_clips import CLIP_FRAMES, numbered_clip
from video_files import numbers

EACH_TICKS = TICKS_PER_S // FPS


@given(st.integers(1, 100), st.integers(0, 2**40), st.integers(1, 40), st.integers(100, 5_400_000))
def test_a_blank_fragment_has_the_requested_start_frames_and_duration(
    number: int, start: int, frames: int, ticks: int
) -> None:
    body = BlankSource().body(number, start, frames, ticks)
    assert (boxes.start_ticks(body), boxes.frames(body), boxes.duration_ticks(body)) == (start, frames, ticks)


def test_a_fragment_holds_the_gop_of_its_number_and_the_loop_repeats() -> None:
    clip = numbered_clip()
    for number in (1, 2, 5, 6, 1003):
        first = (number - 1) * FPS % CLIP_FRAMES
        body = clip.body(number, 0, FPS, TICKS_PER_S)
        assert numbers(clip.header + body) == list(range(first, first + FPS))


@pytest.mark.parametrize("frames", range(1, FPS + 1))
def test_a_shorter_fragment_holds_the_first_frames_of_its_gop_and_decodes_by_itself(frames: int) -> None:
    clip, start_ticks = numbered_clip(), 2**33
    body = clip.body(2, start_ticks, frames, frames * EACH_TICKS - 1)
    assert numbers(clip.header + body) == list(range(FPS, FPS + frames))
    assert (boxes.start_ticks(body), boxes.duration_ticks(body)) == (start_ticks, frames * EACH_TICKS - 1)


def test_a_clip_knows_its_length_and_bit_rate() -> None:
    clip = numbered_clip()
    assert clip.length_s == 5.0
    assert clip.bitrate_bps == round(clip.size_bytes * 8 / 5)


@pytest.mark.parametrize(
    ("loop", "error"),
    [
        (b"", "no fragmented MP4"),
        (b"no video at all", "no fragmented MP4"),
        (HEADER, "holds no GOP"),
        (HEADER + fragment(1, frames=10).body, "30 frames and 1 s"),
        (HEADER + fragment(1, duration_s=2.0, frames=30).body, "30 frames and 1 s"),
        (HEADER + b"\0\0\0\x10moof\0\0\0\x08tfhd\0\0\0\x08mdat", "damaged"),
    ],
)
def test_a_file_that_is_no_loop_is_refused(loop: bytes, error: str) -> None:
    with pytest.raises(VideoError, match=error):
        SharedClip(loop)

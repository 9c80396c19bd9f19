import cv2
import numpy as np
import pytest

from fragments import instant
from lapel.hardware.interfaces import Frame
from lapel.media.frame_reducer import STEPS, FrameReducer
from video_files import number_in, picture


def run(reducer: FrameReducer, from_s: float, seconds: float, waiting: float) -> list[float]:
    """Ten frames a second, for each of which the encoder waits this share of the time; when frames became smaller."""
    reduced = []
    for number in range(round(seconds * 10)):
        reducer.waited(waiting / 10)
        if reducer.observe(from_s + number / 10):
            reduced.append(from_s + number / 10)
    return reduced


def test_an_encoder_that_keeps_up_is_left_alone() -> None:
    reducer = FrameReducer()
    assert run(reducer, 0.0, 120.0, waiting=0.1) == []
    assert not reducer.is_reducing


def test_one_that_never_waits_gets_smaller_frames_step_by_step_and_no_smaller_than_half() -> None:
    reducer = FrameReducer()
    assert run(reducer, 0.0, 100.0, waiting=0.0) == pytest.approx([10.0, 20.0])


def test_a_busy_moment_or_a_lost_source_is_no_reason() -> None:
    reducer = FrameReducer()
    for begin in range(0, 100, 20):
        assert run(reducer, float(begin), 9.0, waiting=0.0) == []
        assert run(reducer, begin + 9.0, 11.0, waiting=0.5) == []
    run(reducer, 200.0, 9.0, waiting=0.0)
    reducer.begin_again(230.0)  # nothing came for 20 s
    assert run(reducer, 230.0, 5.0, waiting=0.0) == []


@pytest.mark.parametrize("layout", ["bgr", "i420"])
def test_the_image_is_the_same_in_both_layouts(layout: str) -> None:
    reducer = FrameReducer()
    run(reducer, 0.0, 25.0, waiting=0.0)
    image = picture(37, 128, 64)
    image[:, :, 2] //= 2  # so that it has colours
    stored = image if layout == "bgr" else cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    whole = Frame(instant(0.0), stored, layout=layout)  # type: ignore[arg-type]
    half = reducer.reduced(whole)
    assert (half.height, half.image.shape[1], half.layout) == (64 * STEPS[-1], 128 * STEPS[-1], layout)
    seen = half.image if layout == "bgr" else cv2.cvtColor(half.image, cv2.COLOR_YUV2BGR_I420)
    assert number_in(seen) == 37
    small = cv2.resize(image, (64, 32), interpolation=cv2.INTER_AREA)
    assert np.abs(seen.astype(int) - small.astype(int)).mean() < 12

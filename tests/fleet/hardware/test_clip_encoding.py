import io
from pathlib import Path

import av
import pytest

from lapel.errors import VideoError
from lapel.media.scene import read_number
from lapel_fleet.hardware.clip_encoding import encode_scene, encode_video
from lapel_fleet.hardware.shared_clip import SharedClip
from system.videos import film


def test_the_scene_is_encoded_the_same_each_time_and_small() -> None:
    loop = encode_scene(3)
    assert loop == encode_scene(3)
    assert SharedClip(loop).length_s == 3.0
    assert SharedClip(loop).bitrate_bps < 250_000


def test_the_frames_of_the_scene_have_no_numbers() -> None:
    with av.open(io.BytesIO(encode_scene(1))) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert [frame.shape for frame in frames] == [(180, 320, 3)] * 30
    assert [read_number(frame) for frame in frames] == [None] * 30


@pytest.mark.parametrize(("frames", "rate_fps", "length_s"), [(80, 30, 2.0), (50, 25, 2.0), (30, 30, 1.0)])
def test_the_whole_seconds_of_a_video_file_are_used(
    tmp_path: Path, frames: int, rate_fps: int, length_s: float
) -> None:
    clip = SharedClip(encode_video(film(tmp_path / "mine.mp4", frames, rate_fps)))
    assert clip.length_s == length_s


def test_a_file_that_is_too_short_or_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"short\.mp4: lasts less than a second"):
        encode_video(film(tmp_path / "short.mp4", 20))
    (tmp_path / "noise.mp4").write_bytes(b"noise")
    with pytest.raises(VideoError, match=r"noise\.mp4: is not a video"):
        encode_video(tmp_path / "noise.mp4")
    with pytest.raises(VideoError, match="no such file"):
        encode_video(tmp_path / "none.mp4")

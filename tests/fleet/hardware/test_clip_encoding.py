import io
from pathlib import Path

import av
import pytest

from lapel.errors import VideoError
from lapel.media.scene import read_number
from lapel_fleet.hardware.clip_encoding import drawn_loop, filmed_loop
from lapel_fleet.hardware.shared_clip import SharedClip
from system.videos import film


def test_the_street_is_the_same_each_time_and_small() -> None:
    loop = drawn_loop(3)
    assert loop == drawn_loop(3)
    assert SharedClip(loop).length_s == 3.0
    assert SharedClip(loop).bitrate_bps < 250_000


def test_its_pictures_have_no_numbers_that_could_seem_to_be_missing() -> None:
    with av.open(io.BytesIO(drawn_loop(1))) as container:
        pictures = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert [picture.shape for picture in pictures] == [(180, 320, 3)] * 30
    assert [read_number(picture) for picture in pictures] == [None] * 30


@pytest.mark.parametrize(("pictures", "rate_fps", "length_s"), [(80, 30, 2.0), (50, 25, 2.0), (30, 30, 1.0)])
def test_of_somebodys_video_the_whole_seconds_are_shown(
    tmp_path: Path, pictures: int, rate_fps: int, length_s: float
) -> None:
    reel = SharedClip(filmed_loop(film(tmp_path / "mine.mp4", pictures, rate_fps)))
    assert reel.length_s == length_s


def test_a_video_that_is_too_short_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"short\.mp4: lasts less than a second"):
        filmed_loop(film(tmp_path / "short.mp4", 20))
    (tmp_path / "noise.mp4").write_bytes(b"noise")
    with pytest.raises(VideoError, match=r"noise\.mp4: is not a video"):
        filmed_loop(tmp_path / "noise.mp4")
    with pytest.raises(VideoError, match="no such file"):
        filmed_loop(tmp_path / "none.mp4")

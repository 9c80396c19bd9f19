from datetime import timedelta
from pathlib import Path

import av
import pytest

from fragments import EPOCH
from lapel.clock import Instant, Quality
from lapel.errors import VideoEnded, VideoError
from lapel.hardware.interfaces import FrameFormat, FrameSource
from lapel.media.capture import Wanted, open_source
from lapel.media.scene import read_number
from video_files import picture


class Hand:
    """A clock that moves only when somebody waits, and as far as they wait."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.corrected_s = 0.0

    def mono_s(self) -> float:
        return self.seconds

    def now(self) -> Instant:
        return Instant(self.seconds, EPOCH + timedelta(seconds=self.seconds + self.corrected_s))

    def is_trusted(self) -> bool:
        return True

    def quality(self) -> Quality:
        return "unknown"

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures of 64x32 at 10 fps."""
    path = tmp_path_factory.mktemp("video") / "ten.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"g": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        for number in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="bgr24")))
        container.mux(stream.encode(None))
    return path


def source(spec: str, clock: Hand, *, loop: bool = False, wanted: Wanted | None = None) -> FrameSource:
    return open_source(spec, clock, wait=clock.wait, wanted=wanted or Wanted(), loop=loop, camera="cam-0001")


def test_a_file_plays_at_its_own_rate_and_ends(video: Path, clock: Hand) -> None:
    one = source(str(video), clock)
    assert one.open() == FrameFormat(64, 32, 10.0)
    times = [one.read().captured.mono_s for _ in range(10)]
    assert times == pytest.approx([100.0 + number / 10 for number in range(10)])
    with pytest.raises(VideoEnded, match=r"ten\.mp4.*--loop"):
        one.read()


def test_the_joint_of_a_loop_is_no_gap(video: Path, clock: Hand) -> None:
    one = source(str(video), clock, loop=True)
    one.open()
    times = [one.read().captured.mono_s for _ in range(25)]
    assert times == pytest.approx([100.0 + number / 10 for number in range(25)])
    one.close()


def test_a_late_reader_gets_every_picture_until_half_a_second_and_then_knows_what_it_missed(
    video: Path, clock: Hand
) -> None:
    one = source(str(video), clock, loop=True)
    one.open()
    one.read()
    clock.wait(0.45)
    assert one.read().dropped_before == 0
    clock.wait(2.0)
    assert one.read().dropped_before > 10
    one.close()


def test_a_size_that_is_asked_for_scales_and_one_side_keeps_the_shape(video: Path, clock: Hand) -> None:
    one = source(str(video), clock, wanted=Wanted(width=128))
    assert one.open() == FrameFormat(128, 64, 10.0)
    assert one.read().image.shape == (64, 128, 3)
    one.close()


def test_the_scene_numbers_its_pictures_from_the_monotonic_clock(clock: Hand) -> None:
    one = source("scene", clock, wanted=Wanted(160, 90, 10.0))
    assert one.open() == FrameFormat(160, 90, 10.0)
    for _ in range(5):
        frame = one.read()
        assert read_number(frame.image) == round(frame.captured.mono_s * 10)
        assert frame.captured.mono_s == pytest.approx(clock.seconds)
    one.close()
    with pytest.raises(VideoError, match="not open"):
        one.read()


@pytest.mark.parametrize(("name", "reason"), [("missing.mp4", "no such file"), (".", "is a folder")])
def test_what_is_no_source_is_named_before_anything_starts(name: str, reason: str, tmp_path: Path, clock: Hand) -> None:
    with pytest.raises(VideoError, match=reason):
        source(str(tmp_path / name), clock)


def test_a_file_that_is_no_video_is_named(tmp_path: Path, clock: Hand) -> None:
    (tmp_path / "notes.mp4").write_text("not a video")
    with pytest.raises(VideoError, match=r"notes\.mp4: is not a video"):
        source(str(tmp_path / "notes.mp4"), clock).open()


def test_a_device_that_is_not_there_may_come_later(clock: Hand) -> None:
    one = source("97", clock)
    with pytest.raises(VideoError, match=r"/dev/video97.*plugged in"):
        one.open()


@pytest.mark.parametrize("rate_fps", [5.0, 20.0])
def test_another_rate_leaves_out_or_repeats_and_keeps_the_speed(video: Path, clock: Hand, rate_fps: float) -> None:
    one = source(str(video), clock, wanted=Wanted(rate_fps=rate_fps))
    assert one.open().rate_fps == rate_fps
    taken = [one.read() for _ in range(int(rate_fps))]  # the file lasts a second
    with pytest.raises(VideoEnded):
        one.read()
    assert taken[-1].captured.mono_s - taken[0].captured.mono_s == pytest.approx(1 - 1 / rate_fps)


def test_a_stream_that_cannot_be_wound_back_loops_too_and_a_colon_is_part_of_a_name(
    video: Path, clock: Hand, tmp_path: Path
) -> None:
    raw = tmp_path / "cam:1.ts"
    with av.open(str(video)) as inside, av.open(f"file:{raw}", "w", format="mpegts") as outside:
        stream = outside.add_stream_from_template(inside.streams.video[0])
        for packet in inside.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                outside.mux(packet)
    one = source(str(raw), clock, loop=True)
    one.open()
    times = [one.read().captured.mono_s for _ in range(25)]
    assert times == pytest.approx([times[0] + number / 10 for number in range(25)])
    one.close()


def test_a_corrected_wall_clock_is_seen_at_once(video: Path, clock: Hand) -> None:
    one = source(str(video), clock, loop=True)
    one.open()
    before = one.read().captured
    clock.corrected_s = 3600.0
    after = one.read().captured
    assert (after.utc - before.utc).total_seconds() == pytest.approx(3600.1)
    one.close()

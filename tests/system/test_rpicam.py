"""A camera module through `rpicam-vid`; here its double, which writes frames as it does (rpicam_vid.py)."""

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import sleep

import pytest

from lapel.clock import SystemClock
from lapel.errors import VideoError
from lapel.evidence.store import EvidenceStore
from lapel.hardware.interfaces import Frame, FrameFormat, FrameSource
from lapel.media.capture import open_source
from lapel.media.frame_fitting import Wanted
from system import rpicam_vid
from system.process import camera_on, terminal
from video_files import number_in, numbers

WANTED = Wanted(128, 64, 30)


@pytest.fixture(autouse=True)
def rpicam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{rpicam_vid.install(tmp_path)}:{os.environ['PATH']}")


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """What the double does, by `indirect` parameters."""
    monkeypatch.setenv("RPICAM_DOUBLE", request.param)
    return str(request.param)


@pytest.fixture
def source() -> Iterator[FrameSource]:
    one = open_source("rpicam", SystemClock(), wait=sleep, wanted=WANTED, loop=False, camera="cam-0001")
    yield one
    one.close()


def read(source: FrameSource, count: int) -> list[Frame]:
    source.open()
    return [source.read() for _ in range(count)]


def test_frames_come_in_planes_at_the_times_of_the_sensor(source: FrameSource) -> None:
    clock = SystemClock()
    before_s = clock.mono_s()
    assert source.open() == FrameFormat(128, 64, 30)
    frames = [source.read() for _ in range(45)]
    assert [number_in(frame.image[: frame.height, :, None]) for frame in frames] == list(range(45))
    assert {(frame.layout, frame.height) for frame in frames} == {("i420", 64)}
    periods_s = [later.captured.mono_s - earlier.captured.mono_s for earlier, later in pairwise(frames[20:])]
    assert periods_s == pytest.approx([1 / 30] * 24, abs=0.002), "not those of their arrival, which is uneven"
    assert before_s <= frames[0].captured.mono_s
    assert frames[-1].captured.mono_s <= clock.mono_s()


@pytest.mark.parametrize("double", ["times=no"], indirect=True)
def test_without_times_a_frame_counts_from_its_arrival(source: FrameSource, double: str) -> None:
    frames = read(source, 30)
    assert [number_in(frame.image[: frame.height, :, None]) for frame in frames] == list(range(30))
    assert frames[-1].captured.mono_s - frames[9].captured.mono_s == pytest.approx(20 / 30, abs=0.3)


@pytest.mark.parametrize("double", ["frames=3"], indirect=True)
def test_a_camera_that_is_unplugged_is_named_with_what_the_command_said(source: FrameSource, double: str) -> None:
    with pytest.raises(VideoError, match=r"rpicam: rpicam-vid has ended: .*unplugged.* \(exit code 1\)"):
        read(source, 4)


@pytest.mark.parametrize("double", ["stall=3"], indirect=True)
def test_a_command_that_hangs_is_left_and_can_be_started_again(source: FrameSource, double: str) -> None:
    with pytest.raises(VideoError, match="rpicam-vid delivers nothing for 2 s"):
        read(source, 4)
    assert len(read(source, 3)) == 3


@pytest.mark.parametrize("double", ["size=64x32"], indirect=True)
def test_frames_of_another_size_are_no_footage(source: FrameSource, double: str) -> None:
    with pytest.raises(VideoError, match="the frames are not 128x64 pixels"):
        read(source, 60)


def test_a_size_that_would_be_padded_and_a_missing_command_are_clear_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VideoError, match=r"800x600: the width must be a multiple of 64 .*, such as 768x600"):
        open_source("rpicam", SystemClock(), wait=sleep, wanted=Wanted(800, 600), loop=False, camera="cam-0001").open()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(VideoError, match="rpicam:1: rpicam-vid cannot be started: No such file or directory; install"):
        open_source("rpicam:1", SystemClock(), wait=sleep, wanted=WANTED, loop=False, camera="cam-0001").open()


async def test_a_camera_records_from_it(tmp_path: Path) -> None:
    flags = ("--video", "rpicam", "--width", "128", "--height", "64", "--bitrate", "500000")
    with terminal(columns=200) as keys, camera_on(keys, tmp_path, *flags) as cam:
        await keys.shows(r"BUFFERING.*buffer 2 s")
        keys.type(" ")
        await keys.shows("RECORDING.*since the press")
        keys.type(" ")
        await keys.shows("saved")
        keys.type("q")
        assert await cam.ends() == 0
    store = EvidenceStore(tmp_path / "evidence")
    (account,) = store.listing()
    video = store.video(account.recording)
    read_back = numbers(video.read_bytes())
    assert read_back == [number % 256 for number in range(read_back[0], read_back[0] + account.frames)]
    assert (account.status, account.gaps, account.dropped_frames) == ("complete", [], 0)

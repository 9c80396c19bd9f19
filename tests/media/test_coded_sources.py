from fractions import Fraction
from pathlib import Path

import av
import pytest

from lapel.errors import VideoEnded, VideoError
from lapel.media.capture import open_coded_source
from lapel.media.coded_sources import Assembler, Requested
from lapel.media.frame_fitting import Wanted
from system.rpicam_vid import h264_frames
from waited_clock import WaitedClock


def file_of_frames(path: Path, count: int, rate_fps: int = 10, gop: int = 5) -> Path:
    frames = h264_frames(64, 32, gop)
    with av.open(f"file:{path}", "w") as container:
        track = container.add_mux_stream("h264", width=64, height=32)
        track.time_base = Fraction(1, 90_000)
        for number in range(count):
            packet = av.Packet(next(frames))
            packet.pts = packet.dts = number * 90_000 // rate_fps
            packet.duration, packet.time_base, packet.stream = 90_000 // rate_fps, Fraction(1, 90_000), track
            packet.is_keyframe = number % gop == 0
            container.mux(packet)
    return path


@pytest.mark.parametrize("kind", ["mp4", "ts", "mkv"])
def test_a_file_is_played_at_its_own_times_and_its_loop_has_no_gap(tmp_path: Path, kind: str) -> None:
    clock = WaitedClock()
    video = str(file_of_frames(tmp_path / f"source.{kind}", 10))
    source = open_coded_source(
        video, clock, wait=clock.wait, wanted=Wanted(), loop=True, requested=Requested(1.0, 1_000_000)
    )
    source.open()
    frames = [source.read() for _ in range(35)]
    times_s = [frame.captured.mono_s - 100.0 for frame in frames]
    assert times_s == pytest.approx([number / 10 for number in range(35)], abs=0.002)
    assert [frame.is_keyframe for frame in frames] == [number % 5 == 0 for number in range(35)]
    assert {frame.size for frame in frames} == {(64, 32)}
    source.close()


def test_a_file_that_does_not_loop_ends(tmp_path: Path) -> None:
    clock = WaitedClock()
    video = str(file_of_frames(tmp_path / "source.mp4", 3))
    source = open_coded_source(
        video, clock, wait=clock.wait, wanted=Wanted(), loop=False, requested=Requested(1.0, 1_000_000)
    )
    source.open()
    for _ in range(3):
        source.read()
    with pytest.raises(VideoEnded, match="has ended after 3 frames"):
        source.read()


def test_a_source_without_keyframes_is_refused_before_it_fills_the_memory() -> None:
    clock, assembler, frames = WaitedClock(), Assembler("rtsp://camera"), h264_frames(64, 32, 1_000)
    for _ in range(100):
        assembler.frame(next(frames), clock.now())
        clock.wait(0.1)
    clock.wait(0.1)
    with pytest.raises(VideoError, match="sent no keyframe for 10 s"):
        assembler.frame(next(frames), clock.now())

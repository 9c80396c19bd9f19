import contextlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lapel import mp4_boxes as boxes
from lapel.errors import VideoEnded, VideoError
from lapel.hardware.interfaces import Frame, FrameFormat, FrameSource
from lapel.media.capture import open_source
from lapel.media.frame_fitting import Wanted
from lapel.media.scene import read_number
from video_files import join, number_in, write_video
from waited_clock import WaitedClock


@pytest.fixture
def clock() -> WaitedClock:
    return WaitedClock()


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames of 64x32 at 10 fps."""
    return write_video(tmp_path_factory.mktemp("video") / "ten.mp4", range(10))


def source(spec: str | Path, clock: WaitedClock, *, loop: bool = False, wanted: Wanted | None = None) -> FrameSource:
    return open_source(str(spec), clock, wait=clock.wait, wanted=wanted or Wanted(), loop=loop, camera="cam-0001")


def played(spec: str | Path, clock: WaitedClock, *, wanted: Wanted | None = None) -> list[Frame]:
    """All frames of a file, to its end."""
    one, frames = source(spec, clock, wanted=wanted), list[Frame]()
    one.open()
    with contextlib.suppress(VideoEnded):
        while True:
            frames.append(one.read())
    return frames


def numbers(frames: list[Frame]) -> list[int]:
    return [number_in(frame.image) for frame in frames]


# -- times -----------------------------------------------------------------------------------------------------------


def test_a_file_plays_at_its_own_rate_and_ends(video: Path, clock: WaitedClock) -> None:
    one = source(video, clock)
    assert one.open() == FrameFormat(64, 32, 10.0)
    frames = [one.read() for _ in range(10)]
    assert [frame.captured.mono_s for frame in frames] == pytest.approx([100.0 + number / 10 for number in range(10)])
    assert numbers(frames) == list(range(10))
    with pytest.raises(VideoEnded, match=r"ten\.mp4: has ended after 10 frames; --loop"):
        one.read()


def test_the_joint_of_a_loop_is_no_gap(video: Path, clock: WaitedClock) -> None:
    one = source(video, clock, loop=True)
    one.open()
    frames = [one.read() for _ in range(25)]
    assert [frame.captured.mono_s for frame in frames] == pytest.approx([100.0 + number / 10 for number in range(25)])
    assert numbers(frames) == [number % 10 for number in range(25)]
    one.close()


VARYING_S = [number / 30 for number in range(90)] + [3.0 + number / 6 for number in range(30)]
"""Three seconds at 30 fps, then five at 6 fps: 15 fps on average."""


@pytest.fixture(scope="session", params=["mp4", "mkv", "ts"])
def varying(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / f"varying.{request.param}"
    return write_video(path, range(120), rate_fps=30, times_s=VARYING_S)


def test_each_frame_of_a_varying_rate_is_captured_at_its_own_time(varying: Path, clock: WaitedClock) -> None:
    frames = played(varying, clock)
    assert numbers(frames) == list(range(120))
    assert [frame.captured.mono_s - 100.0 for frame in frames] == pytest.approx(VARYING_S, abs=0.0011)


def test_a_varying_rate_loops_without_a_gap(varying: Path, clock: WaitedClock) -> None:
    one = source(varying, clock, loop=True)
    one.open()
    times_s = [one.read().captured.mono_s - 100.0 for _ in range(240)]
    length_s = times_s[120]
    assert length_s == pytest.approx(8.0, abs=0.15)
    assert times_s[120:] == pytest.approx([length_s + at_s for at_s in VARYING_S], abs=0.0011)
    one.close()


def test_a_configured_rate_shows_what_a_varying_file_shows_at_each_moment(varying: Path, clock: WaitedClock) -> None:
    frames = played(varying, clock, wanted=Wanted(rate_fps=10.0))
    assert numbers(frames[:30]) == list(range(0, 90, 3))
    assert [frame.captured.mono_s - 100.0 for frame in frames] == pytest.approx(
        [number / 10 for number in range(len(frames))]
    )
    assert len(frames) == pytest.approx(80, abs=2)
    shown = [max(n for n, at_s in enumerate(VARYING_S) if at_s <= tick / 10 + 0.0011) for tick in range(len(frames))]
    assert numbers(frames) == shown


def test_a_late_reader_gets_every_frame_until_half_a_second_and_then_knows_what_it_missed(
    video: Path, clock: WaitedClock
) -> None:
    one = source(video, clock, loop=True)
    one.open()
    one.read()
    clock.wait(0.45)
    assert one.read().dropped_before == 0
    clock.wait(2.0)
    late = one.read()
    assert late.dropped_before > 10
    assert late.captured.mono_s == pytest.approx(clock.seconds, abs=0.1)
    assert number_in(late.image) == round((late.captured.mono_s - 100.0) * 10) % 10
    one.close()


def test_a_late_reader_of_a_varying_rate_skips_to_the_frame_of_that_moment(varying: Path, clock: WaitedClock) -> None:
    one = source(varying, clock)
    one.open()
    one.read()
    clock.wait(5.1)
    late = one.read()
    assert late.captured.mono_s - 100.0 == pytest.approx(5.0, abs=0.0011)
    assert (number_in(late.image), late.dropped_before) == (102, 101)
    one.close()


@pytest.mark.parametrize("rate_fps", [5.0, 20.0])
def test_another_rate_leaves_out_or_repeats_and_keeps_the_speed(
    video: Path, clock: WaitedClock, rate_fps: float
) -> None:
    one = source(video, clock, wanted=Wanted(rate_fps=rate_fps))
    assert one.open().rate_fps == rate_fps
    taken = [one.read() for _ in range(int(rate_fps))]  # the file lasts a second
    with pytest.raises(VideoEnded):
        one.read()
    assert taken[-1].captured.mono_s - taken[0].captured.mono_s == pytest.approx(1 - 1 / rate_fps)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_at_its_own_rate_a_file_gives_each_frame_once(tmp_path: Path, clock: WaitedClock, suffix: str) -> None:
    """Matroska rounds 1/15 s to 67 ms, so that a third of the frames came late and was replaced by the one before."""
    video = write_video(tmp_path / f"fifteen.{suffix}", range(30), rate_fps=15)
    assert numbers(played(video, clock, wanted=Wanted(rate_fps=15.0))) == list(range(30))


def test_a_frame_that_is_repeated_may_be_drawn_on(video: Path, clock: WaitedClock) -> None:
    one = source(video, clock, wanted=Wanted(rate_fps=20.0))
    one.open()
    first = one.read()
    first.image[:] = 0
    assert one.read().image.any() == played(video, clock)[0].image.any()
    one.close()


def test_a_stream_that_cannot_be_wound_back_loops_too_and_a_colon_is_part_of_a_name(
    video: Path, clock: WaitedClock, tmp_path: Path
) -> None:
    raw = tmp_path / "cam:1.ts"
    with av.open(str(video)) as inside, av.open(f"file:{raw}", "w", format="mpegts") as outside:
        stream = outside.add_stream_from_template(inside.streams.video[0])
        for packet in inside.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                outside.mux(packet)
    one = source(raw, clock, loop=True)
    one.open()
    times = [one.read().captured.mono_s for _ in range(25)]
    assert times == pytest.approx([times[0] + number / 10 for number in range(25)])
    one.close()


def test_raw_h264_without_time_stamps_plays_at_a_steady_rate(clock: WaitedClock, tmp_path: Path) -> None:
    frames = played(write_video(tmp_path / "raw.h264", range(20)), clock)
    times = [frame.captured.mono_s for frame in frames]
    assert numbers(frames) == list(range(20))
    assert np.diff(times) == pytest.approx([times[1] - times[0]] * 19)


def test_a_damaged_stretch_costs_only_its_own_frames(clock: WaitedClock, tmp_path: Path) -> None:
    data = bytearray(write_video(tmp_path / "whole.ts", range(40)).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 188 * 4] = bytes(188 * 4)
    (tmp_path / "damaged.ts").write_bytes(data)
    read = numbers(played(tmp_path / "damaged.ts", clock))
    assert read[:10] == list(range(10))
    assert read[-5:] == list(range(35, 40))


def test_a_corrected_wall_clock_is_seen_at_once(video: Path, clock: WaitedClock) -> None:
    one = source(video, clock, loop=True)
    one.open()
    before = one.read().captured
    clock.corrected_s = 3600.0
    after = one.read().captured
    assert (after.utc - before.utc).total_seconds() == pytest.approx(3600.1)
    one.close()


# -- sizes -----------------------------------------------------------------------------------------------------------


def test_a_size_that_is_configured_scales_and_one_side_keeps_the_proportions(video: Path, clock: WaitedClock) -> None:
    one = source(video, clock, wanted=Wanted(width=128))
    assert one.open() == FrameFormat(128, 64, 10.0)
    assert one.read().image.shape == (64, 128, 3)
    one.close()


@pytest.fixture(scope="session")
def two_sizes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of 64x32, then a second of 128x96."""
    folder = tmp_path_factory.mktemp("video")
    small = write_video(folder / "small.ts", range(10))
    large = write_video(folder / "large.ts", range(10, 20), size=(128, 96))
    return join(folder / "two-sizes.ts", [small, large])


def test_a_change_of_the_frame_size_is_followed_and_logged(two_sizes: Path, clock: WaitedClock) -> None:
    frames = played(two_sizes, clock)
    assert [frame.image.shape for frame in frames] == [(32, 64, 3)] * 10 + [(96, 128, 3)] * 10
    assert numbers(frames) == list(range(20))
    assert [frame.captured.mono_s for frame in frames] == pytest.approx([100.0 + number / 10 for number in range(20)])
    notes = [(number, frame.note) for number, frame in enumerate(frames) if frame.note]
    assert notes == [(10, f"{two_sizes}: the frame format changed from 64x32 to 128x96")]


def test_a_configured_size_stays_when_the_source_changes_its_own(two_sizes: Path, clock: WaitedClock) -> None:
    frames = played(two_sizes, clock, wanted=Wanted(width=80, height=40))
    assert {frame.image.shape for frame in frames} == {(40, 80, 3)}
    assert numbers(frames) == list(range(20))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(
    ("aspect", "width"), [(Fraction(16, 11), 94), (Fraction(2), 128), (Fraction(8, 9), 56), (Fraction(1), 64)]
)
def test_pixels_that_are_not_square_are_made_square_and_this_is_logged(
    clock: WaitedClock, tmp_path: Path, suffix: str, aspect: Fraction, width: int
) -> None:
    path = write_video(tmp_path / f"anamorphic.{suffix}", range(10), pixel_aspect=aspect)
    one = source(path, clock)
    assert one.open() == FrameFormat(width, 32, 10.0)
    frame = one.read()
    assert frame.image.shape == (32, width, 3)
    ratio = f"{aspect.numerator}:{aspect.denominator}"
    expected = f"{path}: pixels are not square ({ratio}); 64x32 is recorded as {width}x32" if aspect != 1 else ""
    assert frame.note == expected
    assert one.read().note == ""
    one.close()


def test_square_pixels_keep_the_proportions_at_a_configured_height(clock: WaitedClock, tmp_path: Path) -> None:
    path = write_video(tmp_path / "anamorphic.mp4", range(3), pixel_aspect=Fraction(2))
    frames = played(path, clock, wanted=Wanted(height=64))
    assert frames[0].image.shape == (64, 256, 3)
    assert numbers(frames) == [0, 1, 2]


def test_pixels_that_change_their_shape_in_mid_stream_are_followed(clock: WaitedClock, tmp_path: Path) -> None:
    square = write_video(tmp_path / "square.ts", range(10))
    wide = write_video(tmp_path / "wide.ts", range(10, 20), pixel_aspect=Fraction(2))
    widths = [frame.image.shape[1] for frame in played(join(tmp_path / "both.ts", [square, wide]), clock)]
    assert (widths[0], widths[-1], sorted(widths) == widths, len(widths)) == (64, 128, True, 20)


@pytest.mark.parametrize(
    ("matrix", "shape", "first_rows_are"),
    [((0, 1, -1, 0), (64, 32, 3), "right"), ((0, -1, 1, 0), (64, 32, 3), "left"), ((-1, 0, 0, -1), (32, 64, 3), "top")],
)
def test_a_phone_held_upright_is_turned(
    clock: WaitedClock, tmp_path: Path, matrix: tuple[int, ...], shape: tuple[int, int, int], first_rows_are: str
) -> None:
    """The number's columns: bit 0 at the left, as stored. Only bit 0 is set in frame 1."""
    data = bytearray(write_video(tmp_path / "film.mp4", [1] * 5).read_bytes())
    at = boxes.find(data, b"moov", b"trak", b"tkhd").payload + 40
    a, b, c, d = (value * 65536 for value in matrix)
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in (a, b, 0, c, d, 0, 0, 0, 1 << 30))
    (tmp_path / "turned.mp4").write_bytes(data)
    image = played(tmp_path / "turned.mp4", clock)[0].image[:, :, 0]
    assert image.shape == shape[:2]
    bright_row, bright_column = image.mean(axis=1).argmax(), image.mean(axis=0).argmax()
    where = {"right": bright_row < 8, "left": bright_row >= 56, "top": bright_column >= 56}
    assert where[first_rows_are]


# -- the scene, and what is no source --------------------------------------------------------------------------------


def test_the_scene_numbers_its_frames_from_the_monotonic_clock(clock: WaitedClock) -> None:
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
def test_what_is_no_source_is_named_before_anything_starts(
    name: str, reason: str, tmp_path: Path, clock: WaitedClock
) -> None:
    with pytest.raises(VideoError, match=reason):
        source(tmp_path / name, clock)


def test_a_file_that_is_no_video_is_named(tmp_path: Path, clock: WaitedClock) -> None:
    (tmp_path / "notes.mp4").write_text("not a video")
    with pytest.raises(VideoError, match=r"notes\.mp4: is not a video"):
        source(tmp_path / "notes.mp4", clock).open()


def test_a_device_that_is_not_there_may_come_later(clock: WaitedClock) -> None:
    one = source("97", clock)
    with pytest.raises(VideoError, match=r"/dev/video97.*plugged in"):
        one.open()

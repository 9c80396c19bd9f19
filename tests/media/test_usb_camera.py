"""H.264 of a USB camera, from a double of the device that FFmpeg would open: no V4L2 device is needed."""

import errno
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from io import BytesIO
from pathlib import Path

import av
import pytest
from av.container import InputContainer

from lapel.errors import VideoError
from lapel.media.coded_sources import CodedLiveSource
from lapel.media.frame_fitting import Wanted
from lapel.media.packet_reader import usb_packets
from lapel.media.v4l2_formats import formats_of
from system.rpicam_vid import h264_frames
from waited_clock import WaitedClock

RATE_FPS, GOP = 10, 5
WANTED = Wanted(64, 32, RATE_FPS)


class H264Camera:
    """A USB camera that has sent `sizes`, a GOP of each, and is then unplugged. Times are the driver's."""

    def __init__(self, begin_s: float, sizes: list[tuple[int, int]]) -> None:
        self._stream = BytesIO(_sent(begin_s, sizes))
        self.requested: tuple[str, str | None, dict[str, str]] | None = None

    def open(self, address: str, kind: str | None, options: dict[str, str]) -> InputContainer:
        self.requested = address, kind, options
        return av.open(self, format="mpegts", options={"probesize": "4000", "fpsprobesize": "0"}, buffer_size=752)

    def read(self, count: int) -> bytes:
        if data := self._stream.read(count):
            return data
        raise av.error.OSError(errno.ENODEV, "No such device")


def _sent(begin_s: float, sizes: list[tuple[int, int]]) -> bytes:
    content = BytesIO()
    with av.open(content, "w", format="mpegts") as container:
        track = container.add_mux_stream("h264", width=64, height=32)
        track.time_base = Fraction(1, 90_000)
        for number, data in enumerate(_frames(sizes)):
            packet = av.Packet(data)
            packet.pts = packet.dts = round((begin_s + number / RATE_FPS) * 90_000)
            packet.time_base, packet.stream, packet.is_keyframe = track.time_base, track, number % GOP == 0
            container.mux(packet)
    return content.getvalue()


def _frames(sizes: list[tuple[int, int]]) -> Iterator[bytes]:
    for width, height in sizes:
        frames = h264_frames(width, height, GOP)
        yield from (next(frames) for _ in range(GOP))


def source(camera: H264Camera, clock: WaitedClock) -> CodedLiveSource:
    opened = partial(usb_packets, "/dev/video2", WANTED, opener=camera.open, list_formats=lambda _: ["MJPG", "H264"])
    return CodedLiveSource("/dev/video2", opened, clock, has_driver_times=True)


def test_its_h264_is_requested_and_delivered_as_it_is_at_the_drivers_times() -> None:
    clock = WaitedClock()
    camera = H264Camera(clock.mono_s(), [(64, 32), (64, 32)])
    one = source(camera, clock)
    form = one.open()
    assert (form.width, form.height) == (64, 32)
    assert camera.requested == (
        "/dev/video2", "v4l2", {"input_format": "h264", "video_size": "64x32", "framerate": "10"}
    )  # fmt: skip
    clock.wait(1.2)  # a late reader gets old frames
    frames = [one.read() for _ in range(8)]
    assert [frame.captured.mono_s - 100 for frame in frames] == pytest.approx([n / 10 for n in range(8)], abs=0.001)
    assert [frame.is_keyframe for frame in frames] == [n % GOP == 0 for n in range(8)]
    sent = list(_frames([(64, 32), (64, 32)]))
    assert all(frame.data.endswith(whole) for frame, whole in zip(frames, sent, strict=False))
    one.close()


def test_a_stall_is_an_error_with_its_reason_once_frames_come_again_without_a_keyframe() -> None:
    clock = WaitedClock()
    one = source(H264Camera(clock.mono_s(), [(64, 32)] * 2), clock)
    one.open()
    one.read()
    clock.wait(60)
    with pytest.raises(VideoError, match="/dev/video2: sent no keyframe for 10 s"):
        one.read()


def test_a_drivers_times_on_another_clock_do_not_count() -> None:
    clock = WaitedClock()
    one = source(H264Camera(5_000.0, [(64, 32)] * 2), clock)
    one.open()
    assert one.read().captured.mono_s == clock.mono_s()


def test_other_frames_while_it_runs_have_their_own_size() -> None:
    clock = WaitedClock()
    one = source(H264Camera(clock.mono_s(), [(64, 32), (128, 64), (64, 32)]), clock)
    one.open()
    assert [one.read().size for _ in range(12)] == [(64, 32)] * 5 + [(128, 64)] * 5 + [(64, 32)] * 2


def test_one_that_is_unplugged_is_reported_and_can_be_opened_again() -> None:
    clock = WaitedClock()
    one = source(H264Camera(clock.mono_s(), [(64, 32)]), clock)
    one.open()
    with pytest.raises(VideoError, match="/dev/video2: delivers no frames"):
        read_on(one)
    with pytest.raises(VideoError, match="is not open"):
        one.read()


def read_on(one: CodedLiveSource) -> None:
    while True:
        one.read()


def test_one_without_h264_is_refused_with_the_formats_that_it_has() -> None:
    with pytest.raises(VideoError, match=r'/dev/video0: has no H.264, only MJPG, YUYV,.* codec = "auto", or name'):
        usb_packets("/dev/video0", WANTED, list_formats=lambda _: ["MJPG", "YUYV"])


def test_one_that_another_program_uses_is_named() -> None:
    def busy(address: str, kind: str | None, options: dict[str, str]) -> InputContainer:
        raise av.error.OSError(errno.EBUSY, "Device or resource busy")

    with pytest.raises(VideoError, match=r"/dev/video0: cannot be opened: .*busy; is it plugged in.*another program"):
        usb_packets("/dev/video0", WANTED, opener=busy, list_formats=lambda _: ["H264"])


def test_the_kernel_lists_a_cameras_formats(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch()
    assert formats_of(str(device), answering(b"MJPG", b"H264", b"Y16 ")) == ["MJPG", "H264", "Y16"]
    assert formats_of(str(device)) == [], "a file is no camera"
    assert formats_of(str(tmp_path / "video1")) == []


def answering(*codes: bytes) -> Callable[[int, int, bytes], bytes]:
    """VIDIOC_ENUM_FMT of a driver: bytes 44 to 48 of the description are the format's code."""

    def ioctl(_: int, request: int, description: bytes) -> bytes:
        assert (request, len(description)) == (0xC0405602, 64)
        (index,) = struct.unpack_from("=I", description)
        if index >= len(codes):
            raise OSError(errno.EINVAL, "Invalid argument")
        return description[:44] + codes[index] + description[48:]

    return ioctl

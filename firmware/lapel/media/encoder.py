"""Encodes frames into fragments. Synchronous; belongs to the thread that calls it.

Only `Encoder` decides where keyframes are: each GOP begins with a forced one, and ends when it has lasted `gop_s`, when
it is cut, when frames were missing, or when their size changes.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import cv2
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from lapel.clock import Instant
from lapel.errors import VideoError
from lapel.fragment import TICKS_PER_S, Fragment
from lapel.hardware.interfaces import Frame, Image
from lapel.media.gop import EncodedSound, GopBuilder
from lapel.media.mux import TIME_BASE

_TICK_S = 1 / TICKS_PER_S


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How to encode. A `bitrate_bps` of 8,000,000 at 1080p30 is what body-worn cameras use."""

    rate_fps: float = 30.0
    bitrate_bps: int = 8_000_000
    gop_s: float = 1.0
    codec: str = "auto"
    """`auto`, `libx264` or `h264_v4l2m2m`."""
    preset: str = "superfast"
    """libx264's: `ultrafast` costs two thirds of the time and more bits."""
    threads: int = 0
    """libx264's; 0: as many as it likes. With 1 the same frames always become the same bytes."""


class Encoder:
    """Encodes one camera's frames, on one time line from the first frame to the last, whatever their size."""

    forces_keyframes = True
    """Whether a GOP can be closed at any moment."""

    def __init__(self, settings: EncoderSettings, sound: EncodedSound | None = None) -> None:
        """`sound` goes into the fragments, beside the video of its time."""
        self._settings = settings
        self._gops = GopBuilder(settings.rate_fps, sound)
        self._codec: VideoCodecContext | None = None
        self.codec_name = ""
        """The encoder in use; empty until the first frame came."""
        self.fallback: str | None = None
        """Why it is not the hardware encoder, where that was configured."""

    def encode(self, frame: Frame) -> Fragment | None:
        """Encode a frame. Returns the fragment that it closes by beginning the next, None while the GOP continues.

        A frame that is not later than the one before it is counted as dropped.
        """
        self._gops.drop(frame.dropped_before)
        ticks = self._gops.ticks(frame.captured)
        if ticks <= self._gops.last_ticks:
            self._gops.drop(1)
            return None
        planes = _planes(frame)
        closed = self._close_before(ticks, planes)
        self._put(frame.captured, ticks, planes)
        return closed

    def cut(self) -> Fragment | None:
        """Close the open GOP now; the next frame begins a new one. None when no GOP is open."""
        return self._gops.close()

    def missed(self, reason: str) -> None:
        """Set the reason for a gap, in case the next frame shows that there is one."""
        self._gops.missed(reason)

    def _close_before(self, ticks: int, planes: Image) -> Fragment | None:
        """Close the open GOP if the frame at `ticks` cannot be part of it."""
        resized = self._codec is not None and (self._codec.width, self._codec.height) != _size(planes)
        closed = None
        if self._gops.is_gap(ticks):
            closed = self._gops.close_at_gap(ticks)
        elif self._gops.is_open and (resized or self._gops.length_s(ticks) >= self._settings.gop_s - _TICK_S):
            closed = self._gops.close(ticks)
        if resized:
            self._codec = None
        return closed

    def _put(self, captured: Instant, ticks: int, planes: Image) -> None:
        codec = self._codec or self._opened(planes)
        frame = av.VideoFrame.from_numpy_buffer(planes, format="yuv420p")  # not copied: encoders copy what they take
        frame.pts, frame.time_base = ticks, TIME_BASE
        if not self._gops.is_open:
            frame.pict_type = PictureType.I
            self._gops.begin(captured, _size(planes))
        self._gops.took(ticks)
        for packet in codec.encode(frame):
            self._gops.add(bytes(packet), ticks, is_keyframe=packet.is_keyframe)

    def _opened(self, planes: Image) -> VideoCodecContext:
        self._codec, self.codec_name, self.fallback = open_codec(self._settings, *_size(planes))
        return self._codec


def open_codec(settings: EncoderSettings, width: int, height: int) -> tuple[VideoCodecContext, str, str | None]:
    """(codec, its name, why it is not the hardware encoder). Raises VideoError when nothing can encode this size.

    `h264_v4l2m2m` is used only after it has encoded a frame: on many machines it is listed and does not work.
    """
    fallback = None
    if settings.codec in ("auto", "h264_v4l2m2m"):
        try:
            _try_out(_context("h264_v4l2m2m", settings, width, height))
            return _context("h264_v4l2m2m", settings, width, height), "h264_v4l2m2m", None
        except (av.FFmpegError, ValueError) as error:
            fallback = f"h264_v4l2m2m does not work here: {error}"
    try:
        codec = _context("libx264", settings, width, height)
        codec.open()
    except (av.FFmpegError, ValueError) as error:
        raise VideoError(f"cannot encode {width}x{height} frames: {error}") from error
    return codec, "libx264", fallback


def _try_out(codec: VideoCodecContext) -> None:
    blank = av.VideoFrame(codec.width, codec.height, "yuv420p")
    blank.pts, blank.time_base = 0, TIME_BASE
    if not [*codec.encode(blank), *codec.encode(None)]:
        raise ValueError("it returned nothing")


def _context(name: str, settings: EncoderSettings, width: int, height: int) -> VideoCodecContext:
    codec = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.framerate = TIME_BASE, Fraction(settings.rate_fps).limit_denominator(1001)
    codec.bit_rate = settings.bitrate_bps
    codec.max_b_frames = 0
    codec.gop_size = 100_000  # only forced keyframes
    if name == "libx264":
        rate = str(settings.bitrate_bps)
        codec.options = {
            "preset": settings.preset,
            "tune": "zerolatency",
            "forced-idr": "1",
            "maxrate": rate,
            "bufsize": rate,
            "x264-params": "scenecut=0:repeat-headers=1",
        }
        codec.thread_count = settings.threads
    return codec


def _planes(frame: Frame) -> Image:
    """The frame as encoders take it."""
    if frame.layout == "i420":
        return frame.image
    return cast(Image, cv2.cvtColor(_even(frame.image), cv2.COLOR_BGR2YUV_I420))


def _size(planes: Image) -> tuple[int, int]:
    """(width, height) of a frame in planes."""
    rows, width = planes.shape
    return width, rows * 2 // 3


def _even(image: Image) -> Image:
    """The image without its last row or column where the size is odd, which 4:2:0 cannot encode."""
    height, width = image.shape[:2]
    return image if height % 2 == width % 2 == 0 else image[: height & ~1, : width & ~1].copy()

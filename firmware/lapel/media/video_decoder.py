"""Decodes a video file or stream with PyAV: each frame with its own time, its own size and the shape of its pixels.

Not with OpenCV, which plays a file at its average rate, scales every frame to the size of the first one, and ignores
the shape of the pixels. The cost is the same (60 frames of 1080p on x86: OpenCV 0.24 to 0.31 s of CPU, PyAV 0.30 to
0.32).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import cv2
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from lapel.errors import VideoError
from lapel.hardware.interfaces import Image

LONGEST_STILL_S = 60.0
"""Frames whose time stamps are further apart than this do not follow one another: the time stamps were reset."""
_TIMEOUT_S = 5.0  # to open, and again for each read; only network sources ever wait that long
_DEFAULT_RATE_FPS = 30.0
_PIXEL_SHAPES = (Fraction(1, 4), Fraction(4))  # a pixel narrower or wider than these is an error in the file
_ROTATIONS = {-90: cv2.ROTATE_90_CLOCKWISE, 90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180}
_SQUARE = Fraction(1)


@dataclass(frozen=True, slots=True)
class FrameShape:
    """How a frame is stored: its size in pixels, width to height of a pixel, and by how much to turn it."""

    width: int
    height: int
    pixel_aspect: Fraction = _SQUARE
    rotation: int = 0
    """Degrees counterclockwise, as `av.VideoFrame.rotation`."""

    @property
    def upright(self) -> tuple[int, int]:
        """(width, height) with square pixels, the right way up. The number of rows stays, so that none is lost."""
        width = self.width
        if self.pixel_aspect != _SQUARE:
            width = max(2, round(self.width * self.pixel_aspect / 2) * 2)
        return (self.height, width) if self.rotation in (-90, 90) else (width, self.height)


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame and its time, in seconds since the first one."""

    start_s: float
    end_s: float
    shape: FrameShape
    _frame: VideoFrame

    def image(self) -> Image:
        """The frame as blue-green-red bytes, the right way up. Its pixels may still not be square."""
        image = cast(Image, self._frame.to_ndarray(format="bgr24"))
        turn = _ROTATIONS.get(self.shape.rotation)
        return image if turn is None else cast(Image, cv2.rotate(image, turn))


class VideoDecoder:
    """An open file or stream. Belongs to one thread."""

    def __init__(
        self, address: str, *, is_live: bool, on_sound: Callable[[AudioFrame, float], None] | None = None
    ) -> None:
        """`address` as FFmpeg takes it. `is_live`: deliver each frame as soon as it came, at the cost of speed.
        `on_sound` is called by `read` with sound that came meanwhile, and its time in seconds since the first frame.

        Raises VideoError, without a name, when it cannot be opened or holds no video.
        """
        options = {"rtsp_transport": "tcp"} if address.startswith("rtsp") else {}
        try:
            self._container = av.open(address, options=options, timeout=(_TIMEOUT_S, _TIMEOUT_S))
        except (av.FFmpegError, ValueError, UnicodeError) as error:
            raise VideoError(str(error)) from error
        streams = self._container.streams.video
        if not streams or not streams[0].codec_context.width:
            self._container.close()
            raise VideoError("holds no video")
        self._stream: VideoStream = streams[0]
        self._on_sound = on_sound
        self.has_sound = bool(self._container.streams.audio)
        """Whether there is a sound track."""
        self._stream.thread_type = "SLICE" if is_live else "AUTO"
        self.rate_fps = _rate_fps(self._stream)
        """Frames per second, on average."""
        codec = self._stream.codec_context
        self._first_codec_aspect = codec.sample_aspect_ratio
        self._aspect = _plausible(self._stream.sample_aspect_ratio)
        self._clock = _MediaClock(1 / self.rate_fps)
        self._frames = self._decode()

    def read(self) -> DecodedFrame | None:
        """The next frame; None at the end, also where the rest cannot be read."""
        frame = next(self._frames, None)
        if frame is None:
            return None
        start_s, end_s = self._clock.times(frame)
        return DecodedFrame(start_s, end_s, self._shape(frame), frame)

    @property
    def origin_s(self) -> float:
        """The file's own time at which frames have the time 0."""
        return self._clock.origin_s or 0.0

    def close(self) -> None:
        """Close the file or connection."""
        self._frames.close()
        self._container.close()

    def _decode(self) -> Generator[VideoFrame]:
        try:
            for packet in self._container.demux(*self._streams()):
                try:
                    for frame in packet.decode():
                        if isinstance(frame, AudioFrame):
                            self._report_sound(frame)
                        elif isinstance(frame, VideoFrame):
                            yield frame
                except av.FFmpegError:
                    continue  # a damaged packet costs its own frames
        except av.FFmpegError:
            return

    def _streams(self) -> list[VideoStream | AudioStream]:
        return [self._stream, *self._container.streams.audio[:1]] if self._on_sound else [self._stream]

    def _report_sound(self, frame: AudioFrame) -> None:
        if self._on_sound is not None and self._clock.origin_s is not None and frame.time is not None:
            self._on_sound(frame, float(frame.time) - self._clock.origin_s)

    def _shape(self, frame: VideoFrame) -> FrameShape:
        codec = self._stream.codec_context
        in_step = (codec.width, codec.height) == (frame.width, frame.height)  # else it is ahead, at a later frame
        if in_step and codec.sample_aspect_ratio != self._first_codec_aspect:
            self._first_codec_aspect = codec.sample_aspect_ratio
            self._aspect = _plausible(codec.sample_aspect_ratio)
        rotation = 180 if abs(frame.rotation) == 180 else frame.rotation
        return FrameShape(frame.width, frame.height, self._aspect, rotation)


class _MediaClock:
    """Turns time stamps into seconds since the first frame that only ever grow."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self.origin_s: float | None = None
        self._start_s = self._end_s = 0.0

    def times(self, frame: VideoFrame) -> tuple[float, float]:
        """(start, end) of a frame. One without a usable time stamp follows its predecessor."""
        own_s = None if frame.time is None else float(frame.time)
        if own_s is None:
            start_s = self._end_s
        elif self.origin_s is None:
            self.origin_s = own_s
            start_s = 0.0
        else:
            start_s = own_s - self.origin_s
            if not 0 < start_s - self._start_s <= LONGEST_STILL_S:
                start_s = self._end_s
                self.origin_s = own_s - start_s
        self._start_s, self._end_s = start_s, start_s + self._duration_s(frame)
        return self._start_s, self._end_s

    def _duration_s(self, frame: VideoFrame) -> float:
        own_s = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0
        return own_s if 0 < own_s <= LONGEST_STILL_S else self._period_s


def _rate_fps(stream: VideoStream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 0.5 <= rate <= 240:
            return float(rate)
    return _DEFAULT_RATE_FPS


def _plausible(aspect: Fraction | None) -> Fraction:
    narrowest, widest = _PIXEL_SHAPES
    return aspect if aspect and narrowest <= aspect <= widest else _SQUARE

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
from lapel.fragment import TICKS_PER_S, Fragment, Gap
from lapel.hardware.interfaces import Frame, Image
from lapel.media.fragment_sound import FragmentSound, fragment_sound, silence
from lapel.media.mux import TIME_BASE, EncodedFrame, mux
from lapel.media.sound_track import SoundTrack

_SOUND_PATIENCE_S = 0.15
"""How long a fragment waits for the sound of its last moment, which comes through a sound card's buffer."""
GAP_S = 0.5
"""Frames further apart than this (and than three frame periods) are recorded as a gap; less is jitter."""


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

    def __init__(self, settings: EncoderSettings, sound: SoundTrack | None = None) -> None:
        """`sound` goes into the fragments, beside the video of its time."""
        self._settings, self._sound = settings, sound
        self._silence = silence(sound.format) if sound is not None else b""
        self._nominal_ticks = round(TICKS_PER_S / settings.rate_fps)
        self._codec: VideoCodecContext | None = None
        self.codec_name = ""
        """The encoder in use; empty until the first frame came."""
        self.fallback: str | None = None
        """Why it is not the hardware encoder, where that was configured."""
        self._epoch: Instant | None = None
        self._last_ticks = -1
        self._header = b""
        self._number = 0
        self._open: list[EncodedFrame] = []
        self._open_since: Instant | None = None
        self._gap: Gap | None = None
        self._gap_reason: str | None = None
        self._dropped = self._open_dropped = 0

    def encode(self, frame: Frame) -> Fragment | None:
        """Encode a frame. Returns the fragment that it closes by beginning the next, None while the GOP continues.

        A frame that is not later than the one before it is counted as dropped.
        """
        self._dropped += frame.dropped_before
        ticks = self._ticks(frame.captured)
        if ticks <= self._last_ticks:
            self._dropped += 1
            return None
        planes = _planes(frame)
        closed = self._close_before(ticks, planes)
        self._put(frame.captured, ticks, planes)
        return closed

    def cut(self) -> Fragment | None:
        """Close the open GOP now; the next frame begins a new one. None when no GOP is open."""
        return self._close(self._last_ticks + self._nominal_ticks)

    def missed(self, reason: str) -> None:
        """Set the reason for a gap, in case the next frame shows that there is one."""
        self._gap_reason = reason

    def _ticks(self, captured: Instant) -> int:
        self._epoch = self._epoch or captured
        return round((captured.mono_s - self._epoch.mono_s) * TICKS_PER_S)

    def _close_before(self, ticks: int, planes: Image) -> Fragment | None:
        """Close the open GOP if the frame at `ticks` cannot be part of it."""
        resized = self._codec is not None and (self._codec.width, self._codec.height) != _size(planes)
        silence = ticks - self._last_ticks - self._nominal_ticks
        closed = None
        if self._last_ticks >= 0 and silence > max(GAP_S * TICKS_PER_S, 2 * self._nominal_ticks):
            closed = self.cut()
            self._gap = Gap(silence / TICKS_PER_S, self._gap_reason or "frames were dropped")
        elif self._open and (resized or ticks - self._open[0].ticks >= self._settings.gop_s * TICKS_PER_S - 1):
            closed = self._close(ticks)
        self._gap_reason = None
        if resized:
            self._codec = None
        return closed

    def _put(self, captured: Instant, ticks: int, planes: Image) -> None:
        codec = self._codec or self._opened(planes)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = ticks, TIME_BASE
        if not self._open:
            frame.pict_type = PictureType.I
            self._open_since = captured
            self._open_dropped, self._dropped = self._dropped, 0
        else:
            self._open_dropped, self._dropped = self._open_dropped + self._dropped, 0
        for packet in codec.encode(frame):
            self._open.append(EncodedFrame(bytes(packet), ticks, 0, packet.is_keyframe))
        self._last_ticks = ticks

    def _close(self, end_ticks: int) -> Fragment | None:
        if not self._open or self._open_since is None or self._codec is None:
            return None
        self._number += 1
        start_ticks = self._open[0].ticks
        form = self._sound.format if self._sound is not None else None
        header, body = mux(_timed(self._open, end_ticks), self._codec.width, self._codec.height, self._number, form)
        sound = self._sound_between(start_ticks, end_ticks)
        if header != self._header:
            self._header = header
        fragment = Fragment(
            number=self._number,
            start=self._open_since,
            start_ticks=start_ticks,
            duration_ticks=end_ticks - start_ticks,
            frames=len(self._open),
            header=self._header,
            body=body,
            gap_before=self._gap,
            dropped_frames=self._open_dropped,
            sound=sound.inside,
            silence=self._silence,
            sound_before=sound.before if self._gap is not None else b"",
            sound_spans=sound.spans,
            sound_lost=sound.lost,
        )
        self._open, self._gap = [], None
        return fragment

    def _sound_between(self, start_ticks: int, end_ticks: int) -> FragmentSound:
        if self._sound is None or self._epoch is None:
            return FragmentSound()
        epoch_s = self._epoch.mono_s
        until = self._sound.number_at(epoch_s + end_ticks / TICKS_PER_S)
        frames = self._sound.take(until, _SOUND_PATIENCE_S)
        return fragment_sound(
            frames, self._sound.format.rate_hz, self._sound.number_at(epoch_s), start_ticks, self._sound.status.lost
        )

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


def _timed(frames: list[EncodedFrame], end_ticks: int) -> list[EncodedFrame]:
    """Give each frame its duration: until the next one, the last until `end_ticks`."""
    ends = [frame.ticks for frame in frames[1:]] + [end_ticks]
    return [
        EncodedFrame(frame.data, frame.ticks, end - frame.ticks, frame.is_keyframe)
        for frame, end in zip(frames, ends, strict=True)
    ]


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

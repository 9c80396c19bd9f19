"""Where pictures come from: a device, a file, an address, or a drawn scene. Each is a FrameSource.

A source is opened, read and closed in one thread; who drives it, and what happens when it stalls, is `footage.py`.
"""

import os

# OpenCV reads these when it is imported: a V4L2 read waits 10 s otherwise, and FFmpeg talks on the user's terminal.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2

from lapel.clock import Clock, Instant
from lapel.errors import VideoEnded, VideoError
from lapel.hardware.interfaces import Frame, FrameFormat, FrameSource, Image
from lapel.media.scene import Scene

DEFAULT_FORMAT = FrameFormat(1920, 1080, 30.0)
LATE_S = 0.5
"""A file or a scene whose reader is later than this skips pictures, and counts them."""
_LIMITS = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 5000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 5000]
_OLDEST_S = 10.0  # a V4L2 time stamp older than this is on another clock


@dataclass(frozen=True, slots=True)
class Wanted:
    """The picture format that was configured; None follows the source."""

    width: int | None = None
    height: int | None = None
    rate_fps: float | None = None

    def over(self, own: FrameFormat) -> FrameFormat:
        """The source's own format, with what was asked for put in its place. One side alone keeps the shape."""
        width, height = self.width, self.height
        if width is None and height is not None:
            width = round(own.width * height / own.height / 2) * 2
        elif height is None and width is not None:
            height = round(own.height * width / own.width / 2) * 2
        return FrameFormat(width or own.width, height or own.height, self.rate_fps or own.rate_fps)


def open_source(
    spec: str, clock: Clock, *, wait: Callable[[float], object], wanted: Wanted, loop: bool, camera: str
) -> FrameSource:
    """The source that `spec` names. Raises VideoError when it names none; devices may be plugged in later.

    `wait(seconds)` blocks the capture thread; a scene and a file keep their pace with it.
    """
    if spec == "scene":
        return SceneSource(wanted.over(DEFAULT_FORMAT), camera, clock, wait)
    if device := _device(spec):
        return DeviceSource(device, clock, wanted)
    if re.match(r"https?://.*\.(mp4|mov|mkv|avi|webm)$", spec):  # a file after all: it would come as fast as it can
        return FileSource(spec, spec, clock, wait, wanted, loop=loop)
    if re.match(r"(https?|rtsps?)://", spec):
        return UrlSource(spec, clock, wanted)
    path = Path(spec)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise VideoError(f"{spec}: {what}; give a video file, a device such as /dev/video0, an address, or `scene`")
    # `file:` keeps FFmpeg from taking a colon in the name for a protocol.
    return FileSource(spec, f"file:{spec}", clock, wait, wanted, loop=loop)


def _device(spec: str) -> str | None:
    if spec.isdecimal():
        return f"/dev/video{spec}"
    return spec if re.fullmatch(r"/dev/video\d+", spec) or spec.startswith("/dev/v4l/") else None


class _Pace:
    """Ideal capture times of something that is drawn or played: picture n is captured n periods after the start."""

    def __init__(self, rate_fps: float, first: int, start_s: float, clock: Clock, wait: Callable[[float], object]):
        self._rate, self._first, self._start_s, self._clock, self._wait = rate_fps, first, start_s, clock, wait
        self._next = first

    def turn(self) -> tuple[int, Instant, int]:
        """Wait for the next picture: (its number, when it is captured, how many were skipped before it)."""
        late_s = self._clock.mono_s() - self._due_s(self._next)
        skipped = int(late_s * self._rate) if late_s > LATE_S else 0
        number = self._next + skipped
        self._next = number + 1
        due_s = self._due_s(number)
        while (early_s := due_s - self._clock.mono_s()) > 0:
            self._wait(early_s)
        now = self._clock.now()  # read anew each time: the wall clock may have been corrected since we began
        return number, now.shifted(due_s - now.mono_s), skipped

    def _due_s(self, number: int) -> float:
        return self._start_s + (number - self._first) / self._rate


class SceneSource:
    """A drawn street. Numbers its pictures from the monotonic clock: number = monotonic seconds x rate."""

    name = "scene"

    def __init__(self, form: FrameFormat, camera: str, clock: Clock, wait: Callable[[float], object]) -> None:
        self._format, self._clock, self._wait = form, clock, wait
        self._scene = Scene(form.width, form.height, camera)
        self._pace: _Pace | None = None

    def open(self) -> FrameFormat:
        """Begin at the next whole picture of the monotonic clock."""
        rate = self._format.rate_fps
        first = int(self._clock.mono_s() * rate) + 1
        self._pace = _Pace(rate, first, first / rate, self._clock, self._wait)
        return self._format

    def read(self) -> Frame:
        """Wait for the picture's time, then draw it."""
        if self._pace is None:
            raise VideoError("scene: is not open")
        number, captured, skipped = self._pace.turn()
        return Frame(captured, self._scene.draw(number, captured.mono_s, captured.utc), skipped)

    def close(self) -> None:
        """Nothing to let go of."""
        self._pace = None


class FileSource:
    """A video file, played in real time at its own speed. Looped, its joint is no gap: the next picture is on time.

    Asked for another rate, it leaves pictures out or shows them twice; the speed stays its own.
    """

    def __init__(
        self,
        name: str,
        address: str,
        clock: Clock,
        wait: Callable[[float], object],
        wanted: Wanted,
        *,
        loop: bool,
    ) -> None:
        """`address` is `name` as FFmpeg takes it."""
        self.name, self._address = name, address
        self._clock, self._wait, self._wanted, self._loop = clock, wait, wanted, loop
        self._video: cv2.VideoCapture | None = None
        self._pace: _Pace | None = None
        self._format = self._own = DEFAULT_FORMAT
        self._image: Image | None = None
        self._played = 0

    def open(self) -> FrameFormat:
        """Open the file. Raises VideoError when it is no video that FFmpeg can read."""
        self.close()
        self._video, self._own = self._opened()
        self._format = self._wanted.over(self._own)
        self._pace = _Pace(self._format.rate_fps, 0, self._clock.mono_s(), self._clock, self._wait)
        self._played = 0
        return self._format

    def read(self) -> Frame:
        """The next picture at its time. Raises VideoEnded at the end, unless it loops."""
        if self._pace is None:
            raise VideoError(f"{self.name}: is not open")
        number, captured, skipped = self._pace.turn()
        wanted = int(number * self._own.rate_fps / self._format.rate_fps + 1e-6)
        while self._played <= wanted:
            self._image = self._next()
        assert self._image is not None, "the first picture was read"
        return Frame(captured, _scaled(self._image, self._format), skipped)

    def _next(self) -> Image:
        there, image = self._video.read() if self._video else (False, None)
        if not there and self._played and self._loop:
            self._rewind()
            there, image = self._video.read() if self._video else (False, None)
        if not there:
            self.close()
            if not self._played:
                raise VideoError(f"{self.name}: holds no picture that can be decoded; try `ffprobe` on it")
            raise VideoEnded(f"{self.name}: has ended after {self._played} pictures; --loop plays it again and again")
        self._played += 1
        return cast(Image, image)

    def _rewind(self) -> None:
        """Open it anew: streams such as .ts and raw .h264 cannot be wound back."""
        if self._video is not None:
            self._video.release()
        self._video, _ = self._opened()

    def _opened(self) -> tuple[cv2.VideoCapture, FrameFormat]:
        video = cv2.VideoCapture(self._address, cv2.CAP_FFMPEG, _LIMITS)
        own = _own_format(video)
        if not video.isOpened() or own is None:
            video.release()
            raise VideoError(f"{self.name}: is not a video that can be read; try `ffprobe` on it")
        return video, own

    def close(self) -> None:
        """Close the file."""
        if self._video is not None:
            self._video.release()
        self._video = self._pace = self._image = None


class _LiveSource:
    """What delivers pictures in its own time, through OpenCV: each is captured when it is read."""

    def __init__(self, name: str, clock: Clock, wanted: Wanted) -> None:
        self.name = name
        self._clock, self._wanted = clock, wanted
        self._video: cv2.VideoCapture | None = None
        self._format = DEFAULT_FORMAT

    def open(self) -> FrameFormat:
        """Open it. Raises VideoError when it is not there or delivers nothing."""
        self.close()
        self._video = self._opened()
        own = _own_format(self._video)
        if not self._video.isOpened() or own is None:
            self.close()
            raise VideoError(f"{self.name}: {self._hint()}")
        self._format = self._wanted.over(own)
        return self._format

    def read(self) -> Frame:
        """The next picture. Raises VideoError when none comes."""
        if self._video is None:
            raise VideoError(f"{self.name}: is not open")
        there, image = self._video.read()
        if not there or image is None:
            raise VideoError(f"{self.name}: delivers no pictures")
        return Frame(self._captured(self._video), _scaled(cast(Image, image), self._format))

    def close(self) -> None:
        """Let go of it."""
        if self._video is not None:
            self._video.release()
        self._video = None

    def _captured(self, _: cv2.VideoCapture) -> Instant:
        """When the picture just read was captured."""
        return self._clock.now()

    def _opened(self) -> cv2.VideoCapture:
        raise NotImplementedError

    def _hint(self) -> str:
        raise NotImplementedError


class DeviceSource(_LiveSource):
    """A V4L2 camera. Asks it for MJPEG, the only way that USB cameras reach 1080p30."""

    def _opened(self) -> cv2.VideoCapture:
        form = self._wanted.over(DEFAULT_FORMAT)
        video = cv2.VideoCapture(self.name, cv2.CAP_V4L2)
        video.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        video.set(cv2.CAP_PROP_FRAME_WIDTH, form.width)
        video.set(cv2.CAP_PROP_FRAME_HEIGHT, form.height)
        video.set(cv2.CAP_PROP_FPS, form.rate_fps)
        video.set(cv2.CAP_PROP_BUFFERSIZE, 2)  # a late reader must not see old pictures
        return video

    def _captured(self, video: cv2.VideoCapture) -> Instant:
        """The driver's own time stamp, where it is on our monotonic line: a late reader gets old pictures."""
        now = self._clock.now()
        age_s = now.mono_s - video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return now.shifted(-age_s) if 0 <= age_s <= _OLDEST_S else now

    def _hint(self) -> str:
        return "cannot be opened as a camera; is it plugged in, and may this user read it (group `video`)?"


class UrlSource(_LiveSource):
    """An HTTP or RTSP stream."""

    def _opened(self) -> cv2.VideoCapture:
        return cv2.VideoCapture(self.name, cv2.CAP_FFMPEG, _LIMITS)

    def _hint(self) -> str:
        return "cannot be opened; is the address right and the server up?"


def _own_format(video: cv2.VideoCapture) -> FrameFormat | None:
    width, height = round(video.get(cv2.CAP_PROP_FRAME_WIDTH)), round(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    rate = video.get(cv2.CAP_PROP_FPS)
    if not width or not height:
        return None
    return FrameFormat(width, height, rate if 0.5 <= rate <= 240 else DEFAULT_FORMAT.rate_fps)


def _scaled(image: Image, form: FrameFormat) -> Image:
    if image.shape[:2] == (form.height, form.width):
        return image
    return cast(Image, cv2.resize(image, (form.width, form.height), interpolation=cv2.INTER_AREA))

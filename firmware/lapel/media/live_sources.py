"""Video sources that deliver in their own time: V4L2 cameras and network streams."""

from typing import cast

import cv2

from lapel.clock import Clock, Instant
from lapel.credentials import without_credentials
from lapel.errors import VideoError
from lapel.hardware.interfaces import Frame, FrameFormat, Image
from lapel.media.aac import SoundFormat
from lapel.media.frame_fitting import DEFAULT_FORMAT, FrameFitter, Wanted, scaled
from lapel.media.stream_sound import StreamSound
from lapel.media.video_decoder import DecodedFrame, VideoDecoder

_OLDEST_S = 10.0  # a V4L2 time stamp older than this is on another clock


class DeviceSource:
    """A V4L2 camera. It is set to MJPEG, the only format in which USB cameras reach 1080p30."""

    def __init__(self, name: str, clock: Clock, wanted: Wanted) -> None:
        self.name = name
        self._clock, self._wanted = clock, wanted
        self._video: cv2.VideoCapture | None = None
        self._format = DEFAULT_FORMAT

    def open(self) -> FrameFormat:
        """Open the camera. Raises VideoError when it is not there or delivers nothing."""
        self.close()
        self._video = self._opened()
        own = _own_format(self._video)
        if not self._video.isOpened() or own is None:
            self.close()
            raise VideoError(
                f"{self.name}: cannot be opened as a camera; is it plugged in, and may this user read it "
                "(group `video`)?"
            )
        self._format = self._wanted.over(own)
        return self._format

    def read(self) -> Frame:
        """The next frame. Raises VideoError when none comes."""
        if self._video is None:
            raise VideoError(f"{self.name}: is not open")
        is_there, image = self._video.read()
        if not is_there or image is None:
            raise VideoError(f"{self.name}: delivers no frames")
        return Frame(self._captured(self._video), scaled(cast(Image, image), self._format))

    def close(self) -> None:
        """Close the camera. Harmless when closed."""
        if self._video is not None:
            self._video.release()
        self._video = None

    def _opened(self) -> cv2.VideoCapture:
        form = self._wanted.over(DEFAULT_FORMAT)
        video = cv2.VideoCapture(self.name, cv2.CAP_V4L2)
        video.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        video.set(cv2.CAP_PROP_FRAME_WIDTH, form.width)
        video.set(cv2.CAP_PROP_FRAME_HEIGHT, form.height)
        video.set(cv2.CAP_PROP_FPS, form.rate_fps)
        video.set(cv2.CAP_PROP_BUFFERSIZE, 2)  # a late reader must not see old frames
        return video

    def _captured(self, video: cv2.VideoCapture) -> Instant:
        """The driver's own time stamp, where it is on our monotonic clock: a late reader gets old frames."""
        now = self._clock.now()
        age_s = now.mono_s - video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return now.shifted(-age_s) if 0 <= age_s <= _OLDEST_S else now


class UrlSource:
    """An HTTP or RTSP stream. A camera at its other end may change its frame size while it streams."""

    def __init__(self, address: str, clock: Clock, wanted: Wanted) -> None:
        self.name = without_credentials(address)
        self._address, self._clock, self._wanted = address, clock, wanted
        self._decoder: VideoDecoder | None = None
        self._fitter = FrameFitter(self.name, wanted, DEFAULT_FORMAT.rate_fps)
        self._first: DecodedFrame | None = None
        self._sound: StreamSound | None = None

    def sound(self, form: SoundFormat) -> StreamSound:
        """Its sound track, if it turns out to have one. Call it before `open`."""
        self._sound = StreamSound(self.name, form)
        return self._sound

    def open(self) -> FrameFormat:
        """Connect and read up to the first frame. Raises VideoError when there is no answer, or no frame."""
        self.close()
        try:
            self._decoder = VideoDecoder(
                self._address, is_live=True, on_sound=self._sound.on_sound if self._sound is not None else None
            )
        except VideoError as error:
            raise VideoError(f"{self.name}: cannot be opened; is the address right and the server up?") from error
        if self._sound is not None:
            self._sound.begin(has_sound=self._decoder.has_sound)
        self._fitter = FrameFitter(self.name, self._wanted, self._decoder.rate_fps)
        self._first = self._next(self._decoder)
        return self._fitter.format(self._first.shape)

    def read(self) -> Frame:
        """The next frame. Raises VideoError when none comes."""
        if self._decoder is None:
            raise VideoError(f"{self.name}: is not open")
        frame, self._first = self._first or self._next(self._decoder), None
        captured = self._clock.now()
        if self._sound is not None:
            self._sound.on_video(frame.start_s, captured.mono_s)
        image, note = self._fitter.fit(frame)
        return Frame(captured, image, note=note)

    def close(self) -> None:
        """Close the connection. Harmless when closed."""
        if self._decoder is not None:
            self._decoder.close()
        self._decoder = self._first = None

    def _next(self, decoder: VideoDecoder) -> DecodedFrame:
        frame = decoder.read()
        if frame is None:
            self.close()
            raise VideoError(f"{self.name}: delivers no frames")
        return frame


def _own_format(video: cv2.VideoCapture) -> FrameFormat | None:
    width, height = round(video.get(cv2.CAP_PROP_FRAME_WIDTH)), round(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    rate = video.get(cv2.CAP_PROP_FPS)
    if not width or not height:
        return None
    return FrameFormat(width, height, rate if 0.5 <= rate <= 240 else DEFAULT_FORMAT.rate_fps)

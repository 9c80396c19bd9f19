"""A Raspberry Pi's camera module, through `rpicam-vid` as a child process.

Not through OpenCV, which cannot open a libcamera camera, nor picamera2, whose numpy clashes with pip's. Frames come
uncompressed on one pipe; the sensor's time of each, relative to the first, on another.
"""

import math
import re
from collections import deque
from collections.abc import Sequence

import numpy as np

from lapel.clock import Clock, Instant
from lapel.errors import VideoError
from lapel.hardware.interfaces import Frame, FrameFormat
from lapel.media.frame_fitting import DEFAULT_FORMAT, Wanted
from lapel.media.video_process import VideoProcess

COMMAND = "rpicam-vid"
HINT = f"install the package `rpicam-apps`, which brings {COMMAND}"
FIRST_S = 10.0
"""Seconds until the first frame: libcamera loads its tuning, and the sensor settles."""
STALL_S = 2.0
_WIDTH_STEP = 64
"""Rows of other widths are padded, differently on a Pi 4 and a Pi 5."""
_TIME_BEHIND_FRAME_S = 0.1
_STEP_S = 0.001
_UNTIMED = 2
"""Frames without a time after which no time is waited for any more."""
_MISALIGNED = 8
"""Frames whose times have come and whose pixels have not: so many fit into no pipe."""


def rpicam_number(spec: str) -> int | None:
    """The number of the camera module that `rpicam` or `rpicam:1` names; None for any other source."""
    found = re.fullmatch(r"rpicam(?::(\d+))?", spec)
    return int(found[1] or 0) if found else None


def common_options(number: int, form: FrameFormat) -> list[str]:
    """The arguments of rpicam-vid for every codec."""
    size = ["--width", str(form.width), "--height", str(form.height), "--framerate", f"{form.rate_fps:g}"]
    return [
        COMMAND, "--camera", str(number), *size, "--timeout", "0", "--nopreview", "--flush", "--verbose", "0",
        "--save-pts", "{times}", "--output", "-",
    ]  # fmt: skip


class SensorTimes:
    """When each frame was captured, on the camera's own clock.

    rpicam-vid gives the sensor's times relative to its first frame. Frames arrive late, some later than others; the
    one delivered with the least delay shows where the sensor's zero is. A frame without a time counts from its arrival.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: deque[float] = deque()
        self._missed = 0
        self._zero_s = math.inf
        self._newest_s = -math.inf

    def add(self, lines: Sequence[bytes]) -> None:
        """Lines of the times file: milliseconds with three decimals, after a heading."""
        for line in lines:
            if line and not line.startswith(b"#"):
                self._waiting.append(float(line) / 1000)
                zero_s = self._clock.mono_s() - self._waiting[-1]
                self._zero_s = min(zero_s, self._zero_s)
        while self._waiting and self._missed:
            self._waiting.popleft()
            self._missed -= 1

    @property
    def waiting(self) -> int:
        """Times of frames that were not read yet."""
        return len(self._waiting)

    @property
    def patience_s(self) -> float:
        """How long to wait for the time of a frame, which is written behind it; where none ever came, not at all."""
        return _TIME_BEHIND_FRAME_S if self._missed < _UNTIMED and not self._waiting else 0.0

    def captured(self) -> Instant:
        """Of the frame that was just read."""
        now = self._clock.now()
        if not self._waiting:
            self._missed += 1
            return now
        # A better zero must not put this frame before the last.
        self._newest_s = max(self._zero_s + self._waiting.popleft(), self._newest_s + _STEP_S)
        return now.shifted(self._newest_s - now.mono_s)


class RpicamSource:
    """A camera module as uncompressed frames, in the layout that encoders take."""

    def __init__(self, name: str, number: int, clock: Clock, wanted: Wanted) -> None:
        """Raises VideoError for a size that rpicam-vid would pad."""
        self.name = name
        self._number, self._clock = number, clock
        self._form = wanted.over(DEFAULT_FORMAT)
        if self._form.width % _WIDTH_STEP or self._form.height % 2:
            fitting = max(_WIDTH_STEP, self._form.width // _WIDTH_STEP * _WIDTH_STEP)
            raise VideoError(
                f"{name}: cannot deliver {self._form.width}x{self._form.height}: the width must be a multiple of "
                f"{_WIDTH_STEP} and the height even, such as {fitting}x{self._form.height // 2 * 2}"
            )
        self._process: VideoProcess | None = None
        self._times = SensorTimes(clock)
        self._patience_s = FIRST_S

    def open(self) -> FrameFormat:
        """Start rpicam-vid. Raises VideoError when it is not installed; a missing camera is found at the first read."""
        self.close()
        command = [*common_options(self._number, self._form), "--codec", "yuv420"]
        self._process = VideoProcess(self.name, command, HINT)
        self._times, self._patience_s = SensorTimes(self._clock), FIRST_S
        return self._form

    def read(self) -> Frame:
        """The next frame. Raises VideoError when none comes, or frames of another size do."""
        if self._process is None:
            raise VideoError(f"{self.name}: is not open")
        image = np.empty((self._form.height * 3 // 2, self._form.width), np.uint8)
        rest = image.data.cast("B")
        while rest:
            rest = rest[self._process.read_into(rest, self._patience_s) :]
        self._patience_s = STALL_S
        self._times.add(self._process.read_times(self._times.patience_s))
        if self._times.waiting > _MISALIGNED:
            raise VideoError(f"{self.name}: the frames are not {self._form.width}x{self._form.height} pixels")
        return Frame(self._times.captured(), image, layout="i420")

    def close(self) -> None:
        """End rpicam-vid. Harmless when closed."""
        if self._process is not None:
            self._process.close()
        self._process = None

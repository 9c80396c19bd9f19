"""Plays a video file as if it were a camera: each frame at its own time, in real time."""

from collections.abc import Callable
from dataclasses import replace

from lapel.clock import Clock
from lapel.errors import VideoEnded, VideoError
from lapel.hardware.interfaces import Frame, FrameFormat
from lapel.media.aac import SoundFormat
from lapel.media.file_sound import FileSound, Pass, Playback
from lapel.media.frame_fitting import FrameFitter, Wanted
from lapel.media.pacing import LATE_S, Pacer, SteadyPacer
from lapel.media.video_decoder import DecodedFrame, VideoDecoder

_SAME_MOMENT_S = 6e-4
"""Matroska rounds times to whole milliseconds: at a file's own rate each frame must still be taken once."""


class FileSource:
    """A video file, played in real time. Looped, its joint is no gap: the first frame follows when the last one ends.

    Without a configured rate each frame is captured at its own time, also where the file's rate varies. With one, the
    frame that the file shows at each moment is captured: some are left out or repeated, and the speed stays.
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
        """`address` is `name` as FFmpeg takes it; `wait(seconds)` blocks the capture thread."""
        self.name, self._address = name, address
        self._clock, self._wait, self._wanted, self._loop = clock, wait, wanted, loop
        self._playback: _OwnTimes | _SteadyRate | None = None
        self._times: Playback | None = None
        self._has_sound = False

    def sound(self, form: SoundFormat) -> FileSound | None:
        """Its sound track; None when it has none, or was never opened."""
        if not self._has_sound:
            return None
        return FileSound(self.name, self._address, form, self._clock, self._wait, lambda: self._times)

    def open(self) -> FrameFormat:
        """Open the file. Raises VideoError when FFmpeg cannot read it as a video, or no frame of it."""
        self.close()
        frames = _FrameReader(self.name, self._address, loop=self._loop)
        if frames.upcoming is None:
            frames.close()
            raise VideoError(f"{self.name}: holds no frame that can be decoded; try `ffprobe` on it")
        fitter = FrameFitter(self.name, self._wanted, frames.rate_fps)
        self._has_sound = frames.has_sound
        start_s, rate_fps = self._clock.mono_s(), self._wanted.rate_fps
        pacer = Pacer(self._clock, self._wait, start_s)
        form = fitter.format(frames.upcoming.shape)
        self._playback = (
            _OwnTimes(frames, fitter, pacer) if rate_fps is None else _SteadyRate(frames, fitter, pacer, rate_fps)
        )
        self._times = Playback(start_s, frames.passes)
        return form

    def read(self) -> Frame:
        """The next frame at its time. Raises VideoEnded at the end, unless it loops."""
        if self._playback is None:
            raise VideoError(f"{self.name}: is not open")
        try:
            return self._playback.read()
        except VideoError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file. Harmless when closed."""
        if self._playback is not None:
            self._playback.frames.close()
        self._playback = self._times = None


class _FrameReader:
    """Reads a file's frames in order, one ahead; looped, on one time line."""

    def __init__(self, name: str, address: str, *, loop: bool) -> None:
        self._name, self._address, self._loop = name, address, loop
        self._count = 0
        self._loop_start_s = self._end_s = 0.0
        self._decoder = self._opened()
        self.rate_fps, self.has_sound = self._decoder.rate_fps, self._decoder.has_sound
        self.passes: list[Pass] = []
        self.upcoming = self._read()
        """The frame that `take` returns next; None after the last one."""

    def take(self) -> DecodedFrame:
        """The next frame. Raises VideoEnded after the last one."""
        frame = self.upcoming
        if frame is None:
            ended = f"{self._name}: has ended after {self._count} frames; --loop plays it again and again"
            raise VideoEnded(ended)
        self.upcoming = self._read()
        return frame

    def close(self) -> None:
        self._decoder.close()

    def _read(self) -> DecodedFrame | None:
        frame = self._decoder.read()
        if frame is None and self._loop and self._count:
            self._decoder.close()  # opened anew: streams such as .ts and raw .h264 cannot be wound back
            self._decoder = self._opened()
            self._loop_start_s = self._end_s
            frame = self._decoder.read()
        if frame is None:
            return None
        if not self.passes or self.passes[-1].start_s != self._loop_start_s:
            self.passes.append(Pass(self._loop_start_s, self._decoder.origin_s))
        self._count += 1
        self._end_s = frame.end_s + self._loop_start_s
        return replace(frame, start_s=frame.start_s + self._loop_start_s, end_s=self._end_s)

    def _opened(self) -> VideoDecoder:
        try:
            return VideoDecoder(self._address, is_live=False)
        except VideoError as error:
            raise VideoError(f"{self._name}: is not a video that can be read; try `ffprobe` on it") from error


class _OwnTimes:
    """Captures each frame at its own time."""

    def __init__(self, frames: _FrameReader, fitter: FrameFitter, pacer: Pacer) -> None:
        self.frames, self._fitter, self._pacer = frames, fitter, pacer

    def read(self) -> Frame:
        frame, skipped = self._next()
        captured = self._pacer.wait_until(frame.start_s)
        image, note = self._fitter.fit(frame)
        return Frame(captured, image, skipped, note)

    def _next(self) -> tuple[DecodedFrame, int]:
        """The next frame; for a late reader the newest that is due. And how many were skipped before it."""
        frame, skipped = self.frames.take(), 0
        elapsed_s = self._pacer.elapsed_s()
        if elapsed_s - frame.start_s > LATE_S:
            while self.frames.upcoming is not None and self.frames.upcoming.start_s <= elapsed_s:
                frame, skipped = self.frames.take(), skipped + 1
        return frame, skipped


class _SteadyRate:
    """Captures, at a steady rate, the frame that the file shows at each moment."""

    def __init__(self, frames: _FrameReader, fitter: FrameFitter, pacer: Pacer, rate_fps: float) -> None:
        self.frames, self._fitter, self._rate_fps = frames, fitter, rate_fps
        self._pacer = SteadyPacer(pacer, rate_fps)
        self._shown = frames.take()

    def read(self) -> Frame:
        number, captured, skipped = self._pacer.next()
        image, note = self._fitter.fit(self._shown_at(number / self._rate_fps))
        return Frame(captured, image, skipped, note)

    def _shown_at(self, at_s: float) -> DecodedFrame:
        """Raises VideoEnded once the last frame has been shown for its time."""
        at_s += _SAME_MOMENT_S
        while self._shown_until_s() <= at_s:
            self._shown = self.frames.take()
        return self._shown

    def _shown_until_s(self) -> float:
        upcoming = self.frames.upcoming
        return self._shown.end_s if upcoming is None else upcoming.start_s

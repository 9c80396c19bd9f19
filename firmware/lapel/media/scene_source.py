"""The drawn scene as a video source."""

from collections.abc import Callable

from lapel.clock import Clock
from lapel.errors import VideoError
from lapel.hardware.interfaces import Frame, FrameFormat
from lapel.media.pacing import Pacer, SteadyPacer
from lapel.media.scene import Scene


class SceneSource:
    """A drawn street. Numbers its frames from the monotonic clock: number = monotonic seconds x rate."""

    name = "scene"

    def __init__(self, form: FrameFormat, camera: str, clock: Clock, wait: Callable[[float], object]) -> None:
        """`wait(seconds)` blocks the capture thread."""
        self._format, self._clock, self._wait = form, clock, wait
        self._scene = Scene(form.width, form.height, camera)
        self._pacer: SteadyPacer | None = None
        self._first = 0

    def open(self) -> FrameFormat:
        """Begin at the next whole frame of the monotonic clock."""
        rate_fps = self._format.rate_fps
        self._first = int(self._clock.mono_s() * rate_fps) + 1
        self._pacer = SteadyPacer(Pacer(self._clock, self._wait, self._first / rate_fps), rate_fps)
        return self._format

    def read(self) -> Frame:
        """Wait for the frame's time, then draw it."""
        if self._pacer is None:
            raise VideoError("scene: is not open")
        number, captured, skipped = self._pacer.next()
        return Frame(captured, self._scene.draw(self._first + number, captured.mono_s, captured.utc), skipped)

    def close(self) -> None:
        """Stop. Harmless when not open."""
        self._pacer = None

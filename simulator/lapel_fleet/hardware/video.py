"""A lens whose cable can be pulled, and whose picture can freeze: any FrameSource, with a history."""

import threading
from dataclasses import replace

from lapel.errors import VideoError
from lapel.hardware.interfaces import Frame, FrameFormat, FrameSource, Image


class SimulatedVideo:
    """Delivers what `source` delivers, while it is plugged in. Implements `FrameSource`."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._why_dark: str | None = None
        self._is_frozen = threading.Event()
        self._image: Image | None = None  # the one it is frozen at; belongs to the capture thread
        self.history: list[str] = []
        """What happened to it, in order: `open`, `close`, `unplug`, `plug in`, `freeze`, `thaw`."""

    @property
    def name(self) -> str:
        """The name of what delivers the pictures."""
        return self._source.name

    def open(self) -> FrameFormat:
        """Open the source. Raises VideoError while it is unplugged."""
        self._require_plugged()
        self.history.append("open")
        return self._source.open()

    def read(self) -> Frame:
        """The next picture. Raises VideoError when the cable was pulled."""
        self._require_plugged()
        frame = self._source.read()
        if not self._is_frozen.is_set():
            self._image = None
            return frame
        if self._image is None:
            self._image = frame.image.copy()
        return replace(frame, image=self._image.copy())

    def close(self) -> None:
        """Close the source."""
        self.history.append("close")
        self._source.close()

    # -- the outside world ---------------------------------------------------------------------------------------------

    def unplug(self, reason: str = "unplugged") -> None:
        """Pull the cable."""
        self.history.append("unplug")
        self._why_dark = reason

    def plug_in(self) -> None:
        """Put it back."""
        self.history.append("plug in")
        self._why_dark = None

    def freeze(self) -> None:
        """The same picture again and again."""
        self.history.append("freeze")
        self._is_frozen.set()

    def thaw(self) -> None:
        """Pictures that move again."""
        self.history.append("thaw")
        self._is_frozen.clear()

    def _require_plugged(self) -> None:
        if (reason := self._why_dark) is not None:
            raise VideoError(f"{self.name}: {reason}")

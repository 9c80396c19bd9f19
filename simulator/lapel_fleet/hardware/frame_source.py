"""A video source whose cable can be pulled and whose frame can freeze: wraps any `FrameSource`."""

import threading
from dataclasses import replace

from lapel.errors import VideoError
from lapel.hardware.interfaces import Frame, FrameFormat, FrameSource, Image


class SimulatedFrameSource:
    """Delivers the frames of `source` while it is plugged in. Implements `FrameSource`."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._unplugged_reason: str | None = None
        self._is_frozen = threading.Event()
        self._frozen_image: Image | None = None  # belongs to the capture thread
        self.history: list[str] = []
        """What happened to it, in order: `open`, `close`, `unplug`, `plug in`, `freeze`, `unfreeze`."""

    @property
    def name(self) -> str:
        """The name of the wrapped source."""
        return self._source.name

    def open(self) -> FrameFormat:
        """See `FrameSource.open`. Raises VideoError while it is unplugged."""
        self._require_plugged()
        self.history.append("open")
        return self._source.open()

    def read(self) -> Frame:
        """See `FrameSource.read`. Raises VideoError when it was unplugged."""
        self._require_plugged()
        frame = self._source.read()
        if not self._is_frozen.is_set():
            self._frozen_image = None
            return frame
        if self._frozen_image is None:
            self._frozen_image = frame.image.copy()
        return replace(frame, image=self._frozen_image.copy())

    def close(self) -> None:
        """See `FrameSource.close`."""
        self.history.append("close")
        self._source.close()

    # -- the outside world ---------------------------------------------------------------------------------------------

    def unplug(self, reason: str = "unplugged") -> None:
        """Pull the cable; `reason` goes into the errors."""
        self.history.append("unplug")
        self._unplugged_reason = reason

    def plug_in(self) -> None:
        """Connect the cable again."""
        self.history.append("plug in")
        self._unplugged_reason = None

    def freeze(self) -> None:
        """Deliver the same frame again and again."""
        self.history.append("freeze")
        self._is_frozen.set()

    def unfreeze(self) -> None:
        """Undo `freeze`."""
        self.history.append("unfreeze")
        self._is_frozen.clear()

    def _require_plugged(self) -> None:
        if (reason := self._unplugged_reason) is not None:
            raise VideoError(f"{self.name}: {reason}")

"""A lens whose cable can be pulled: any FrameSource, with an outside-world side and a history."""

import threading

from lapel.errors import VideoError
from lapel.hardware.interfaces import Frame, FrameSource, PictureFormat


class SimulatedVideo:
    """Delivers what `source` delivers, while it is plugged in. Implements `FrameSource`."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._unplugged = threading.Event()
        self.history: list[str] = []
        """What happened to it, in order: `open`, `close`, `unplug`, `plug in`."""

    @property
    def name(self) -> str:
        """The name of what delivers the pictures."""
        return self._source.name

    def open(self) -> PictureFormat:
        """Open the source. Raises VideoError while it is unplugged."""
        self._require_plugged()
        self.history.append("open")
        return self._source.open()

    def read(self) -> Frame:
        """The next picture. Raises VideoError when the cable was pulled."""
        self._require_plugged()
        return self._source.read()

    def close(self) -> None:
        """Close the source."""
        self.history.append("close")
        self._source.close()

    # -- the outside world ---------------------------------------------------------------------------------------------

    def unplug(self) -> None:
        """Pull the cable."""
        self.history.append("unplug")
        self._unplugged.set()

    def plug_in(self) -> None:
        """Put it back."""
        self.history.append("plug in")
        self._unplugged.clear()

    def _require_plugged(self) -> None:
        if self._unplugged.is_set():
            raise VideoError(f"{self.name}: unplugged")

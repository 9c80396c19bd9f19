"""What a camera does when its video source reports something."""

from collections.abc import Callable

from lapel.fragment import Fragment
from lapel.link.event_details import SourceLost, SourceRestored, VideoReduced
from lapel.reporter import Reporter


class FootageEvents:
    """Implements `lapel.hardware.interfaces.FootageListener` for one camera."""

    __slots__ = ("_on_ended", "_on_fragment", "_publish_state", "_reporter")

    def __init__(
        self,
        reporter: Reporter,
        *,
        on_fragment: Callable[[Fragment], None],
        on_ended: Callable[[str], None],
        publish_state: Callable[[], None],
    ) -> None:
        """`on_ended` is called with why no more frames will arrive."""
        self._reporter, self._on_fragment = reporter, on_fragment
        self._on_ended, self._publish_state = on_ended, publish_state

    def on_fragment(self, fragment: Fragment) -> None:
        """Straight to the recording: fragments must not wait behind events."""
        self._on_fragment(fragment)

    def on_source_note(self, note: str) -> None:
        """Log it."""
        self._reporter.announce(note)

    def on_video_reduced(self, width: int, height: int, reason: str) -> None:
        """Worth a warning, and no more: the recording goes on."""
        self._reporter.announce(f"the video is reduced to {width}x{height}: {reason}", "warning")
        self._reporter.emit(VideoReduced(width=width, height=height, reason=reason))
        self._publish_state()

    def on_source_lost(self, reason: str) -> None:
        """A gap, not an end."""
        self._reporter.announce(f"no video: {reason}")
        self._reporter.emit(SourceLost(reason=reason))
        self._publish_state()

    def on_source_restored(self) -> None:
        """The gap is over."""
        self._reporter.emit(SourceRestored())
        self._publish_state()

    def on_source_ended(self, reason: str) -> None:
        """Nothing more to record."""
        self._on_ended(reason)

"""The camera's side of its live view: tells the wearer and puts on record who watches."""

from collections.abc import Callable, Sequence

from lapel.clock import Instant
from lapel.fragment import Fragment
from lapel.link.event_details import LiveViewed, LiveViewEnded
from lapel.live_view.live_view import LiveView
from lapel.live_view.viewers import Viewer
from lapel.reporter import Reporter
from lapel.wearer_signals import WearerSignals


class LiveViewReports:
    """The live view of one camera, or none. Implements `LiveViewListener`."""

    __slots__ = ("_on_change", "_recording", "_reporter", "_signals", "_view")

    def __init__(
        self, view: LiveView | None, reporter: Reporter, signals: WearerSignals, on_change: Callable[[], None]
    ) -> None:
        """`on_change` is called when `is_watched` may have changed."""
        self._view, self._reporter, self._signals, self._on_change = view, reporter, signals, on_change
        self._recording = ""
        if view is not None:
            view.listener = self

    @property
    def address(self) -> str | None:
        """Where it can be seen while the camera records; None where it cannot."""
        return self._view.address if self._view is not None else None

    @property
    def is_watched(self) -> bool:
        """Whether there is a viewer."""
        return self._view is not None and self._view.is_watched

    def begin(self, recording: str, since: Instant, before: Sequence[Fragment]) -> None:
        """A recording begins at `since`, with the fragments from before."""
        if self._view is not None:
            self._recording = recording
            self._view.begin(since, before)

    def add(self, fragment: Fragment) -> None:
        """The newest fragment of the recording."""
        if self._view is not None:
            self._view.add(fragment)

    def end(self) -> None:
        """The recording is over."""
        if self._view is not None:
            self._view.end()

    def close(self) -> None:
        """The camera goes off."""
        if self._view is not None:
            self._view.close()

    def on_viewer(self, viewer: Viewer) -> None:
        """See `LiveViewListener.on_viewer`."""
        self._signals.signal("live view")
        through = f" (through {viewer.through})" if viewer.through else ""
        self._reporter.announce(f"live view: {viewer.name}{through} watches")
        self._reporter.emit(LiveViewed(recording=self._recording, viewer=viewer.name, through=viewer.through))
        self._on_change()

    def on_viewer_gone(self, viewer: Viewer, seconds: float) -> None:
        """See `LiveViewListener.on_viewer_gone`."""
        self._reporter.announce(f"live view: {viewer.name} has watched for {seconds:.0f} s")
        self._reporter.emit(
            LiveViewEnded(
                recording=self._recording, viewer=viewer.name, through=viewer.through, seconds=max(0.0, seconds)
            )
        )
        self._on_change()

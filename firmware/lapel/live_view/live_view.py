"""The live view of one camera: the camera adds fragments, the server takes them, and each look is reported back."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from lapel.clock import Clock, Instant
from lapel.fragment import Fragment
from lapel.live_view.viewers import Viewer, Viewers
from lapel.live_view.window import FragmentWindow

LAST_SEGMENTS_S = 15.0
"""Seconds after the end of a recording for which players can fetch its last segments."""
_TIDY_S = 1.0
_FIRST_S, _POLL_S = 6.0, 0.1


class LiveViewListener(Protocol):
    """Told who watches. Called on the event loop."""

    def on_viewer(self, viewer: Viewer) -> None:
        """This viewer begins to watch."""

    def on_viewer_gone(self, viewer: Viewer, seconds: float) -> None:
        """This viewer has watched for so long, and no longer does."""


class LiveView:
    """Belongs to the event loop of its camera. Adding a fragment never waits for a viewer."""

    def __init__(self, clock: Clock, address: str) -> None:
        """`address`: where the server shows it; the camera publishes that."""
        self.address = address
        self.listener: LiveViewListener | None = None
        self.window = FragmentWindow()
        self._clock = clock
        self._viewers = Viewers()
        self._tidying: asyncio.Task[None] | None = None
        self._ended_s = 0.0

    @property
    def is_watched(self) -> bool:
        """Whether there is a viewer."""
        return bool(self._viewers)

    # -- the camera's end --------------------------------------------------------------------------------------------

    def begin(self, since: Instant, before: Sequence[Fragment]) -> None:
        """A recording begins at `since`, with the fragments from before."""
        self.window.begin(since, before)

    def add(self, fragment: Fragment) -> None:
        """The newest fragment of the recording."""
        self.window.add(fragment)

    def end(self) -> None:
        """The recording is over."""
        self.window.end()
        self._ended_s = self._clock.mono_s()
        for viewer, seconds in self._viewers.take_all(self._ended_s):
            self._report_gone(viewer, seconds)
        self._tidy_later()

    def close(self) -> None:
        """The camera goes off: nothing can be seen any more."""
        self.window.clear()
        if self._tidying is not None:
            self._tidying.cancel()
            self._tidying = None

    # -- the server's end --------------------------------------------------------------------------------------------

    def look(self, viewer: Viewer) -> bool:
        """Report that `viewer` is about to be sent video. Returns False when there are too many viewers."""
        if self.window.has_ended:
            return True  # a player that fetches the rest
        is_new = viewer not in self._viewers
        if not self._viewers.look(viewer, self._clock.mono_s()):
            return False
        if is_new and self.listener is not None:
            self.listener.on_viewer(viewer)
        self._tidy_later()
        return True

    async def is_ready(self) -> bool:
        """Whether there is something to see, waiting for the first segments of a recording that has just begun."""
        deadline_s = self._clock.mono_s() + _FIRST_S
        while self.window.is_open and not self.window.is_ready and self._clock.mono_s() < deadline_s:
            await self._clock.sleep(_POLL_S)
        return self.window.is_ready

    # -- inside ------------------------------------------------------------------------------------------------------

    def _tidy_later(self) -> None:
        if self._tidying is None and (self._viewers or self.window.has_ended):
            self._tidying = asyncio.create_task(self._tidy(), name="live view")

    async def _tidy(self) -> None:
        """Report viewers that are gone, and forget the last segments of a recording, while there is either."""
        while self._viewers or self.window.has_ended:
            await self._clock.sleep(_TIDY_S)
            now_s = self._clock.mono_s()
            for viewer, seconds in self._viewers.take_gone(now_s):
                self._report_gone(viewer, seconds)
            if self.window.has_ended and now_s - self._ended_s >= LAST_SEGMENTS_S:
                self.window.clear()
        self._tidying = None

    def _report_gone(self, viewer: Viewer, seconds: float) -> None:
        if self.listener is not None:
            self.listener.on_viewer_gone(viewer, seconds)

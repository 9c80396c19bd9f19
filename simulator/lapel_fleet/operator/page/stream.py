"""Server-sent events: what changed since the last update, at most twice a second for each reader."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.responses import StreamingResponse

from lapel.clock import Clock

UPDATE_S = 0.5
"""At most so often is a browser sent an update."""
_ALIVE_S = 15.0
"""A comment after so long without an update: the server notices readers that are gone."""
MOST_READERS = 50
"""Each reader costs time and memory of the server."""

NextUpdate = Callable[[], Awaitable[dict[str, object]]]
"""Returns what changed since the last call; empty when nothing did."""


class Streams:
    """The open streams. They end when `stopping` is set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.readers = 0
        self.stopping = asyncio.Event()

    def response(self, next_update: NextUpdate) -> StreamingResponse:
        """A stream of updates."""
        return StreamingResponse(self._updates(next_update), media_type="text/event-stream")

    async def _updates(self, next_update: NextUpdate) -> AsyncIterator[str]:
        self.readers += 1
        sent_s = self._clock.mono_s()
        try:
            while not self.stopping.is_set():
                if update := await next_update():
                    sent_s = self._clock.mono_s()
                    yield f"data: {json.dumps(update)}\n\n"
                elif self._clock.mono_s() - sent_s > _ALIVE_S:
                    sent_s = self._clock.mono_s()
                    yield ": alive\n\n"
                await self._clock.sleep(UPDATE_S)
        finally:
            self.readers -= 1


class ChangedSections:
    """Of sections that are rendered again and again, those that differ from what a reader has."""

    def __init__(self, sections: dict[str, str]) -> None:
        """`sections`: those that the reader's page began with; may be empty."""
        self._sent = sections

    def changed(self, sections: dict[str, str]) -> dict[str, str]:
        """Those to send now."""
        different = {name: html for name, html in sections.items() if self._sent.get(name) != html}
        self._sent = sections
        return different

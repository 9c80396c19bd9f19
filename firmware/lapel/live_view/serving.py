"""Serves the live views of one camera or of a simulated fleet, in the event loop of the cameras.

A viewer that reads slowly holds a connection and the bytes of one segment, never the camera: fragments are not waited
for by anyone, and connections are limited.
"""

import asyncio
import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from lapel.clock import Clock
from lapel.http_server import Listening, Server, listening
from lapel.live_view.application import LiveViewApplication
from lapel.live_view.live_view import LiveView
from lapel.tokens import Tokens, tokens_from
from lapel.worker import Worker

MOST_CONNECTIONS = 64
_KEEP_ALIVE_S = 15


class LiveViewServer:
    """The live views of some cameras at one port."""

    def __init__(self, where: Listening, tokens: Tokens, clock: Clock, worker: Worker) -> None:
        """`worker` decodes thumbnails."""
        self._where, self._tokens, self._clock = where, tokens, clock
        self._views: dict[str, LiveView] = {}
        application = LiveViewApplication(self._views, tokens, clock, worker)
        self._server = Server(
            application.app, where, limit_concurrency=MOST_CONNECTIONS, timeout_keep_alive=_KEEP_ALIVE_S
        )

    def new_view(self, name: str, clock: Clock | None = None) -> LiveView:
        """The live view of a camera that starts, `site/camera`. It takes the place of an earlier one of that name."""
        view = LiveView(clock or self._clock, f"{self._where.url}/{quote(name)}/")
        self._views[name] = view
        return view

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return self._where.url

    def addresses(self) -> list[str]:
        """For each token where it lets its owner in, as browsers and players take it."""
        scheme, _, rest = self._where.url.partition("://")
        return [f"{scheme}://{quote(name, safe='')}:{token}@{rest}/" for name, token in self._tokens.by_name.items()]

    async def run(self) -> None:
        """Serve until cancelled."""
        serving = asyncio.create_task(self._server.run_until_exit(), name="live view server")
        try:
            await asyncio.shield(serving)
        finally:
            self._server.should_exit = True
            await serving


@asynccontextmanager
async def served(
    option: str, where: str, tokens: Path | None, clock: Clock, worker: Worker,
    cert: Path | None = None, key: Path | None = None,
) -> AsyncIterator[LiveViewServer]:  # fmt: skip
    """Serve at `where` (see `http_server.listening`) while the block runs. Raises ConfigError, which names `option`.

    `tokens`: the file of those who may watch, made if it is missing; without one a new token at each start.
    """
    with listening(option, where, cert, key) as found:
        server = LiveViewServer(found, tokens_from(tokens, getpass.getuser(), f"{option}-tokens"), clock, worker)
        running = asyncio.create_task(server.run(), name="live view")
        try:
            yield server
        finally:
            running.cancel()
            await asyncio.wait([running])

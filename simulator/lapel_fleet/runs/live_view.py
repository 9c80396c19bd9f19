"""Live view of a live run's cameras: one port for all, a path for each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path

from lapel.clock import Clock, SystemClock
from lapel.errors import ConfigError
from lapel.live_view.live_view import LiveView
from lapel.worker import ThreadWorker

NewLiveView = Callable[[str, Clock], LiveView | None]
"""The live view of camera `site/name` that starts, with its clock; None where there is none."""
OpenLiveView = Callable[[], AbstractAsyncContextManager[NewLiveView]]
"""Serves live views while the block runs."""


def no_view(name: str, clock: Clock) -> LiveView | None:  # noqa: ARG001  # see NewLiveView
    """A `NewLiveView` that makes none."""
    return None


@asynccontextmanager
async def no_live_view() -> AsyncIterator[NewLiveView]:
    """No camera can be watched."""
    yield no_view


def live_view_at(port: int, tokens: Path | None, print_line: Callable[[str], None]) -> OpenLiveView:
    """Live view at that port of this machine, for those in the file `tokens`; without one for this user, with a token
    that is printed.
    """
    try:
        from lapel.live_view.serving import served
    except ImportError:
        raise ConfigError("--live needs more packages: pip install 'lapel[fleet]'") from None

    @asynccontextmanager
    async def open_live_view() -> AsyncIterator[NewLiveView]:
        with closing(ThreadWorker(1)) as worker:
            async with served("--live", str(port), tokens, SystemClock(), worker) as server:
                if tokens is None:
                    for address in server.addresses():
                        print_line(f"live view: {address}")
                else:
                    print_line(f"live view: {server.url}/ with a name and token of {tokens}")
                yield server.new_view

    return open_live_view

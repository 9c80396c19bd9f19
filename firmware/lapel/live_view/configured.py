"""The live view of a real camera, as section [live] of its configuration has it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from lapel.clock import SystemClock
from lapel.config import Config, state_folder
from lapel.files import PRIVATE_FOLDER
from lapel.live_view.live_view import LiveView
from lapel.live_view.serving import served
from lapel.worker import ThreadWorker

_OPTION = "--live"


@asynccontextmanager
async def served_as_configured(
    config: Config, show_line: Callable[[str], None], *, on_terminal: bool
) -> AsyncIterator[Callable[[], LiveView]]:
    """Serve while the block runs. Yields what makes the view of a camera that starts. Raises ConfigError.

    A token is shown on a terminal only: other lines end in a log.
    """
    live, camera = config.live, config.camera
    tokens = Path(live.tokens) if live.tokens else state_folder(config) / "live-tokens"
    if not live.tokens:
        tokens.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    cert, key = (Path(name) if name else None for name in (live.cert, live.key))
    with closing(ThreadWorker(1)) as worker:
        async with served(_OPTION, live.listen, tokens, SystemClock(), worker, cert, key) as server:
            for address in server.addresses() if on_terminal else ():
                show_line(f"live view: {address}")
            if not on_terminal:
                show_line(f"live view: {server.url}/ with a name and token of {tokens}")
            yield lambda: server.new_view(f"{camera.site}/{camera.name}")

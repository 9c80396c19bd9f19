"""Live views without a camera or a server, for tests."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from fragments import fragment, instant
from lapel.clock import Clock
from lapel.live_view.application import LiveViewApplication
from lapel.live_view.live_view import LiveView
from lapel.live_view.viewers import Viewer
from lapel.tokens import Tokens
from lapel.worker import InlineWorker

TOKENS = Tokens({"ann": "a" * 24, "page": "p" * 24})
ADDRESS = "http://127.0.0.1:8091/home/cam-1/"


class Looks:
    """Implements `LiveViewListener`: what was reported."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_viewer(self, viewer: Viewer) -> None:
        self.lines.append(f"{viewer.name} {viewer.through}".strip())

    def on_viewer_gone(self, viewer: Viewer, seconds: float) -> None:
        self.lines.append(f"{viewer.name} gone after {seconds:g} s")


def view_of(clock: Clock, fragments: int = 3) -> tuple[LiveView, Looks]:
    """A live view of a recording of so many fragments, and what it reports."""
    view, looks = LiveView(clock, ADDRESS), Looks()
    view.listener = looks
    view.begin(instant(0.0), [])
    for number in range(1, fragments + 1):
        view.add(fragment(number, media=b"media %d" % number))
    return view, looks


def basic(token: str = "a" * 24, user: str = "ann") -> dict[str, str]:
    """The header with which a browser sends a token."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"}


@asynccontextmanager
async def client_of(clock: Clock, **views: LiveView) -> AsyncIterator[httpx.AsyncClient]:
    """A client with ann's token; `views` by camera, all of the site `home`."""
    by_name = {f"home/{name.replace('_', '-')}": view for name, view in views.items()}
    application = LiveViewApplication(by_name, TOKENS, clock, InlineWorker())
    transport = httpx.ASGITransport(application.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8091", headers=basic()) as client:
        yield client

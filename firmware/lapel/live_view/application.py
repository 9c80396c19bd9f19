"""The HTTP side of live view: a page, playlist, segments and thumbnail for each camera, at `/SITE/CAMERA/`.

Nothing is ever looked up in a folder. Every request needs a token: as the password of HTTP's basic authentication,
which browsers and players know, or as `Authorization: Bearer TOKEN`.
"""

import base64
import binascii
from collections.abc import Mapping
from html import escape
from urllib.parse import quote, unquote
from weakref import WeakKeyDictionary

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from lapel.clock import Clock
from lapel.live_view.live_view import LiveView
from lapel.live_view.playlist import MEDIA_TYPE, playlist
from lapel.live_view.thumbnail import Thumbnail
from lapel.live_view.viewers import Viewer
from lapel.request_guard import RequestGuard
from lapel.sanitize import plain
from lapel.tokens import Tokens
from lapel.worker import Worker

VIEWER_HEADER = "Lapel-Viewer"
"""Names, percent-encoded, the person for whom another system fetches."""
_MOST_NAME_CHARS = 64
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; media-src 'self'; img-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_NOTHING = "This camera is not recording, and can be seen only while it does."
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">{refresh}
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""
_VIDEO = """<video src="live.m3u8" width="100%" controls autoplay muted playsinline></video>
<p>The wearer is notified, and it is on record that {viewer} watches.</p>"""


class LiveViewApplication:
    """The ASGI application for some cameras' live views."""

    def __init__(self, views: Mapping[str, LiveView], tokens: Tokens, clock: Clock, worker: Worker) -> None:
        """`views`: by `site/camera`; may change at any time. `worker` decodes thumbnails."""
        self._views, self._clock, self._worker = views, clock, worker
        self._thumbnails: WeakKeyDictionary[LiveView, Thumbnail] = WeakKeyDictionary()
        routes = [
            Route("/", self._cameras),
            Route("/{site}/{camera}/", self._page),
            Route("/{site}/{camera}/live.m3u8", self._playlist),
            Route("/{site}/{camera}/header-{number:int}.mp4", self._header),
            Route("/{site}/{camera}/{number:int}.m4s", self._segment),
            Route("/{site}/{camera}/thumbnail.jpg", self._thumbnail),
        ]
        guard = Middleware(Guard, tokens=tokens)
        self.app = Starlette(routes=routes, middleware=[guard], exception_handlers={HTTPException: _error})

    # -- pages -------------------------------------------------------------------------------------------------------

    async def _cameras(self, _: Request) -> Response:
        """Every camera; where there is but one, its page."""
        if len(self._views) == 1:
            return RedirectResponse(f"/{quote(next(iter(self._views)))}/", 303)
        content = "\n".join(["<ul>", *(_line(name, view) for name, view in sorted(self._views.items())), "</ul>"])
        return HTMLResponse(_PAGE.format(title="Live view", refresh="", content=content))

    async def _page(self, request: Request) -> Response:
        view, name = self._view(request), plain(_name(request))
        if view.window.is_recording:
            content = _VIDEO.format(viewer=escape(plain(_viewer(request).name)))
            return HTMLResponse(_PAGE.format(title=escape(name), refresh="", content=content))
        refresh = '\n<meta http-equiv="refresh" content="3">'
        return HTMLResponse(_PAGE.format(title=escape(name), refresh=refresh, content=f"<p>{_NOTHING}</p>"))

    # -- the stream --------------------------------------------------------------------------------------------------

    async def _playlist(self, request: Request) -> Response:
        view = self._view(request)
        if not await view.is_ready():
            raise HTTPException(404, _NOTHING)
        return Response(playlist(view.window), media_type=MEDIA_TYPE)

    async def _header(self, request: Request) -> Response:
        header = self._view(request).window.header(request.path_params["number"])
        if header is None:
            raise HTTPException(404, "This part of the stream is over.")
        return Response(header, media_type="video/mp4")

    async def _segment(self, request: Request) -> Response:
        view = self._view(request)
        segment = view.window.segment(request.path_params["number"])
        if segment is None:
            raise HTTPException(404, "This part of the stream is over.")
        self._look(request, view)
        return Response(segment.media(), media_type="video/iso.segment")

    async def _thumbnail(self, request: Request) -> Response:
        view = self._view(request)
        if not await view.is_ready() or view.window.has_ended:
            raise HTTPException(404, _NOTHING)
        self._look(request, view)
        thumbnail = self._thumbnails.setdefault(view, Thumbnail(self._clock, self._worker))
        jpeg = await thumbnail.jpeg(view.window)
        if jpeg is None:
            raise HTTPException(404, "There is no frame to show.")
        return Response(jpeg, media_type="image/jpeg")

    def _view(self, request: Request) -> LiveView:
        view = self._views.get(_name(request))
        if view is None:
            raise HTTPException(404, "There is no such camera here.")
        return view

    def _look(self, request: Request, view: LiveView) -> None:
        if not view.look(_viewer(request)):
            raise HTTPException(503, "Too many people watch this camera; try again later.")


class Guard(RequestGuard):
    """Lets requests with a token through; they have `scope["state"]["viewer"]`."""

    def __init__(self, app: ASGIApp, *, tokens: Tokens) -> None:
        super().__init__(app, _HEADERS)
        self._tokens = tokens

    def refusal(self, scope: Scope) -> Response | None:
        """See `RequestGuard.refusal`."""
        headers = Headers(scope=scope)
        owner = self._tokens.owner(_token(headers.get("authorization", "")))
        if owner is None:
            challenge = {"WWW-Authenticate": 'Basic realm="Lapel live view", charset="UTF-8"'}
            return PlainTextResponse("A token is needed, as the password.\n", 401, headers=challenge)
        named = unquote(headers.get(VIEWER_HEADER, "")).strip()
        if len(named) > _MOST_NAME_CHARS or not named.isprintable():
            return PlainTextResponse(f"{VIEWER_HEADER}: give a name of at most {_MOST_NAME_CHARS} characters.\n", 400)
        viewer = Viewer(named, through=owner) if named else Viewer(owner)
        scope.setdefault("state", {})["viewer"] = viewer
        return None


def _line(name: str, view: LiveView) -> str:
    """A camera in the list of all."""
    state = " recording" if view.window.is_recording else ""
    return f'<li><a href="/{escape(quote(name))}/">{escape(plain(name))}</a>{state}</li>'


def _token(authorization: str) -> str:
    """The token in that header; empty when there is none. A user name beside it is not looked at."""
    kind, _, value = authorization.partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def _name(request: Request) -> str:
    return f"{request.path_params['site']}/{request.path_params['camera']}"


def _viewer(request: Request) -> Viewer:
    viewer = request.state.viewer
    assert isinstance(viewer, Viewer)
    return viewer


async def _error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, headers=error.headers)

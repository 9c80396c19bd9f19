"""Decides who gets in: a request needs the page's own host name, a token, and for a change the page's own origin.

The host name is checked because another site can let its own name point to 127.0.0.1; the origin because a browser
sends the cookie along with a form on another site.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Scope

from lapel.request_guard import RequestGuard
from lapel.tokens import Tokens

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PUBLIC = ("/login", "/static/")
_SAFE_METHODS = ("GET", "HEAD")


class Guard(RequestGuard):
    """What it lets through has `scope["state"]["operator"]`, apart from the login itself."""

    def __init__(self, app: ASGIApp, *, tokens: Tokens, origins: Collection[str], cookie: str) -> None:
        """`origins`: where the page is reached, such as `http://127.0.0.1:8090`."""
        super().__init__(app, _HEADERS)
        self._tokens, self._origins, self._cookie = tokens, frozenset(origins), cookie
        self._hosts = {urlsplit(origin).netloc for origin in origins}

    def refusal(self, scope: Scope) -> Response | None:
        """See `RequestGuard.refusal`."""
        headers = Headers(scope=scope)
        if headers.get("host") not in self._hosts:
            return PlainTextResponse("This host name is not the page's own. --origin adds one.\n", 421)
        if scope["method"] not in _SAFE_METHODS and not self._is_own_origin(headers):
            return PlainTextResponse("This request comes from another site, or says nothing about that.\n", 403)
        if scope["path"].startswith(_PUBLIC):
            return None
        operator = self._tokens.owner(self._token(scope, headers))
        if operator is None:
            if "text/html" in headers.get("accept", ""):
                return RedirectResponse("/login", 303)
            return PlainTextResponse("A token is needed: Authorization: Bearer TOKEN\n", 401)
        scope.setdefault("state", {})["operator"] = operator
        return None

    def _is_own_origin(self, headers: Headers) -> bool:
        """A program has no origin, and proves itself by a token in a header, which no other site can set."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("authorization", "").startswith("Bearer ")
        return origin in self._origins

    def _token(self, scope: Scope, headers: Headers) -> str:
        kind, _, token = headers.get("authorization", "").partition(" ")
        return token if kind == "Bearer" else HTTPConnection(scope).cookies.get(self._cookie, "")

"""ASGI middleware that decides on each HTTP request before the application sees it, and adds headers to each answer."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequestGuard:
    """Lets through what `refusal` does not answer."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        """`headers` are added to every answer, a refusal too."""
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        app = self.refusal(scope) or self._app
        await app(scope, receive, send_with_headers)

    def refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that must not go on; None for one that may."""
        raise NotImplementedError

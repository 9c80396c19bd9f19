"""Requests to a back end that speaks the Axis Body worn integration API: with a token, renewed when it expires."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import httpx

from lapel.errors import BlockedError, BusyError, ConfigError, UnavailableError
from lapel.offload.http import NO_TLS_FILES, Answer, HttpClient, Tls, require_secure
from lapel.offload.refusals import refusal

Content = Callable[[], AsyncIterator[bytes]] | bytes | None
"""A request's body; what makes one is called again when the request is repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisSettings:
    """How to reach a back end."""

    addresses: tuple[str, ...]
    """Of its token service, `https://…/auth/v1.0`; several are tried in turn."""
    user: str
    secret: str
    tls: Tls = NO_TLS_FILES
    allow_plain: bool = False
    full_support: bool = True
    """Store everything, as on a plain Swift. Else what `System/Capabilities.json` names."""
    segment_bytes: int = 64 * 1024 * 1024
    """Longer files go in segments of this length, where the server offers it."""


class AxisSession:
    """A token, and requests with it."""

    def __init__(self, settings: AxisSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`transport` stands in for the network. Raises ConfigError."""
        if not settings.addresses:
            raise ConfigError("[offload] address: is missing; set that of the back end's tokens, https://…/auth/v1.0")
        for address in settings.addresses:
            require_secure(address, allow_plain=settings.allow_plain)
        self._settings = settings
        self._http = HttpClient(settings.tls, transport)
        self._token, self._storage = "", ""
        self.known: set[str] = set()
        """Containers, devices and users that are there. Emptied when something that was there is gone."""

    async def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: Content = None
    ) -> Answer:
        """As `answer`, of which only a success is returned; the rest is raised in words."""
        answer = await self.answer(method, path, headers, content)
        self.require_success(answer, f"{method} {path}")
        return answer

    def require_success(self, answer: Answer, doing: str) -> None:
        """Raise OffloadError for an answer that is no success."""
        if answer.status == 404:
            self.known.clear()
        if not answer.is_success:
            raise refusal(answer.status, doing, answer.error_text, answer.headers.get("retry-after", ""))

    async def answer(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: Content = None
    ) -> Answer:
        """The answer to a request with a token; a token that is no longer accepted is renewed once."""
        await self._sign_in()
        answer = await self._send(method, path, headers, content)
        if answer.status == 401:
            self._token = ""
            await self._sign_in()
            answer = await self._send(method, path, headers, content)
        return answer

    async def offers_segments(self) -> bool:
        """Whether the server knows static large objects, by its `/info`."""
        await self._sign_in()
        url = urlsplit(self._storage)
        answer = await self._http.request("GET", f"{url.scheme}://{url.netloc}/info", {})
        return answer.is_success and _names_slo(answer.body)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _send(self, method: str, path: str, headers: Mapping[str, str] | None, content: Content) -> Answer:
        name, mark, query = path.partition("?")
        url = f"{self._storage}/{quote(name)}{mark}{query}"
        body = content() if callable(content) else content
        return await self._http.request(method, url, {**(headers or {}), "X-Auth-Token": self._token}, body)

    async def _sign_in(self) -> None:
        """Fetch a token, unless there is one. Of several addresses the first that answers counts."""
        if self._token:
            return None
        *others, last = self._settings.addresses
        for address in others:
            try:
                return await self._fetch_token(address)
            except BusyError:
                continue
        with trouble_of_the_back_end():
            return await self._fetch_token(last)

    async def _fetch_token(self, address: str) -> None:
        credentials = {"X-Auth-User": self._settings.user, "X-Auth-Key": self._settings.secret}
        answer = await self._http.request("GET", address, credentials)
        self.require_success(answer, f"GET {address}")
        token, storage = answer.headers.get("x-auth-token", ""), answer.headers.get("x-storage-url", "")
        if not token or not storage:
            raise BlockedError(
                f"{address}: answers without X-Auth-Token and X-Storage-Url; is it the address of the token service?"
            )
        try:
            require_secure(storage, allow_plain=self._settings.allow_plain)
        except ConfigError as error:
            raise BlockedError(f"{address}: names the storage {storage!r}, which is not encrypted") from error
        self._token, self._storage = token, storage.rstrip("/")


@contextmanager
def trouble_of_the_back_end() -> Iterator[None]:
    """What is busy inside this block is so for every recording: BusyError becomes UnavailableError."""
    try:
        yield
    except BusyError as error:
        raise UnavailableError(str(error), error.wait_s) from error


def _names_slo(body: bytes) -> bool:
    try:
        return "slo" in json.loads(body)
    except (ValueError, TypeError):
        return False

"""The HTTP client of both kinds of back end: TLS, the camera's certificate, words for what goes wrong on the way."""

import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from lapel.errors import BlockedError, BusyError, ConfigError
from lapel.loopback import LOOPBACK_NAMES

PIECE_BYTES = 256 * 1024
"""How much is given to a connection at a time."""
_CONNECT_S, _SILENCE_S = 10.0, 60.0
"""Longest wait for a connection; for the next byte, and for an answer after the last one was sent."""
_ANSWER_BYTES, _ERROR_TEXT_CHARS = 64 * 1024, 200


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM; empty ones are not used."""

    ca: str = ""
    """Authority that signed the back end's certificate. Empty: the system's."""
    cert: str = ""
    key: str = ""


NO_TLS_FILES = Tls()


@dataclass(frozen=True, slots=True)
class Answer:
    """A back end's answer."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    @property
    def etag(self) -> str:
        """Without quotation marks; empty where there is none."""
        return self.headers.get("etag", "").strip('"').lower()

    @property
    def error_text(self) -> str:
        """The first line of a text, for an error."""
        if not self.headers.get("content-type", "").startswith("text/plain"):
            return ""
        line = self.body.decode(errors="replace").strip().partition("\n")[0]
        return "".join(character for character in line if character.isprintable())[:_ERROR_TEXT_CHARS]


def require_secure(address: str, *, allow_plain: bool) -> None:
    """Raise ConfigError for an address that is no http(s) URL, or would send evidence and secrets in the clear."""
    try:
        url = urlsplit(address)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise ConfigError(f"[offload] address = {address!r}: {error}") from error
    if url.scheme not in ("http", "https") or not host:
        raise ConfigError(
            f"[offload] address = {address!r}: is no address such as https://evidence.example.org/auth/v1.0"
        )
    if url.username or url.password:
        raise ConfigError("[offload] address: contains a user or password; set user and secret_file")
    if url.scheme == "http" and host not in LOOPBACK_NAMES and not allow_plain:
        raise ConfigError(
            f"[offload] address = {address!r}: is not encrypted; use https://, or set allow_plain = true in a trial"
        )


class HttpClient:
    """Requests to one back end, over connections that are kept."""

    def __init__(self, tls: Tls, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`transport` stands in for the network: a simulated back end in memory. Raises ConfigError."""
        self._client = httpx.AsyncClient(
            transport=transport,
            verify=_context(tls) if transport is None else True,
            timeout=httpx.Timeout(_SILENCE_S, connect=_CONNECT_S),
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": "lapel-camera", "Accept-Encoding": "identity"},
        )

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: AsyncIterator[bytes] | bytes | None = None,
    ) -> Answer:
        """Send a request. Raises BusyError where no answer comes, BlockedError where TLS fails for good."""
        try:
            async with self._client.stream(method, url, headers=headers, content=content) as response:
                body = b""
                async for piece in response.aiter_bytes():
                    body += piece[: _ANSWER_BYTES - len(body)]
                    if len(body) >= _ANSWER_BYTES:
                        break
                return Answer(response.status_code, response.headers, body)
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _unreachable(url, error) from error

    async def pieces(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        """The body of a GET, a piece at a time. Raises BusyError."""
        try:
            async with self._client.stream("GET", url, headers=headers) as response:
                if response.status_code != 200:
                    raise BusyError(f"{response.status_code} at reading back {urlsplit(url).path}")
                async for piece in response.aiter_bytes(PIECE_BYTES):
                    yield piece
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _unreachable(url, error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"[offload] ca = {tls.ca!r}: cannot be used: {_reason(error)}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert:
        try:
            context.load_cert_chain(tls.cert, tls.key or None, password=lambda: "")
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"[offload] cert = {tls.cert!r}, key = {tls.key!r}: cannot be used: {_reason(error)}"
            ) from error
    return context


def _unreachable(url: str, error: Exception) -> BusyError | BlockedError:
    where = urlsplit(url).netloc
    text = _reason(error)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        return BlockedError(
            f"{where}: its certificate is not trusted ({text}); check [offload] ca and the camera's clock, then "
            "`offload start`"
        )
    return BusyError(f"{where}: no answer: {text}")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__

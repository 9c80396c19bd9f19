"""The evidence back end under examination: an object in memory, or a server."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import msgspec

from lapel.errors import ConfigError, LapelError
from lapel.evidence.receipt import PublicKey

_SHOWN_BYTES = 200


class Reply(msgspec.Struct, frozen=True):
    """The answer to a request."""

    status: int
    headers: Mapping[str, str] = {}
    """By name in lower case."""
    body: bytes = b""


class EvidenceSubjectError(LapelError):
    """The back end raised an error, or could not be reached."""


class EvidenceSubject(Protocol):
    """A back end that takes requests, and says what it has."""

    user: str
    key: str
    receipt_keys: Sequence[PublicKey]
    """The keys that sign its receipts; none where it gives none."""

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """Send a request. `path` begins with the path of the token service, or of the storage."""

    def recording(self, container: str) -> Mapping[str, Any] | None:
        """What its own view of a recording says: `complete` (whether), `objects` (MD5 by name). None: unknown to it.
        Raises NotImplementedError where it cannot be asked.
        """


class MemoryEvidence:
    """An object with `handle(method, path, headers, body)`, which returns status, headers and body, and with `user` and
    `key`. Where it has `recording(container)` and `receipt_keys`, more can be examined.
    """

    def __init__(self, back_end: Any) -> None:
        """Raises ConfigError for an object that is none."""
        missing = [name for name in ("handle", "user", "key") if not hasattr(back_end, name)]
        if missing:
            raise ConfigError(f"{type(back_end).__name__} has no {missing[0]}; see docs/conformance.md")
        self._back_end = back_end
        self.user, self.key = str(back_end.user), str(back_end.key)
        self.receipt_keys: Sequence[PublicKey] = tuple(getattr(back_end, "receipt_keys", ()))

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """See `EvidenceSubject.send`."""
        given = {name.lower(): value for name, value in headers.items()}
        try:
            status, answered, content = self._back_end.handle(method, path, given, body)
        except Exception as error:
            text = f"handle({method!r}, {path!r}, …) raised {type(error).__name__}: {error}"
            raise EvidenceSubjectError(text) from error
        return Reply(status, {name.lower(): value for name, value in answered.items()}, content)

    def recording(self, container: str) -> Mapping[str, Any] | None:
        """See `EvidenceSubject.recording`."""
        query: Callable[[str], Mapping[str, Any] | None] | None = getattr(self._back_end, "recording", None)
        if query is None:
            raise NotImplementedError
        return query(container)


class HttpEvidence:
    """A server, and a URL with `{container}` at which it says what it has."""

    def __init__(
        self, url: str, user: str, key: str, ca: str = "", probe: str = "", receipt_keys: Sequence[PublicKey] = ()
    ) -> None:
        """`url`: of its token service. Raises ConfigError."""
        import httpx

        if not urlsplit(url).path.strip("/") or not url.startswith(("http://", "https://")):
            raise ConfigError(f"--evidence {url}: give the address of the token service, https://HOST/auth/v1.0")
        if probe and "{container}" not in probe:
            raise ConfigError(f"--evidence-probe {probe}: give http://HOST/PATH/{{container}}, with the word in braces")
        self.user, self.key, self.receipt_keys, self._probe = user, key, receipt_keys, probe
        parts = urlsplit(url)
        self._origin, self.token_path = f"{parts.scheme}://{parts.netloc}", parts.path
        self._errors = httpx.HTTPError
        self._client = httpx.Client(verify=ca or True, trust_env=False, timeout=30)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """See `EvidenceSubject.send`."""
        return self._send(method, self._origin + quote(path), headers, body)

    def recording(self, container: str) -> Mapping[str, Any] | None:
        """See `EvidenceSubject.recording`."""
        if not self._probe:
            raise NotImplementedError
        url = self._probe.replace("{container}", quote(container, safe=""))
        answer = self._send("GET", url, {}, b"")
        if answer.status == 404:
            return None
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if answer.status != 200 or not isinstance(found, dict):
            raise EvidenceSubjectError(f"{url}: {answer.status}, {answer.body[:_SHOWN_BYTES]!r}: is no JSON object")
        return found

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            answer = self._client.request(method, url, headers=dict(headers), content=body)
        except self._errors as error:
            raise EvidenceSubjectError(f"{method} {url}: {error}") from error
        return Reply(
            answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content
        )

"""A small Swift in memory, for the answers that a real one does not give: 400, 402, 507, a wrong checksum, or none."""

import hashlib
import json
from dataclasses import dataclass, field

import httpx

ADDRESS = "http://127.0.0.1:8080/auth/v1.0"
STORAGE = "http://127.0.0.1:8080/v1/AUTH_bodycams"


@dataclass
class Override:
    """An answer in place of the usual one, so many times."""

    method: str
    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    times: int = 10**6


@dataclass
class StubSwift:
    """Tokens, containers, objects. `requests` keeps what was asked: `PUT Devices/cam-0001`."""

    overrides: list[Override] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    info: dict[str, object] | None = None
    storage: str = STORAGE
    tokens: int = 0
    names_etag: bool = True

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        path = request.url.path.removeprefix("/v1/AUTH_bodycams/")
        query = f"?{request.url.query.decode()}" if request.url.query else ""
        self.requests.append(f"{request.method} {path}{query}")
        if (override := self._override(request.method, path)) is not None:
            return httpx.Response(override.status, headers=override.headers, text=override.text)
        if request.url.path == "/auth/v1.0":
            return self._token(request)
        if request.url.path == "/info":
            return httpx.Response(200, json=self.info) if self.info else httpx.Response(404)
        if request.headers.get("x-auth-token") != f"token-{self.tokens}":
            return httpx.Response(401)
        return getattr(self, f"_{request.method.lower()}")(path, request, body)

    def _override(self, method: str, path: str) -> Override | None:
        for one in self.overrides:
            if one.times and one.method == method and one.path in path:
                one.times -= 1
                return one
        return None

    def _token(self, request: httpx.Request) -> httpx.Response:
        if (request.headers["x-auth-user"], request.headers["x-auth-key"]) != ("uploader", "secret"):
            return httpx.Response(401)
        self.tokens += 1
        return httpx.Response(200, headers={"X-Auth-Token": f"token-{self.tokens}", "X-Storage-Url": self.storage})

    def _put(self, path: str, request: httpx.Request, body: bytes) -> httpx.Response:
        container = path.partition("/")[0]
        if path != container and container not in self.metadata:
            return httpx.Response(404)
        is_new = path not in self.metadata
        self.metadata[path] = {**self.metadata.get(path, {}), **_meta(request)}
        if path == container:
            return httpx.Response(201 if is_new else 202)
        if request.url.query == b"multipart-manifest=put":
            body = b"".join(self.objects[part["path"].removeprefix("/")] for part in json.loads(body))
        self.objects[path] = body
        etag = {"Etag": hashlib.md5(body).hexdigest()} if self.names_etag else {}
        return httpx.Response(201, headers=etag)

    def _post(self, path: str, request: httpx.Request, body: bytes) -> httpx.Response:
        self.metadata[path] |= _meta(request)
        return httpx.Response(204)

    def _head(self, path: str, request: httpx.Request, body: bytes) -> httpx.Response:
        if path not in self.metadata:
            return httpx.Response(404)
        return httpx.Response(200, headers=self.metadata[path])

    def _get(self, path: str, request: httpx.Request, body: bytes) -> httpx.Response:
        return httpx.Response(200, content=self.objects[path]) if path in self.objects else httpx.Response(404)


def _meta(request: httpx.Request) -> dict[str, str]:
    return {key: value for key, value in request.headers.items() if "-meta-" in key}

"""Carries a camera's HTTP requests to an evidence back end in memory, over the line of its docking station."""

import hashlib
from collections.abc import AsyncIterator
from typing import Protocol

import httpx

from lapel.clock import Clock
from lapel_fleet.runs.evidence_back_end.back_end import EvidenceBackEnd
from lapel_fleet.runs.evidence_back_end.containers import OBJECT, metadata_of
from lapel_fleet.runs.evidence_back_end.exchange import Answer, Content, Reception, Request
from lapel_fleet.runs.evidence_back_end.receipts import is_read


class Line(Protocol):
    """A network line that passes so many bytes per second."""

    async def take(self, size_bytes: int) -> None:
        """Return when that many bytes have passed."""


class MemoryTransport(httpx.AsyncBaseTransport):
    """Implements the transport of `httpx`. Time passes on the injected clock alone."""

    def __init__(self, back_end: EvidenceBackEnd, clock: Clock, line: Line | None) -> None:
        self._back_end, self._clock, self._line = back_end, clock, line

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry out a request. Raises httpx.TransportError where the connection breaks."""
        head = Request(
            request.method, request.url.path, {name.lower(): value for name, value in request.headers.items()}
        )
        content = await self._receive(request, head, self._back_end.reception(head))
        answer = self._back_end.answer(Request(head.method, head.path, head.headers, content))
        if answer.is_lost:
            raise httpx.ReadError("the connection broke before the answer", request=request)
        return _response(request, answer)

    async def _receive(self, request: httpx.Request, head: Request, reception: Reception) -> Content:
        """The content of a body, of which only what the back end reads itself is kept."""
        digest, length, kept = hashlib.md5(usedforsecurity=False), 0, bytearray()
        keeps, expected = is_read(metadata_of(head.headers, OBJECT)), int(head.headers.get("content-length", "0"))
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for piece in request.stream:
            await self._pass(len(piece), reception)
            digest.update(piece)
            length += len(piece)
            if keeps:
                kept += piece
            if reception.is_cut and 2 * length >= expected:
                raise httpx.WriteError("the connection broke in mid-upload", request=request)
        return Content(length, digest.hexdigest(), bytes(kept) if keeps else None)

    async def _pass(self, size_bytes: int, reception: Reception) -> None:
        if size_bytes and self._line is not None:
            await self._line.take(size_bytes)
        if reception.bytes_per_s is not None:
            await self._clock.sleep(size_bytes / reception.bytes_per_s)


class _Body(httpx.AsyncByteStream):
    """The body of an answer, not yet read."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


def _response(request: httpx.Request, answer: Answer) -> httpx.Response:
    body = b"" if request.method == "HEAD" else answer.body
    return httpx.Response(answer.status, headers=dict(answer.headers), stream=_Body(body), request=request)

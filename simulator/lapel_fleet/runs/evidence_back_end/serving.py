"""Serves an evidence back end over HTTP, beside other tasks of an event loop."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from lapel.clock import Clock, SystemClock
from lapel.errors import StorageError
from lapel.http_server import Listening, Server
from lapel.worker import ThreadWorker
from lapel_fleet.runs.evidence_back_end.application import Application
from lapel_fleet.runs.evidence_back_end.back_end import AUTH, EvidenceBackEnd
from lapel_fleet.runs.evidence_back_end.faults import Faults
from lapel_fleet.runs.evidence_back_end.folder import CONNECTION, EvidenceFolder
from lapel_fleet.runs.evidence_back_end.receipts import ReadManifest, verified_manifest
from lapel_fleet.runs.evidence_back_end.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Served:
    """An evidence back end that is being served."""

    back_end: EvidenceBackEnd
    url: str
    user: str
    key: str
    connection: Path
    """The connection file, which a camera needs."""

    @property
    def token_url(self) -> str:
        """Where clients get their tokens."""
        return f"{self.url}{AUTH}"


class _Connections:
    """The open connections, by the client's address: a fault breaks one."""

    def __init__(self) -> None:
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """The HTTP protocol that registers its connections here."""
        transports = self._transports

        class Protocol(H11Protocol):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                transports[transport.get_extra_info("peername")[:2]] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.transport.get_extra_info("peername")[:2], None)
                super().connection_lost(exc)

        return Protocol

    def break_connection(self, request: Request) -> None:
        """Break the connection of a request."""
        client = request.client
        if client is not None and (transport := self._transports.get((client.host, client.port))) is not None:
            transport.abort()


@contextlib.asynccontextmanager
async def served(
    root: Path,
    where: Listening,
    faults: Faults,
    log: Callable[[str], None],
    *,
    clock: Clock | None = None,
    read_manifest: ReadManifest = verified_manifest,
) -> AsyncIterator[Served]:
    """Serve while the block runs. `log` gets a line for each request. `clock` dates receipts: the machine's by default.

    Raises StorageError when the folder cannot be used.
    """
    with contextlib.ExitStack() as stack:
        url, worker, clock = where.url, ThreadWorker(1), clock or SystemClock()
        stack.callback(worker.close)
        try:
            folder = EvidenceFolder(root)
            user, key = folder.connect(url)
            tokens = Tokens(user, key, clock, lambda: secrets.token_urlsafe(24), faults)
            back_end = EvidenceBackEnd(
                tokens, clock, folder.receipt_key(), faults, url=url, read_manifest=read_manifest
            )
            back_end.containers.update(folder.load())
        except OSError as error:
            raise StorageError(f"{root}: cannot be used: {error.strerror}") from error
        connections = _Connections()
        application = Application(back_end, folder, worker, connections.break_connection, log)
        server = Server(application.app, where, http=connections.protocol())
        running = asyncio.create_task(server.run_until_exit(), name="evidence back end")
        try:
            yield Served(back_end, url, user, key, root / CONNECTION)
        finally:
            server.should_exit = True
            await running

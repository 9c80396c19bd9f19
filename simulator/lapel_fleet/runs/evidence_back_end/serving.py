"""Runs an evidence back end over HTTP on this machine, until Ctrl-C or SIGTERM."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from lapel.clock import Clock, SystemClock
from lapel.errors import ConfigError, StorageError
from lapel.worker import ThreadWorker
from lapel_fleet.runs.evidence_back_end.application import Application
from lapel_fleet.runs.evidence_back_end.back_end import AUTH, EvidenceBackEnd
from lapel_fleet.runs.evidence_back_end.faults import Faults
from lapel_fleet.runs.evidence_back_end.folder import CONNECTION, EvidenceFolder
from lapel_fleet.runs.evidence_back_end.receipts import ReadManifest, verified_manifest
from lapel_fleet.runs.evidence_back_end.tokens import Tokens

_HOST = "127.0.0.1"
_GOODBYE_S = 2


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


class _Server(uvicorn.Server):
    """A server whose process handles its signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


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
    port: int,
    faults: Faults,
    log: Callable[[str], None],
    *,
    clock: Clock | None = None,
    read_manifest: ReadManifest = verified_manifest,
) -> AsyncIterator[Served]:
    """Serve while the block runs. `port` 0: any free one. `log` gets a line for each request. `clock` dates receipts:
    the machine's by default.

    Raises ConfigError when it cannot listen there, StorageError when the folder cannot be used.
    """
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(_listening(port))
        url = f"http://{_HOST}:{listening.getsockname()[1]}"
        worker, clock = ThreadWorker(1), clock or SystemClock()
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
        server = _Server(uvicorn.Config(
            application.app, http=connections.protocol(), log_level="error", access_log=False, lifespan="off",
            timeout_graceful_shutdown=_GOODBYE_S, server_header=False, ws="none",
        ))  # fmt: skip
        running = asyncio.create_task(server.serve(sockets=[listening]), name="evidence back end")
        try:
            yield Served(back_end, url, user, key, root / CONNECTION)
        finally:
            server.should_exit = True
            await running


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """A socket that listens on this machine only. Raises ConfigError."""
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((_HOST, port))
        except (OSError, OverflowError) as error:
            raise ConfigError(f"--port {port}: cannot listen there: {error}; --port 0 takes any free one") from error
        yield found

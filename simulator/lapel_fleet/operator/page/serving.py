"""Runs the page: the web server, the connection to the broker and the history, until Ctrl-C or SIGTERM."""

import asyncio
import contextlib
import random
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from lapel.clock import SystemClock
from lapel.link.broker_address import Broker
from lapel.link.messages import StateMessage
from lapel.sanitize import plain
from lapel.worker import ThreadWorker
from lapel_fleet.operator.metrics.fleet_metrics import FleetMetrics
from lapel_fleet.operator.page.application import Page
from lapel_fleet.operator.page.connection import FleetConnection
from lapel_fleet.operator.page.fleet_view import FleetView
from lapel_fleet.operator.page.history import History
from lapel_fleet.operator.page.history_writer import HistoryWriter
from lapel_fleet.operator.page.tokens import Tokens
from lapel_fleet.operator.received import Received
from lapel_fleet.operator.web_server import HOST, WebServer, loopback_socket

_GOODBYE_S = 2


@dataclass(frozen=True, slots=True)
class Serving:
    """What to serve, and where."""

    agency: str
    port: int
    history: Path
    days: float
    tokens: Tokens
    origins: list[str] = field(default_factory=list)
    """Beside those of this machine."""


async def serve(brokers: Sequence[Broker], asked: Serving) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises ConfigError when it cannot listen, LinkError without a broker at the start,
    StorageError when the history cannot be used.
    """
    clock, worker = SystemClock(), ThreadWorker(1)
    with contextlib.ExitStack() as stack:
        stack.callback(worker.close)
        listening = stack.enter_context(loopback_socket(asked.port))
        port = listening.getsockname()[1]
        history = stack.enter_context(contextlib.closing(History(asked.history)))
        view, metrics = FleetView(clock), FleetMetrics(clock)
        for camera, event in history.newest_events():
            view.restore(camera, event)
        writer = HistoryWriter(history, worker, clock, asked.days, _warn)

        def on_message(received: Received, before: StateMessage | None) -> None:
            metrics.take(received, before)
            view.take(received, before)
            writer.take(received)

        connection = FleetConnection(brokers, asked.agency, clock, random.Random(), history, worker, on_message)
        page = Page(
            asked.agency, view, connection, writer, history, metrics, asked.tokens, worker, clock,
            origins=[f"http://{HOST}:{port}", f"http://localhost:{port}", *asked.origins], cookie=f"lapel-{port}",
        )  # fmt: skip
        config = uvicorn.Config(
            page.app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=_GOODBYE_S,
            server_header=False, ws="none",
        )  # fmt: skip
        server = WebServer(config)
        await _run(server, listening, page, connection, writer, lambda: _print_addresses(port, asked.tokens))


async def _run(
    server: uvicorn.Server,
    listening: socket.socket,
    page: Page,
    connection: FleetConnection,
    writer: HistoryWriter,
    on_first: Callable[[], None],
) -> None:
    """Run all three; the first that ends, by a signal or an error, ends the others."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tasks = [
        asyncio.create_task(connection.run(on_first), name="connection"),
        asyncio.create_task(writer.run(), name="history"),
        asyncio.create_task(server.serve(sockets=[listening]), name="server"),
        asyncio.create_task(stop.wait(), name="stop"),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await page.close()
        server.should_exit = True
        for task in tasks:
            if task.get_name() != "server":
                task.cancel()
        await asyncio.wait(tasks)
        await writer.write()
    for task in done:
        task.result()


def _print_addresses(port: int, tokens: Tokens) -> None:
    for name, token in tokens.by_name.items():
        print(f"{plain(name)}: http://{HOST}:{port}/login?token={token}", flush=True)


def _warn(text: str) -> None:
    print(f"lapel-fleet: {plain(text)}", file=sys.stderr, flush=True)

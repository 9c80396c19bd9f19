"""Runs the page: the web server, the connection to the broker and the history, until Ctrl-C or SIGTERM."""

import asyncio
import contextlib
import random
import signal
import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from lapel.clock import SystemClock
from lapel.errors import ConfigError
from lapel.http_server import Listening, Server, listening
from lapel.link.broker_address import Broker
from lapel.link.messages import StateMessage
from lapel.sanitize import plain
from lapel.tokens import Tokens
from lapel.worker import ThreadWorker
from lapel_fleet.operator.metrics.fleet_metrics import FleetMetrics
from lapel_fleet.operator.page.application import Page
from lapel_fleet.operator.page.connection import FleetConnection
from lapel_fleet.operator.page.fleet_view import FleetView
from lapel_fleet.operator.page.history import History
from lapel_fleet.operator.page.history_writer import HistoryWriter
from lapel_fleet.operator.page.live_views import LiveSources, LiveViews
from lapel_fleet.operator.page.run_control import RunControl, RunWatch
from lapel_fleet.operator.received import Received

_LIVE_TIMEOUT_S, _LIVE_CONNECTIONS = 15.0, 50


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
    live: LiveSources = field(default_factory=LiveSources)
    live_ca: Path | None = None
    """Authority of the certificates of live views, beside the system's."""
    run: RunControl | None = None
    """A simulated run whose cameras can be acted upon by hand."""


async def serve(brokers: Sequence[Broker], asked: Serving) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises ConfigError when it cannot listen, LinkError without a broker at the start,
    StorageError when the history cannot be used.
    """
    clock, worker = SystemClock(), ThreadWorker(1)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(worker.close)
        where = stack.enter_context(listening("--port", str(asked.port)))
        port = where.port
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
        client = await stack.enter_async_context(_live_client(asked.live_ca))
        watch = RunWatch(asked.run, clock) if asked.run is not None else None
        page = Page(
            asked.agency, view, connection, writer, history, metrics, asked.tokens, worker, clock,
            origins=[where.url, f"http://localhost:{port}", *asked.origins], cookie=f"lapel-{port}",
            live=LiveViews(asked.live, client), run=watch,
        )  # fmt: skip
        if watch is not None:
            stack.push_async_callback(_ended, asyncio.create_task(watch.run(), name="run"))
        await _run(Server(page.app, where), page, connection, writer, lambda: _print_addresses(where, asked.tokens))


async def _run(
    server: Server,
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
        asyncio.create_task(server.run_until_exit(), name="server"),
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


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


def _live_client(ca: Path | None) -> httpx.AsyncClient:
    """What fetches live views. Raises ConfigError for a certificate that cannot be used."""
    context = ssl.create_default_context()
    try:
        if ca is not None:
            context.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{ca}: cannot be used as a certificate authority: {error}") from error
    limits = httpx.Limits(max_connections=_LIVE_CONNECTIONS)
    return httpx.AsyncClient(verify=context, timeout=_LIVE_TIMEOUT_S, limits=limits, trust_env=False)


def _print_addresses(where: Listening, tokens: Tokens) -> None:
    for name, token in tokens.by_name.items():
        print(f"{plain(name)}: {where.url}/login?token={token}", flush=True)


def _warn(text: str) -> None:
    print(f"lapel-fleet: {plain(text)}", file=sys.stderr, flush=True)

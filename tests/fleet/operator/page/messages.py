"""Messages and a page without a broker, for tests of the page."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from lapel.clock import iso
from lapel.link.messages import EventMessage, Telemetry
from lapel.tokens import Tokens
from lapel.worker import InlineWorker
from lapel_fleet.operator.metrics.fleet_metrics import FleetMetrics
from lapel_fleet.operator.page.application import Page
from lapel_fleet.operator.page.connection import FleetConnection
from lapel_fleet.operator.page.fleet_view import FleetView
from lapel_fleet.operator.page.history import History
from lapel_fleet.operator.page.history_writer import HistoryWriter
from lapel_fleet.operator.page.live_views import LiveSources, LiveViews
from lapel_fleet.operator.page.run_control import RunControl, RunWatch
from lapel_fleet.operator.received import Message, ReceivedMessage
from waited_clock import WaitedClock

ORIGIN = "http://127.0.0.1:8090"
NO_LIVE_VIEW = LiveSources()
TOKENS = {"ann": "a" * 24, "bob": "b" * 24}


def telemetry(time: str, **more: Any) -> Telemetry:
    fields = {
        "session": "s", "state": "buffering", "uptime_s": 1, "buffered_s": 30, "buffered_bytes": 1, "measured_fps": 30,
        "dropped_frames": 0, "unwritten_bytes": 0, "events_waiting": 0, "events_dropped": 0, **more,
    }  # fmt: skip
    return Telemetry(time=time, **fields)


def event(id_: str, kind: str, mono_s: float = 1.0, session: str = "s", **detail: Any) -> EventMessage:
    time = iso(WaitedClock().now().shifted(mono_s).utc)
    return EventMessage(id=id_, kind=kind, time=time, mono_s=mono_s, camera="1", session=session, detail=detail)  # type: ignore[arg-type]


class TestedPage:
    """A page whose messages a test gives, and whose broker is away unless the test replaces `connection`."""

    __test__ = False

    def __init__(self, live: LiveSources = NO_LIVE_VIEW, cameras: Any = None, run: RunControl | None = None) -> None:
        """`cameras`: the ASGI application that answers in place of the cameras' live views."""
        self.clock = WaitedClock()
        self.history = History(":memory:")
        self.view = FleetView(self.clock)
        worker = InlineWorker()
        self.writer = HistoryWriter(self.history, worker, self.clock, 30, lambda _: None)
        self.connection = FleetConnection(
            [], "demo", self.clock, random.Random(1), self.history, worker, lambda _, __: None
        )
        self.metrics = FleetMetrics(self.clock)
        self.live_client = httpx.AsyncClient(transport=httpx.ASGITransport(cameras))
        self.run = RunWatch(run, self.clock) if run is not None else None
        self.page = Page(
            "demo", self.view, self.connection, self.writer, self.history, self.metrics, Tokens(TOKENS), worker,
            self.clock, [ORIGIN], "lapel-8090", LiveViews(live, self.live_client),
            self.run,
        )  # fmt: skip

    def sends(self, camera: str, *messages: Message, retained: bool = False) -> None:
        for message in messages:
            received = ReceivedMessage(camera, message, retained)
            self.view.take(received)
            self.metrics.take(received)
            self.writer.take(received)

    def browser(self, *, token: str = TOKENS["ann"], origin: str = ORIGIN) -> httpx.AsyncClient:
        """A browser that is logged in."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.page.app), base_url=ORIGIN, cookies={"lapel-8090": token},
            headers={"accept": "text/html", "origin": origin},
        )  # fmt: skip


@asynccontextmanager
async def open_page(
    live: LiveSources = NO_LIVE_VIEW, cameras: Any = None, run: RunControl | None = None
) -> AsyncIterator[TestedPage]:
    """A page that is closed at the end; see `TestedPage`."""
    page = TestedPage(live, cameras, run)
    try:
        yield page
    finally:
        await page.page.close()
        await page.live_client.aclose()
        page.history.close()


NOW = iso(WaitedClock().now().utc)

"""The session against real brokers."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiomqtt
import pytest

from lapel.clock import SystemClock
from lapel.errors import ConfigError, MessageError
from lapel.link.broker_address import brokers_at
from lapel.link.contract import LapelV1
from lapel.link.journal import Journal, MemoryJournal
from lapel.link.messages import Command, EventMessage, Reply, StateMessage
from lapel.link.mqtt import MqttTransport
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.worker import InlineWorker
from lapel_fleet.broker.embedded import embedded_broker, free_port
from system.brokers import real

Kind = Literal["mosquitto", "amqtt"]
ROOT = "lapel/v1/demo/baltimore/cam-0001"
NOW = "2026-11-24T07:00:00Z"


class Host:
    def __init__(self, session: str) -> None:
        self.session = session
        self.reports: list[str] = []
        self.commands: list[Command] = []

    def state_message(self) -> StateMessage:
        return StateMessage(
            state="buffering", agency="demo", site="baltimore", camera="cam-0001", session=self.session,
            firmware="0", flags=[], time=NOW, since=NOW,
        )  # fmt: skip

    def on_command(self, command: Command) -> None:
        self.commands.append(command)

    def on_unfinished(self, reply: Reply) -> None:
        self.reports.append(f"unfinished {reply.command}")

    def on_dropped(self, dropped: Mapping[str, int]) -> None:
        self.reports.append(f"dropped {dict(dropped)}")

    def on_bad_command(self, error: MessageError) -> None:
        self.reports.append(f"bad: {error}")

    def on_link(self, up: bool, reason: str) -> None:
        self.reports.append("up" if up else "down")

    def on_refused(self, what: str, id_: str, reason: str) -> None:
        self.reports.append(f"refused {what} {id_}")

    def on_duplicate(self, session: str) -> None:
        self.reports.append(f"duplicate {session}")


class Watcher:
    """A back end: what it saw, in order."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.seen: list[tuple[str, Any]] = []

    async def read(self) -> None:
        async for message in self.client.messages:
            kind = message.topic.value.rsplit("/", 1)[1]
            if kind != "command":
                assert isinstance(message.payload, bytes)
                self.seen.append((kind, json.loads(message.payload)))

    def of(self, kind: str) -> list[Any]:
        return [payload for topic, payload in self.seen if topic == kind]


@asynccontextmanager
async def watching(port: int) -> AsyncIterator[Watcher]:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        watcher = Watcher(client)
        await client.subscribe(f"{ROOT}/#", qos=1)
        reading = asyncio.create_task(watcher.read())
        try:
            yield watcher
        finally:
            reading.cancel()
            await asyncio.wait([reading])


def session(host: Host, port: int, seed: int = 1, journal: Journal | None = None) -> Session:
    return Session(
        MqttTransport(brokers_at(f"mqtt://127.0.0.1:{port}"), keepalive_s=5),
        LapelV1("demo", "baltimore", "cam-0001"),
        SystemClock(),
        Outbox(journal or MemoryJournal(), InlineWorker()),
        session=host.session,
        rng=random.Random(seed),
        spread_s=0.2,
    )


@asynccontextmanager
async def running(link: Session, host: Host) -> AsyncIterator[None]:
    task = asyncio.create_task(link.run(host))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.02)


def event(number: int) -> EventMessage:
    return EventMessage(
        id=f"e{number}", kind="marker", time=NOW, mono_s=1.0, camera="cam-0001", session="one", detail={}
    )


@pytest.fixture(params=["mosquitto", "amqtt"])
def kind(request: pytest.FixtureRequest) -> Kind:
    if request.param == "mosquitto":
        real("mosquitto")
        return "mosquitto"
    return "amqtt"


async def test_birth_command_event_and_farewell(kind: Kind) -> None:
    host = Host("one")
    async with embedded_broker(kind) as broker, watching(broker.port) as watcher:
        link = session(host, broker.port)
        async with running(link, host):
            await until(lambda: watcher.of("state"))
            assert watcher.of("state")[0]["state"] == "buffering"
            await watcher.client.publish(f"{ROOT}/command", b'{"id": "1", "command": "arm"}', qos=1)
            await watcher.client.publish(f"{ROOT}/command", b"boom", qos=1)
            await until(lambda: host.commands and any("JSON" in reports for reports in host.reports))
            link.publish(event(1))
            await until(lambda: watcher.of("event"))
            await link.close("power off")
        await until(lambda: watcher.of("state")[-1]["state"] == "offline")
        assert watcher.of("state")[-1]["reason"] == "power off"


async def test_a_session_that_ends_without_a_farewell_leaves_that_to_the_last_will(kind: Kind) -> None:
    """A clean disconnect would have the broker discard the will, and show the camera in its last state for ever."""
    host = Host("one")
    async with embedded_broker(kind) as broker, watching(broker.port) as watcher:
        async with running(session(host, broker.port), host):
            await until(lambda: watcher.of("state"))
        await until(lambda: watcher.of("state")[-1]["state"] == "offline")
        assert watcher.of("state")[-1]["reason"] == "connection lost"


async def test_a_retained_command_is_reported_and_never_executed(kind: Kind) -> None:
    host = Host("one")
    async with embedded_broker(kind) as broker, watching(broker.port) as watcher:
        await watcher.client.publish(f"{ROOT}/command", b'{"id": "1", "command": "arm"}', qos=1, retain=True)
        async with running(session(host, broker.port), host):
            await until(lambda: any("retained" in reports for reports in host.reports))
        assert host.commands == []


async def test_events_survive_a_broker_that_is_away_in_order(kind: Kind) -> None:
    host, port = Host("one"), free_port()
    link = session(host, port)
    for number in range(5):
        link.publish(event(number))
    async with running(link, host):
        await until(lambda: "down" in host.reports)
        async with embedded_broker(kind, port), watching(port) as watcher:
            await until(lambda: len(watcher.of("event")) == 5)
            assert [one["id"] for one in watcher.of("event")] == [f"e{number}" for number in range(5)]
        await until(lambda: host.reports[-1] == "down")
        link.publish(event(5))
        async with embedded_broker(kind, port), watching(port) as watcher:
            await until(lambda: watcher.of("event"))
            assert watcher.of("event")[-1]["id"] == "e5"
            await until(lambda: link.status().events_waiting == 0)


async def test_two_live_cameras_of_one_name_settle_and_the_newcomer_stays(kind: Kind) -> None:
    if kind == "amqtt":
        pytest.skip("amqtt lets two sessions of one client id live side by side (MQTT 3.1.1, 3.1.4-2 forbids it)")
    older, newer = Host("older"), Host("newer")
    async with embedded_broker(kind) as broker, watching(broker.port) as watcher:
        async with running(session(older, broker.port), older):
            await until(lambda: "up" in older.reports)
            async with running(session(newer, broker.port, seed=2), newer):
                await until(lambda: "duplicate newer" in older.reports)
                await asyncio.sleep(3)  # long enough for a ping-pong to show
                assert newer.reports == ["up"]
                assert (watcher.of("state")[-1]["session"], watcher.of("state")[-1]["state"]) == ("newer", "buffering")


async def test_of_several_brokers_the_one_that_answers_is_used() -> None:
    real("mosquitto")
    host = Host("one")
    async with embedded_broker() as broker:
        urls = f"mqtt://127.0.0.1:{free_port()} mqtt://no.such.host.invalid mqtt://127.0.0.1:{broker.port}"
        transport = MqttTransport(brokers_at(urls, allow_plain=True), keepalive_s=5)
        link = Session(
            transport, LapelV1("demo", "baltimore", "cam-0001"), SystemClock(), Outbox(MemoryJournal(), InlineWorker()),
            session="one", rng=random.Random(1), spread_s=0.2,
        )  # fmt: skip
        async with running(link, host):
            await until(lambda: "up" in host.reports)
            assert host.reports == ["down", "down", "up"]
            assert str(transport) == f"127.0.0.1:{broker.port}"


async def test_a_late_will_never_leaves_a_live_camera_offline(kind: Kind) -> None:
    host = Host("one")
    async with embedded_broker(kind) as broker, watching(broker.port) as watcher:
        async with running(session(host, broker.port), host):
            await until(lambda: "up" in host.reports)
            late = b'{"state": "offline", "camera": "cam-0001", "session": "before"}'
            await watcher.client.publish(f"{ROOT}/state", late, qos=1, retain=True)
            await until(lambda: [one["session"] for one in watcher.of("state")][-2:] == ["before", "one"])


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("mqtt://broker.example", "would not be encrypted"),
        ("http://127.0.0.1", "mqtt://HOST"),
        ("mqtt://", "mqtt://HOST"),
        ("mqtt://127.0.0.1:99999", "cannot be read"),
    ],
)
def test_an_invalid_address_is_refused_with_the_reason(url: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        brokers_at(url)


def test_a_password_is_never_shown() -> None:
    (broker,) = brokers_at("mqtt://me:secret@127.0.0.1")
    assert broker.password == "secret"
    assert "secret" not in f"{broker} {broker!r}"

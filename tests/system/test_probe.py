"""The network probe on real sockets and a real Mosquitto: every step that can fail is named, with what to do."""

import asyncio
import getpass
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from lapel.check import Check
from lapel.clock import SystemClock
from lapel.console.client import Client
from lapel.link.broker_address import Broker, brokers_at
from lapel.link.probe import STEP_S, Probe
from lapel_fleet.broker.authority import Authority
from lapel_fleet.broker.embedded import embedded_broker, free_port
from lapel_fleet.broker.identity import camera_identities
from lapel_fleet.broker.mosquitto_conf import write_mosquitto_conf
from system.brokers import real
from system.process import fleet, until
from system.technician import SECRET, camera_with_console

LOOPBACK = "127.0.0.1"


class Secured(NamedTuple):
    """A Mosquitto that requires certificates, with the identities of its authority."""

    folder: Path
    port: int

    def as_camera(self, name: str) -> Broker:
        own = self.folder / "identities" / "demo" / "home" / name
        return self.broker(cert=own.with_suffix(".crt"), key=own.with_suffix(".key"))

    def broker(self, host: str = "localhost", **files: Path) -> Broker:
        (one,) = brokers_at(f"mqtts://{host}:{self.port}", **{"ca": self.folder / "ca.crt", **files})
        return one


@contextmanager
def mosquitto(config: Path) -> Iterator[None]:
    command = [real("mosquitto"), "-c", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Cameras `good`, `expired` and `revoked`, named after the status of their certificates."""
    folder, now, port = tmp_path_factory.mktemp("secured"), SystemClock().now().utc, free_port()
    Authority(folder, now - timedelta(days=3)).provision(camera_identities("demo", ["home=expired"]), [], [], 1)
    authority = Authority(folder, now)
    authority.provision(camera_identities("demo", ["home=good,revoked"]), [], [], 30)
    authority.revoke(["demo/home/revoked"])
    with mosquitto(write_mosquitto_conf(authority, port, LOOPBACK)):
        yield Secured(folder, port)


async def probed(broker: Broker | str, step_s: float = STEP_S) -> list[Check]:
    """Probe a broker; the probe must leave no task behind."""
    (one,) = brokers_at(broker) if isinstance(broker, str) else (broker,)
    async with asyncio.timeout(30):
        steps = await Probe(one, "a-probe", step_s).run()
    await until(lambda: not pings(), lambda: f"still pinging: {pings()}")
    return steps


def pings() -> list[str]:
    """Tasks of aiomqtt that keep a connection alive."""
    return [str(task) for task in asyncio.all_tasks() if "_misc_loop" in str(task.get_coro())]


async def probed_once_up(broker: Broker) -> list[Check]:
    """Probe a Mosquitto that may still be starting."""
    with closing(socket.socket()) as one:
        await until(lambda: one.connect_ex((LOOPBACK, broker.port)) == 0, lambda: f"nothing listens at {broker}")
    return await probed(broker)


class OtherServer(asyncio.Protocol):
    """A server that is no broker: accepts a connection, sends its greeting, and answers nothing."""

    def __init__(self, greeting: bytes) -> None:
        self._greeting = greeting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._greeting)


@asynccontextmanager
async def other_server(greeting: bytes = b"") -> AsyncIterator[str]:
    """Address of such a server."""
    server = await asyncio.get_running_loop().create_server(lambda: OtherServer(greeting), LOOPBACK, 0)
    async with server:
        yield f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"


def names(steps: list[Check]) -> list[str]:
    return [step.name for step in steps]


def failed(steps: list[Check]) -> tuple[str, str]:
    """The last step and its finding; the others must have succeeded."""
    assert [step.ok for step in steps] == [True] * (len(steps) - 1) + [False], steps
    return steps[-1].name, steps[-1].finding


async def test_every_step_succeeds_without_tls() -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        steps = await probed(f"mqtt://localhost:{broker.port}")
    assert names(steps) == ["name", "route", "tcp", "mqtt"]
    assert all(step.ok for step in steps), steps


async def test_every_step_succeeds_at_a_broker_without_mqtt_5() -> None:
    async with embedded_broker("amqtt") as broker:
        steps = await probed(broker.url)
    assert all(step.ok for step in steps), steps


async def test_every_step_succeeds_with_certificates(secured: Secured) -> None:
    steps = await probed_once_up(secured.as_camera("good"))
    assert names(steps) == ["name", "route", "tcp", "tls", "mqtt"]
    assert all(step.ok for step in steps), steps


async def test_a_name_that_cannot_be_resolved() -> None:
    step, finding = failed(await probed("mqtts://broker.invalid"))
    assert step == "name"
    assert "is link.broker spelt right" in finding


async def test_a_port_that_is_closed() -> None:
    step, finding = failed(await probed(f"mqtt://localhost:{free_port()}"))
    assert step == "tcp"
    assert "Connection refused; is the broker running there, is the port right" in finding


@pytest.mark.parametrize(("scheme", "silent"), [("mqtts", "tls"), ("mqtt", "mqtt")])
async def test_a_server_that_never_answers(scheme: str, silent: str) -> None:
    began_s = SystemClock().mono_s()
    async with other_server() as there:
        step, finding = failed(await probed(f"{scheme}://{there}", step_s=1.0))
    assert step == silent
    assert "no answer within 1 s" in finding
    assert SystemClock().mono_s() - began_s < 5


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x20\x02\x00\x85", b"\x00" * 400])
@pytest.mark.parametrize(("scheme", "fails"), [("mqtts", "tls"), ("mqtt", "mqtt")])
async def test_a_server_that_is_no_broker(scheme: str, fails: str, greeting: bytes) -> None:
    async with other_server(greeting) as there:
        step, finding = failed(await probed(f"{scheme}://{there}", step_s=1.0))
    assert step == fails
    assert "is this" in finding


async def test_a_broker_of_another_authority(secured: Secured, tmp_path: Path) -> None:
    Authority(tmp_path, SystemClock().now().utc)
    step, finding = failed(await probed_once_up(secured.broker(ca=tmp_path / "ca.crt")))
    assert step == "tls"
    assert finding.startswith("the broker's certificate: ")
    assert "link.ca" in finding


async def test_a_broker_whose_certificate_has_expired(tmp_path: Path) -> None:
    port, authority = free_port(), Authority(tmp_path, SystemClock().now().utc - timedelta(days=3))
    authority.provision([], [], [], 1)
    with mosquitto(write_mosquitto_conf(authority, port, LOOPBACK)):
        step, finding = failed(await probed_once_up(Secured(tmp_path, port).broker()))
    assert step == "tls"
    assert finding.startswith("the broker's certificate: certificate has expired; is this camera's clock right")


@pytest.mark.parametrize(("camera", "why"), [("expired", "expired"), ("revoked", "revoked")])
async def test_a_camera_whose_certificate_is_rejected(secured: Secured, camera: str, why: str) -> None:
    step, finding = failed(await probed_once_up(secured.as_camera(camera)))
    assert step == "tls"
    assert finding.startswith("the broker rejected this camera: ")
    assert why in finding


async def test_a_camera_without_a_certificate(secured: Secured) -> None:
    step, finding = failed(await probed_once_up(secured.broker()))
    assert step == "tls"
    assert "certificate required" in finding


async def test_a_camera_that_may_not_connect(tmp_path: Path) -> None:
    port, config = free_port(), tmp_path / "mosquitto.conf"
    config.write_text(f"user {getpass.getuser()}\nlistener {port} {LOOPBACK}\nallow_anonymous false\n")
    (broker,) = brokers_at(f"mqtt://camera:wrong@localhost:{port}")
    with mosquitto(config):
        step, finding = failed(await probed_once_up(broker))
    assert step == "mqtt"
    assert "ot authori" in finding
    assert "name and password in link.broker" in finding
    assert "wrong" not in finding


async def test_the_camera_stays_connected_during_a_probe(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        with (
            fleet(tmp_path, broker.port) as back_end,
            camera_with_console(tmp_path, "--broker", broker.url) as (cam, line),
        ):
            await cam.prints("link up")
            with Client(str(line)) as technician:
                await asyncio.to_thread(technician.log_in, "service", SECRET)
                steps = await asyncio.to_thread(technician.call, "network probe")
                assert [step["ok"] for step in steps] == [True] * 4
                assert (await asyncio.to_thread(technician.call, "network show"))["up"]
            back_end.command("identify", "after-the-probe")
            await back_end.receives("reply", id="after-the-probe", result="done")
            assert "offline" not in {state["state"] for state in back_end.received("state")}
        assert "link down" not in cam.out

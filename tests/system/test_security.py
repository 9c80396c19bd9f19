"""Access control on a real Mosquitto with the certificates and the access list of `lapel-fleet provision`."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import aiomqtt
import pytest

from lapel.clock import SystemClock
from lapel_fleet.broker.authority import Authority
from lapel_fleet.broker.embedded import free_port
from lapel_fleet.broker.identity import camera_identities
from lapel_fleet.broker.mosquitto_conf import write_mosquitto_conf
from system.brokers import real
from system.process import SMALL_SCENE, camera, until

A, B = "demo/baltimore/cam-0001", "demo/baltimore/cam-0002"
QUIET_S = 1.0


class SecuredBroker(NamedTuple):
    folder: Path
    port: int

    def tls(self, name: str, ca: Path | None = None) -> ssl.SSLContext:
        folder = self.folder / ("identities" if name.count("/") == 2 else "operators")
        context = ssl.create_default_context(cafile=ca or self.folder / "ca.crt")
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        return context

    @asynccontextmanager
    async def client(self, name: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[aiomqtt.Client]:
        v5 = aiomqtt.ProtocolVersion.V5
        async with aiomqtt.Client(
            "127.0.0.1", self.port, tls_context=tls or self.tls(name), protocol=v5, timeout=5
        ) as one:
            yield one


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    """Four cameras, the third revoked, the fourth expired, and their broker."""
    folder, now, port = tmp_path_factory.mktemp("secured"), SystemClock().now().utc, free_port()
    old = Authority(folder, now - timedelta(days=3))
    old.provision(camera_identities("demo", ["baltimore=cam-0004"]), [], [], 1)
    authority = Authority(folder, now)
    authority.provision(camera_identities("demo", ["baltimore=cam-0001,cam-0002,cam-0003"]), ["fleet"], [], 30)
    authority.revoke(["demo/baltimore/cam-0003"])
    config = write_mosquitto_conf(authority, port, "127.0.0.1")
    with subprocess.Popen(
        [real("mosquitto"), "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        yield SecuredBroker(folder, port)
        process.kill()


async def wait_for(secured: SecuredBroker) -> None:
    async with asyncio.timeout(15):
        while True:
            try:
                async with secured.client("fleet"):
                    return
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)


async def topics_received_by(client: aiomqtt.Client) -> list[str]:
    """Topics of the messages received within `QUIET_S`."""
    topics: list[str] = []
    try:
        async with asyncio.timeout(QUIET_S):
            async for message in client.messages:
                topics += [message.topic.value]
    except TimeoutError:
        return topics


def topic(name: str, leaf: str) -> str:
    return f"lapel/v1/{name}/{leaf}"


async def test_a_camera_publishes_only_on_its_own_topics(secured: SecuredBroker) -> None:
    await wait_for(secured)
    leaves = ("state", "telemetry", "event", "reply", "reply/desk", "command")
    async with secured.client("fleet") as operator, secured.client(A) as one:
        await operator.subscribe("lapel/v1/#", qos=1)
        for name in (A, B):
            for leaf in leaves:
                await one.publish(topic(name, leaf), b"{}", qos=1)
        await one.publish("lapel/v1/demo/baltimore/cam-0003/state", b"{}", qos=1, retain=True)
        received = await topics_received_by(operator)
    assert sorted(received) == sorted(topic(A, leaf) for leaf in leaves if leaf != "command")


async def test_a_camera_receives_only_its_own_commands(secured: SecuredBroker) -> None:
    await wait_for(secured)
    async with secured.client("fleet") as operator, secured.client(A) as one, secured.client(B) as other:
        for wanted in ("lapel/v1/#", "#", topic(B, "command"), topic(B, "state"), "+/+/+/+/+/command"):
            await one.subscribe(wanted, qos=1)
        await operator.publish(topic(A, "command"), b"{}", qos=1)
        await operator.publish(topic(B, "command"), b"{}", qos=1)
        for leaf in ("state", "event", "reply"):
            await other.publish(topic(B, leaf), b"{}", qos=1)
        assert set(await topics_received_by(one)) == {topic(A, "command")}


async def test_an_operator_sends_commands_and_cannot_publish_as_a_camera(secured: SecuredBroker) -> None:
    await wait_for(secured)
    async with secured.client("fleet") as operator:
        await operator.subscribe("lapel/v1/#", qos=1)
        for leaf in ("state", "event", "reply"):
            await operator.publish(topic(A, leaf), b"{}", qos=1)
        await operator.publish(topic(A, "command"), b"{}", qos=1)
        assert await topics_received_by(operator) == [topic(A, "command")]


@pytest.mark.parametrize("name", ["demo/baltimore/cam-0003", "demo/baltimore/cam-0004"], ids=["revoked", "expired"])
async def test_a_revoked_or_expired_certificate_is_rejected(secured: SecuredBroker, name: str) -> None:
    await wait_for(secured)
    with pytest.raises(aiomqtt.MqttError):
        async with secured.client(name):
            pass


async def test_a_foreign_authority_and_a_missing_certificate_are_rejected(
    secured: SecuredBroker, tmp_path: Path
) -> None:
    await wait_for(secured)
    Authority(tmp_path, SystemClock().now().utc).provision(camera_identities("demo", ["baltimore=1"]), [], [], 30)
    foreign = SecuredBroker(tmp_path, secured.port).tls(A, ca=secured.folder / "ca.crt")
    anonymous = ssl.create_default_context(cafile=secured.folder / "ca.crt")
    for tls in (foreign, anonymous):
        with pytest.raises(aiomqtt.MqttError):
            async with secured.client(A, tls):
                pass


async def test_the_camera_itself_works_with_its_identity(secured: SecuredBroker, tmp_path: Path) -> None:
    await wait_for(secured)
    own = secured.folder / "identities" / A
    config = tmp_path / "lapel.toml"
    config.write_text(
        f'[camera]\nagency = "demo"\nsite = "baltimore"\nname = "cam-0001"\n'
        f'[link]\nbroker = "mqtts://127.0.0.1:{secured.port}"\nca = "{secured.folder}/ca.crt"\n'
        f'cert = "{own}.crt"\nkey = "{own}.key"\n'
    )
    results: list[str] = []
    async with secured.client("fleet") as operator:
        with camera(tmp_path, *SMALL_SCENE, "--config", config) as cam:
            await cam.prints("link up")
            await operator.subscribe(topic(A, "reply"), qos=1)

            async def listen() -> None:
                async for message in operator.messages:
                    assert isinstance(message.payload, bytes)
                    results.append(json.loads(message.payload)["result"])

            listening = asyncio.create_task(listen())
            await operator.publish(topic(A, "command"), b'{"id": "1", "command": "identify"}', qos=1)
            await until(lambda: results == ["accepted", "done"], lambda: f"answers: {results}")
            listening.cancel()
            await asyncio.wait([listening])
            assert "Traceback" not in cam.err

"""`lapel-fleet ls`, `send` and `watch` on real brokers, with real sessions, a real camera and faulty cameras."""

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiomqtt
import msgspec
import pytest

from bench.bench_storm import Silent
from fleet.operator.messages import NOW, state
from lapel.clock import SystemClock
from lapel.link.broker_address import brokers_at
from lapel.link.contract import LapelV1
from lapel.link.journal import MemoryJournal
from lapel.link.messages import Command, Reply, Result, StateMessage
from lapel.link.mqtt import MqttTransport, connect_rate
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.worker import InlineWorker
from lapel_fleet.broker.authority import Authority
from lapel_fleet.broker.embedded import EmbeddedBroker, embedded_broker, free_port
from lapel_fleet.broker.identity import camera_identities
from lapel_fleet.broker.mosquitto_conf import write_mosquitto_conf
from system.brokers import real
from system.process import SMALL_SCENE, Program, camera, program, until

FLEET = Path(sys.executable).with_name("lapel-fleet")


def lapel_fleet(folder: Path, name: str, *arguments: str | Path) -> AbstractContextManager[Program]:
    return program(folder, name, FLEET, *arguments)


async def output_of(folder: Path, name: str, *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that ends by itself."""
    with lapel_fleet(folder, name, *arguments) as child:
        return await child.ends(), child.out, child.err


class Answering(Silent):
    """A real session that replies to every command with the given result."""

    def __init__(
        self, name: str, broker: EmbeddedBroker, result: Result, admission: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(name, "one")
        self._result: Result = result
        self.commands: list[Command] = []
        self.link = Session(
            MqttTransport(brokers_at(broker.url), keepalive_s=5, admission=admission),
            LapelV1("demo", "home", name),
            SystemClock(),
            Outbox(MemoryJournal(), InlineWorker()),
            session="one",
            rng=random.Random(name),
        )

    def state_message(self) -> StateMessage:
        return state(f"home/{self.name}", session="one")

    def on_command(self, command: Command) -> None:
        self.commands.append(command)
        reason = None if self._result == "done" else "is asleep"
        self.link.publish(
            Reply(
                id=command.id, command=command.command, result=self._result, state="buffering", time=NOW, reason=reason
            )
        )


@asynccontextmanager
async def fleet_of(broker: EmbeddedBroker, done: int = 30, refused: int = 10) -> AsyncIterator[list[Answering]]:
    """Connected cameras, `done` of which carry commands out and `refused` of which refuse them."""
    results: list[Result] = [*["done"] * done, *["refused"] * refused]  # type: ignore[list-item]
    one_by_one = connect_rate(20)  # amqtt fails when clients connect all at once
    fleet = [Answering(f"cam-{number:04}", broker, result, one_by_one) for number, result in enumerate(results)]
    tasks = [asyncio.create_task(one.link.run(one)) for one in fleet]
    try:
        await until(lambda: all(one.link.status().up for one in fleet), lambda: "not all connected")
        yield fleet
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@asynccontextmanager
async def faulty_cameras(broker: EmbeddedBroker) -> AsyncIterator[dict[str, list[str]]]:
    """Ten more cameras that reply twice, with invalid JSON, for another camera, or not at all; two are offline. Yields
    the ids of the commands that each received.
    """
    commands: dict[str, list[str]] = {}
    doing = {"lost-1": "offline", "lost-2": "offline"}
    names = ["twice", "invalid", "impostor", *(f"mute-{number}" for number in range(1, 6)), *doing]
    async with aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        for name in names:
            birth = state(f"home/{name}", doing.get(name, "buffering"))
            await client.publish(f"lapel/v1/demo/home/{name}/state", msgspec.json.encode(birth), qos=1, retain=True)
            await client.subscribe(f"lapel/v1/demo/home/{name}/command", qos=1)

        async def reply(name: str, id_: str, result: str = "done") -> None:
            fields = {"id": id_, "command": "status", "result": result, "state": "buffering", "time": NOW}
            await client.publish(f"lapel/v1/demo/home/{name}/reply", json.dumps(fields), qos=1)

        async def reply_wrongly() -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                if not message.topic.value.endswith("/command"):
                    continue  # amqtt sends a new client messages retained for others
                name, id_ = message.topic.value.split("/")[4], json.loads(message.payload)["id"]
                commands.setdefault(name, []).append(id_)
                match name:
                    case "twice":
                        await reply(name, id_)
                        await reply(name, id_, "failed")
                    case "invalid":
                        await client.publish(f"lapel/v1/demo/home/{name}/reply", b"\x1b[2J{", qos=1)
                    case "impostor" if "mute-1" in commands:
                        await reply(name, commands["mute-1"][0])

        task = asyncio.create_task(reply_wrongly())
        try:
            yield commands
        finally:
            task.cancel()
            await asyncio.wait([task])


@pytest.mark.parametrize(("kind", "done", "refused"), [("mosquitto", 30, 10), ("amqtt", 2, 1)])
async def test_every_camera_has_one_outcome(
    tmp_path: Path, kind: Literal["mosquitto", "amqtt"], done: int, refused: int
) -> None:
    if kind == "mosquitto":
        real("mosquitto")
    async with (
        embedded_broker(kind) as broker,
        fleet_of(broker, done, refused) as fleet,
        faulty_cameras(broker) as commands,
    ):
        arguments = ("send", "*", "status", "--json", "--timeout", "4", "--broker", broker.url)
        code, out, err = await output_of(tmp_path, "send", *arguments)
    summary: dict[str, Any] = json.loads(out)
    assert code == 1
    assert summary["counts"] == {"done": done + 1, "refused": refused, "no answer": 7, "offline": 2}
    by_name = {one["camera"].removeprefix("home/"): one for one in summary["cameras"]}
    assert len(by_name) == done + refused + 10
    assert len({one["id"] for one in summary["cameras"] if one["id"]}) == done + refused + 8
    assert {name for name, one in by_name.items() if one["result"] == "refused"} == {one.name for one in fleet[done:]}
    assert by_name[fleet[-1].name]["reason"] == "is asleep"
    assert by_name["twice"]["result"] == "done"
    assert by_name["invalid"]["reason"].startswith("its reply was invalid (lapel/v1/demo/home/invalid/reply: ")
    assert by_name["mute-1"]["reason"] == "within 4 s"
    assert set(summary["oddities"]) >= {
        "home/twice replied again: failed after done",
        "home/impostor replied for home/mute-1",
    }
    assert all(len(one.commands) == 1 for one in fleet)
    assert commands["mute-2"] == [by_name["mute-2"]["id"]] * 2, "sent once more, with the same id"
    assert len(commands["twice"]) == 1
    assert not {"lost-1", "lost-2"} & set(commands)
    assert "did not fit the contract" in err
    assert "\x1b" not in out + err


async def test_a_command_has_its_parameters_and_reaches_only_the_selected(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker, fleet_of(broker, 3, 0) as fleet, faulty_cameras(broker) as commands:
        terms = ("home/cam-000[01]", "lost-1")
        what = ("identify", "--seconds", "3", "--reason", "which one?", "--sender", "desk", "--even-offline")
        code, out, _ = await output_of(
            tmp_path, "send", "send", *terms, *what, "--timeout", "1", "--broker", broker.url
        )
    assert code == 1
    assert out.splitlines() == ["no answer (within 1 s): home/lost-1", "identify: 3 cameras: 2 done, 1 no answer"]
    assert set(commands) == {"lost-1"}
    assert [len(one.commands) for one in fleet[:3]] == [1, 1, 0]
    command = fleet[0].commands[0]
    assert (command.seconds, command.reason, command.sender, command.ttl_s) == (3.0, "which one?", "desk", 10.0)
    assert command.sent_at is not None


async def test_a_lost_broker_still_gives_outcomes(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        async with faulty_cameras(broker) as commands:
            arguments = ("send", "mute-*", "status", "--timeout", "60", "--broker", broker.url)
            child = lapel_fleet(tmp_path, "send", *arguments)
            sending = child.__enter__()
            await until(lambda: len(commands) == 5, lambda: f"received {commands}")
    try:
        assert await sending.ends() == 1
    finally:
        child.__exit__(None, None, None)
    assert "status: 5 cameras: 5 no answer" in sending.out
    assert "the broker was lost" in sending.out
    assert "Traceback" not in sending.err


async def test_ctrl_c_still_gives_outcomes(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker, faulty_cameras(broker) as commands:
        arguments = ("send", "mute-*", "status", "--timeout", "60", "--broker", broker.url)
        with lapel_fleet(tmp_path, "send", *arguments) as sending:
            await until(lambda: len(commands) == 5, lambda: f"received {commands}")
            sending.send_signal(signal.SIGINT)
            assert await sending.ends() == 1
            assert "no answer (interrupted)" in sending.out


async def test_watch_reconnects_and_reports_the_outage(tmp_path: Path) -> None:
    real("mosquitto")
    port = free_port()
    url = f"mqtt://127.0.0.1:{port}"

    async def publish(leaf: str, payload: bytes, *, retain: bool = False) -> None:
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.publish(f"lapel/v1/demo/home/cam-1/{leaf}", payload, qos=1, retain=retain)

    with lapel_fleet(tmp_path, "none", "watch", "--broker", url) as early:
        assert await early.ends() == 4
    async with embedded_broker(port=port):
        await publish("state", msgspec.json.encode(state("home/cam-1")), retain=True)
        watching = lapel_fleet(tmp_path, "watch", "watch", "--broker", url, "--only", "home/*")
        watch = watching.__enter__()
        await watch.prints(r"watching 1 camera: 1 buffering")
        await publish("state", msgspec.json.encode(state("home/cam-1", "recording")), retain=True)
        await watch.prints(r"07:00:31  home/cam-1  buffering -> recording")
        await publish("event", b"\x1b[2J")
        await watch.prints(r"home/cam-1  does not fit the contract")
    try:
        await watch.prints(r"-- the broker is away .* may be missed")
        async with embedded_broker(port=port):
            await publish("state", msgspec.json.encode(state("home/cam-1", "docked")), retain=True)
            await watch.prints(r"the broker is back")
            await until(lambda: "recording -> docked" in watch.out, lambda: watch.out)
            watch.send_signal(signal.SIGTERM)
            assert await watch.ends() == 0
        assert "\x1b" not in watch.out
        assert not watch.err
    finally:
        watching.__exit__(None, None, None)


async def test_a_real_camera_is_started_and_listed(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        at = ("--broker", broker.url)
        with (
            camera(tmp_path, *SMALL_SCENE, "--prebuffer", "1", *at) as cam,
            lapel_fleet(tmp_path, "watch", "watch", "--json", *at) as watch,
        ):
            await cam.prints("link up")
            await watch.prints('"note"')
            code, out, _ = await output_of(tmp_path, "send", "send", "*", "start-recording", "--reason", "a stop", *at)
            assert (code, out.splitlines()[-1]) == (0, "start-recording: 1 camera: 1 done")
            code, out, _ = await output_of(tmp_path, "ls", "ls", "state=recording", "--json", *at)
            (listed,) = json.loads(out)
            assert (code, listed["address"], listed["state"]) == (0, "home/cam-0001", "recording")
            assert listed["recording"]
            code, out, _ = await output_of(tmp_path, "log", "send", "cam-0001", "request-log", "--lines", "2", *at)
            assert (code, out.count("home/cam-0001  ")) == (0, 2)
            await watch.prints('"recording-started"')


async def test_an_operator_of_a_provisioned_fleet(tmp_path: Path) -> None:
    folder, port = tmp_path / "fleet", free_port()
    authority = Authority(folder, SystemClock().now().utc)
    authority.provision(camera_identities("demo", ["home=1"]), ["desk"], [], 30)
    config = write_mosquitto_conf(authority, port, "127.0.0.1")
    own = folder / "identities" / "demo" / "home" / "cam-0001"
    (tmp_path / "lapel.toml").write_text(
        f'[link]\nca = "{folder}/ca.crt"\ncert = "{own}.crt"\nkey = "{own}.key"\nbroker = "mqtts://127.0.0.1:{port}"\n'
    )
    at = ("--broker", f"mqtts://127.0.0.1:{port}", "--identity", folder)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([real("mosquitto"), "-c", str(config)], **quiet) as process:  # type: ignore[call-overload]
        try:
            with camera(tmp_path, *SMALL_SCENE, "--config", tmp_path / "lapel.toml") as cam:
                await cam.prints("link up")
                code, out, err = await output_of(tmp_path, "send", "send", "*", "status", *at)
            assert (code, out) == (0, "status: 1 camera: 1 done\n"), err
            code, _, err = await output_of(tmp_path, "without-certificate", "ls", *at[:2], "--ca", folder / "ca.crt")
            assert code == 4
            assert err.count("\n") == 1
        finally:
            process.kill()


async def test_ls_watch_shows_each_change_until_it_is_interrupted(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker("mosquitto") as broker, aiomqtt.Client("127.0.0.1", broker.port) as client:

        async def publish(doing: str) -> None:
            payload = msgspec.json.encode(state("home/cam-1", doing))
            await client.publish("lapel/v1/demo/home/cam-1/state", payload, qos=1, retain=True)

        await publish("buffering")
        with lapel_fleet(tmp_path, "ls", "ls", "--watch", "--broker", broker.url) as child:
            await child.prints("1 camera: 1 buffering\n")
            await publish("recording")
            await child.prints("1 camera: 1 recording\n")
            child.send_signal(signal.SIGINT)
            assert await child.ends() == 0
            assert child.err == ""
        code, _, err = await output_of(tmp_path, "none", "ls", "home/cam-9", "--watch", "--broker", broker.url)
        assert code == 2
        assert "there is no such camera" in err

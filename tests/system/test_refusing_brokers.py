"""Brokers that refuse each thing a broker may refuse: the camera reports which and what to do, and nothing is lost."""

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from lapel_fleet.broker.embedded import free_port
from system.brokers import real
from system.process import SMALL_SCENE, camera, camera_on, fleet, terminal, until
from system.scripted_broker import NOT_AUTHORIZED, QUOTA_EXCEEDED, SUCCESS, Published, ScriptedBroker, scripted_broker

FLAGS = (*SMALL_SCENE, "--prebuffer", "1", "--telemetry", "1")


def events(broker: ScriptedBroker, kind: str) -> list[dict[str, Any]]:
    return [one for one in map(json.loads, broker.on("event")) if one["kind"] == kind]


async def record(folder: Path, broker: ScriptedBroker) -> None:
    """A camera starts, records two seconds, and ends."""
    with terminal() as keys, camera_on(keys, folder, *FLAGS, "--broker", broker.url) as cam:
        await keys.shows("BUFFERING.* fps")
        keys.type(" ")
        await asyncio.sleep(2)
        keys.type(" ")
        await keys.shows("saved ")
        keys.type("q")
        await cam.ends()


@pytest.mark.parametrize("code", [NOT_AUTHORIZED, QUOTA_EXCEEDED])
async def test_refused_events_stay_unsent_and_are_reported(tmp_path: Path, code: int) -> None:
    """They are kept for the next start, which finds a broker that takes them."""

    def refuse_events(message: Published) -> int:
        return code if message.topic.endswith("/event") else SUCCESS

    async with scripted_broker(puback=refuse_events) as broker:
        await record(tmp_path, broker)
        assert events(broker, "recording-saved") == []
        assert any("publish-refused" in json.loads(one)["flags"] for one in broker.on("state"))
        broker.puback = lambda _: SUCCESS
        await record(tmp_path, broker)
        sent = [json.loads(one) for one in broker.on("event")]
    assert [one["kind"] for one in sent].count("recording-saved") == 2
    assert len({one["id"] for one in sent}) == len(sent)
    assert [one["time"] for one in sent] == sorted(one["time"] for one in sent)
    (refused,) = [one["detail"] for one in sent if one["kind"] == "publish-refused"]
    assert (refused["what"], refused["id"]) == ("event", "")
    assert " refuses a message to lapel/v1/demo/home/cam-0001/event (" in refused["reason"]


async def test_a_refused_subscription_is_a_link_fault_with_its_remedy(tmp_path: Path) -> None:
    async with scripted_broker(suback=NOT_AUTHORIZED) as broker:
        with camera(tmp_path, *FLAGS, "--broker", broker.url) as cam:
            await cam.prints("link down: .* refuses the subscription to .*/command; let this camera read it")
        assert broker.received == []


async def test_what_a_broker_does_not_support_is_not_sent_to_it(tmp_path: Path) -> None:
    async with scripted_broker(max_qos=1, retains=False, receive_max=1, max_packet_bytes=2000) as broker:
        await record(tmp_path, broker)
        assert broker.too_much == []
        assert len(events(broker, "recording-saved")) == 1
        assert {one.retain for one in broker.received} == {False}


async def test_a_message_at_which_the_broker_hangs_up_makes_way(tmp_path: Path) -> None:
    def hang_up(message: Published) -> int | None:
        return None if b"prebuffer-saved" in message.payload else SUCCESS

    async with scripted_broker(puback=hang_up) as broker:
        with terminal() as keys, camera_on(keys, tmp_path, *FLAGS, "--broker", broker.url) as cam:
            await keys.shows("BUFFERING.* fps")
            keys.type(" ")
            await keys.shows("the broker refuses event .*: the connection was lost 3 times while it was sent")
            keys.type(" ")
            await until(lambda: events(broker, "recording-saved"), lambda: f"events: {broker.on('event')}")
            keys.type("q")
            await cam.ends()
        assert len(events(broker, "publish-refused")) == 1


async def test_a_huge_message_is_not_read_into_memory(tmp_path: Path) -> None:
    """MQTT 3.1.1 has no maximum packet size that a client could announce: amqtt, which knows nothing else."""
    from lapel_fleet.broker.embedded import embedded_broker

    real("mosquitto_pub")
    async with embedded_broker("amqtt") as broker:
        with camera(tmp_path, *FLAGS, "--broker", broker.url) as cam:
            await cam.prints("link up")
            (tmp_path / "huge").write_bytes(bytes(60_000_000))
            publish = ["mosquitto_pub", "-p", str(broker.port), "-q", "0", "-t", "lapel/v1/demo/home/cam-0001/command"]
            process = await asyncio.create_subprocess_exec(*publish, "-f", str(tmp_path / "huge"))
            await cam.prints("link down")
            await cam.prints("link up(.|\n)*link up")
            assert cam.peak_memory_bytes() < 400e6
            await process.wait()


# -- Mosquitto -------------------------------------------------------------------------------------------------------

ALL_BUT_EVENTS = "topic read lapel/v1/#\n" + "".join(
    f"topic write lapel/v1/+/+/+/{leaf}\n" for leaf in ("state", "reply", "command")
)
EVERYTHING = "topic readwrite lapel/v1/#\n"


@asynccontextmanager
async def mosquitto_with(
    folder: Path, access_list: str, *more: str
) -> AsyncIterator[tuple[int, "subprocess.Popen[bytes]"]]:
    port = free_port()
    (folder / "acl").write_text(access_list)
    (folder / "m.conf").write_text(
        "\n".join([f"listener {port} 127.0.0.1", "allow_anonymous true", f"acl_file {folder}/acl", "user root", *more])
    )
    (folder / "acl").chmod(0o644)
    with subprocess.Popen([real("mosquitto"), "-c", folder / "m.conf"], stderr=subprocess.DEVNULL) as process:
        try:
            with closing(socket.socket()) as probe:
                await until(lambda: probe.connect_ex(("127.0.0.1", port)) == 0, lambda: "Mosquitto does not listen")
            yield port, process
        finally:
            process.kill()


async def test_a_mosquitto_that_denies_events_and_then_allows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mosquitto_with(tmp_path, ALL_BUT_EVENTS) as (port, process):
        with fleet(tmp_path, port) as operator, camera(tmp_path, *FLAGS, "--broker", f"mqtt://127.0.0.1:{port}") as cam:
            await cam.prints("the broker refuses every event: .*[Nn]ot authorized.*; let this camera publish there")
            await operator.receives("state", state="buffering", flags=["publish-refused"])
            operator.command("start-recording", "1")
            await operator.receives("reply", id="1", result="done")
            operator.command("stop-recording", "2")
            await cam.prints("saved ")
            assert operator.received("event") == []
            (tmp_path / "acl").write_text(EVERYTHING)
            process.send_signal(signal.SIGHUP)
            await operator.receives("event", kind="recording-saved")
            kinds = [one["kind"] for one in operator.received("event")]
            assert kinds[0] == "booted"
            assert kinds.count("recording-saved") == kinds.count("publish-refused") == 1


async def test_a_mosquitto_with_a_small_packet_limit_gets_a_short_answer(tmp_path: Path) -> None:
    limit = "max_packet_size 1500"
    async with mosquitto_with(tmp_path, EVERYTHING, limit) as (port, _):
        with fleet(tmp_path, port) as operator, camera(tmp_path, *FLAGS, "--broker", f"mqtt://127.0.0.1:{port}") as cam:
            await operator.receives("state", state="buffering")
            for number in range(20):
                operator.command("mark", f"m{number}")
            operator.command("request-log", "log")
            answer = await operator.receives("reply", id="log", result="failed")
            assert "the broker refused the answer: " in answer["reason"]
            operator.command("status", "after")
            await operator.receives("reply", id="after", result="done")
            assert "link down" not in cam.out


async def test_a_reply_topic_that_no_broker_takes_is_refused_at_once(tmp_path: Path) -> None:
    async with mosquitto_with(tmp_path, EVERYTHING) as (port, _):
        with fleet(tmp_path, port) as operator, camera(tmp_path, *FLAGS, "--broker", f"mqtt://127.0.0.1:{port}") as cam:
            await operator.receives("state", state="buffering")
            own = "lapel/v1/demo/home/cam-0001/reply"
            for number, topic in enumerate((f"{own}{'/' * 220}", f"{own}/\x07bell", f"{own}/+", f"{own}/{'x' * 290}")):
                operator.publish_command(json.dumps({"id": str(number), "command": "mark", "reply_to": topic}))
                await operator.receives("reply", id=str(number), result="refused")
            assert "link down" not in cam.out

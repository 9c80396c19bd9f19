"""Brokers and cameras killed at random: no event on disk is lost, the order is kept, and repeats have the same id."""

import asyncio
import json
import random
import sys
from collections import defaultdict
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bench.bench_storm import mosquitto
from lapel.errors import LinkError
from lapel.link.broker_address import brokers_at
from lapel.link.mqtt import MqttTransport
from lapel.link.transport import Hello
from lapel_fleet.broker.embedded import free_port
from system import link_fleet
from system.brokers import real
from system.process import PATIENCE_S, Program, program
from system.proxy import proxy


class BackEnd:
    """Receives every event of the fleet, from each broker in turn."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.received: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
        self.connected = asyncio.Event()

    async def listen(self) -> None:
        transport = MqttTransport(brokers_at(f"mqtt://127.0.0.1:{self._port}"), keepalive_s=5)
        while True:
            try:
                async with transport.connect(Hello("back-end")) as connection:
                    await connection.subscribe("lapel/v1/soak/+/+/event")
                    self.connected.set()
                    async for message in connection.messages():
                        one = json.loads(message.payload)
                        self.received[one["camera"]].append((one["session"], one["detail"]["number"], one["id"]))
            except LinkError:
                self.connected.clear()
                await asyncio.sleep(0.05)


Events = set[tuple[str, str, int]]
"""Camera, run of its firmware, number of the event."""


def printed(child: Program, word: str) -> Events:
    lines = [line.split() for line in child.out.splitlines(keepends=True) if line.endswith("\n")]
    return {(name, run, int(number)) for first, name, run, number in lines if first == word}


async def outages(folder: Path, cameras: int, broker_kills: int, camera_kills: int, seed: int) -> None:
    """Kill brokers and cameras at random, wait for the rest, then check what the back end received. Cameras reach a
    broker only while the back end is subscribed: events published without a subscriber are lost by design.
    """
    rng, port = random.Random(seed), free_port()
    back_end = BackEnd(port)
    listening = asyncio.create_task(back_end.listen())
    queued: Events = set()
    acked: Events = set()
    lives = camera_kills + 1
    try:
        async with proxy(port, back_end.connected.is_set) as network:
            for life in range(lives):
                with cameras_of(folder, network.port, cameras, f"run-{life:03}") as child:
                    for _ in range(broker_kills // lives):
                        async with mosquitto(port, folder):
                            async with asyncio.timeout(PATIENCE_S):
                                await back_end.connected.wait()
                            await asyncio.sleep(rng.uniform(0.5, 3.0))
                        await asyncio.sleep(rng.uniform(0.0, 1.0))
                    if life == lives - 1:
                        async with mosquitto(port, folder):
                            await all_received(child, queued | printed(child, "queued"), acked, back_end)
                    child.kill()
                    assert child.err == ""
                    queued |= printed(child, "queued")
                    acked |= printed(child, "acked")
    finally:
        listening.cancel()
        await asyncio.wait([listening])
    judge(back_end, cameras)
    with_a_broker = missing(queued, back_end)
    print(f"{len(queued)} events queued, {len(with_a_broker)} acknowledged and lost by a killed broker")
    assert len(with_a_broker) <= len(queued) // 100


def cameras_of(folder: Path, port: int, count: int, run: str) -> AbstractContextManager[Program]:
    return program(folder, run, sys.executable, link_fleet.__file__, str(port), folder, str(count), run)


async def all_received(child: Program, queued: Events, acked: Events, back_end: BackEnd) -> None:
    """Wait until all events were received, except those that a killed broker had acknowledged. A camera that failed to
    connect several times in a row may wait a minute before the next attempt.
    """
    lost = queued
    for _ in range(3 * int(PATIENCE_S)):
        await asyncio.sleep(1)  # the check is expensive, and this event loop also runs the proxy
        unreceived = missing(queued, back_end)
        lost = set(unreceived) - acked - printed(child, "acked")
        assert child.err == ""
        if not lost:
            return
    pytest.fail(f"never received: {sorted(lost)[:20]}")


def missing(queued: Events, back_end: BackEnd) -> list[tuple[str, str, int]]:
    received = {(name, run, number) for name, all_ in back_end.received.items() for run, number, _ in all_}
    return sorted(queued - received)


def judge(back_end: BackEnd, cameras: int) -> None:
    assert len(back_end.received) == cameras
    for received in back_end.received.values():
        first_time = list(dict.fromkeys(received))
        assert first_time == sorted(first_time, key=lambda one: one[:2]), "events are out of order"
        ids = {(run, number): id_ for run, number, id_ in received}
        assert all(ids[run, number] == id_ for run, number, id_ in received), "a repeat has another id"


async def test_nothing_is_lost_when_the_broker_is_killed(tmp_path: Path) -> None:
    real("mosquitto")
    await outages(tmp_path, cameras=10, broker_kills=3, camera_kills=0, seed=1)


async def test_nothing_is_lost_when_the_cameras_are_killed_too(tmp_path: Path) -> None:
    real("mosquitto")
    await outages(tmp_path, cameras=10, broker_kills=2, camera_kills=1, seed=2)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_thirty_kills_of_the_broker_under_fifty_cameras(tmp_path: Path) -> None:
    real("mosquitto")
    await outages(tmp_path, cameras=50, broker_kills=30, camera_kills=0, seed=3)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_thirty_kills_of_the_broker_and_ten_of_fifty_cameras(tmp_path: Path) -> None:
    real("mosquitto")
    await outages(tmp_path, cameras=50, broker_kills=30, camera_kills=9, seed=4)

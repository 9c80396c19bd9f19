"""Brokers and cameras killed at random: nothing that was on disk is lost, nothing overtakes, a repeat is the same."""

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
    """Hears every event of the fleet, whatever broker carries it."""

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


Said = set[tuple[str, str, int]]
"""Camera, run of its firmware, number of the event."""


def printed(child: Program, word: str) -> Said:
    lines = [line.split() for line in child.out.splitlines(keepends=True) if line.endswith("\n")]
    return {(name, run, int(number)) for first, name, run, number in lines if first == word}


async def outages(folder: Path, cameras: int, broker_kills: int, camera_kills: int, seed: int) -> None:
    """Kills at random, then peace; then judge what the back end heard. No camera gets to a broker before the back end
    does: what a broker takes while nobody listens is nobody's loss but the back end's own.
    """
    rng, port = random.Random(seed), free_port()
    back_end = BackEnd(port)
    listening = asyncio.create_task(back_end.listen())
    said: Said = set()
    acked: Said = set()
    lives = camera_kills + 1
    try:
        async with proxy(port, back_end.connected.is_set) as door:
            for life in range(lives):
                with cameras_of(folder, door.port, cameras, f"run-{life:03}") as child:
                    for _ in range(broker_kills // lives):
                        async with mosquitto(port, folder):
                            await asyncio.wait_for(back_end.connected.wait(), PATIENCE_S)
                            await asyncio.sleep(rng.uniform(0.5, 3.0))
                        await asyncio.sleep(rng.uniform(0.0, 1.0))
                    if life == lives - 1:
                        async with mosquitto(port, folder):
                            await settled(child, said | printed(child, "said"), acked, back_end)
                    child.kill()
                    assert child.err == ""
                    said |= printed(child, "said")
                    acked |= printed(child, "acked")
    finally:
        listening.cancel()
        await asyncio.wait([listening])
    judge(back_end, cameras)
    with_a_broker = missing(said, back_end)
    print(f"{len(said)} events said, {len(with_a_broker)} acknowledged by a broker that died before it passed them on")
    assert len(with_a_broker) <= len(said) // 100


def cameras_of(folder: Path, port: int, count: int, run: str) -> AbstractContextManager[Program]:
    return program(folder, run, sys.executable, link_fleet.__file__, str(port), folder, str(count), run)


async def settled(child: Program, said: Said, acked: Said, back_end: BackEnd) -> None:
    """Until all was heard; a broker may have acknowledged an event and died before it passed it on. A camera that found
    nobody several times in a row may wait a minute before it looks again.
    """
    lost = said
    for _ in range(3 * int(PATIENCE_S)):
        await asyncio.sleep(1)  # looking costs more than a poll should: this loop is also everybody's door
        unheard = missing(said, back_end)
        lost = set(unheard) - acked - printed(child, "acked")
        assert child.err == ""
        if not lost:
            return
    pytest.fail(f"never heard: {sorted(lost)[:20]}")


def missing(said: Said, back_end: BackEnd) -> list[tuple[str, str, int]]:
    received = {(name, run, number) for name, all_ in back_end.received.items() for run, number, _ in all_}
    return sorted(said - received)


def judge(back_end: BackEnd, cameras: int) -> None:
    assert len(back_end.received) == cameras
    for received in back_end.received.values():
        first_time = list(dict.fromkeys(received))
        assert first_time == sorted(first_time, key=lambda one: one[:2]), "one event overtook another"
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

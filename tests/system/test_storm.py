"""A fleet that loses its broker at one moment: everybody comes back, and not all at once."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from lapel.clock import SystemClock
from lapel.link.contract import LapelV1
from lapel.link.journal import MemoryJournal
from lapel.link.mqtt import MqttTransport, brokers_at, connect_rate
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.worker import InlineWorker
from lapel_fleet.broker import free_port
from system.link_fleet import Silent
from system.process import until
from system.test_outages import mosquitto


async def storm(folder: Path, cameras: int, connects_per_s: float, spread_s: float) -> tuple[float, int]:
    """(seconds until all are back, the most connects that the broker saw in one second)."""
    clock, port = SystemClock(), free_port()
    seconds: Counter[int] = Counter()
    admitted = connect_rate(connects_per_s)

    async def admission() -> None:
        await admitted()
        seconds[int(clock.mono_s())] += 1

    hosts = [Silent(f"cam-{number:04}", "one") for number in range(cameras)]
    links = [
        Session(
            MqttTransport(brokers_at(f"mqtt://127.0.0.1:{port}"), keepalive_s=60, admission=admission),
            LapelV1("soak", "home", host.name),
            clock,
            Outbox(MemoryJournal(), InlineWorker()),
            session="one",
            chance=random.Random(number),
            spread_s=spread_s,
        )
        for number, host in enumerate(hosts)
    ]

    def up() -> int:
        return sum(link.status().up for link in links)

    async with AsyncExitStack() as stack:
        tasks = [asyncio.create_task(link.run(host)) for link, host in zip(links, hosts, strict=True)]
        stack.push_async_callback(_ended, tasks)
        async with mosquitto(port, folder):
            await until(lambda: up() == cameras, lambda: f"only {up()} of {cameras} came up")
        await until(lambda: up() == 0, lambda: f"{up()} did not notice")
        seconds.clear()
        async with mosquitto(port, folder):
            began_s = clock.mono_s()
            await until(lambda: up() == cameras, lambda: f"only {up()} of {cameras} came back")
            took_s = clock.mono_s() - began_s
            print(f"{cameras} cameras back in {took_s:.1f} s, at most {max(seconds.values())} connects a second")
            return took_s, max(seconds.values())


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_a_fleet_comes_back_at_the_rate_that_was_set(tmp_path: Path) -> None:
    _, busiest = await storm(tmp_path, cameras=60, connects_per_s=40, spread_s=0.5)
    assert busiest <= 41  # a second of ours may begin between two connects


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_sixteen_hundred_cameras_come_back(tmp_path: Path) -> None:
    _, busiest = await storm(tmp_path, cameras=1600, connects_per_s=100, spread_s=5)
    assert busiest <= 101

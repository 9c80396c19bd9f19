"""Time for a fleet to reconnect after an outage of its broker, compared with the allowed rate. Needs a Mosquitto."""

import asyncio
import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bench.figure import Figure
from lapel.clock import SystemClock
from lapel.errors import MessageError
from lapel.link.broker_address import brokers_at
from lapel.link.contract import LapelV1
from lapel.link.journal import MemoryJournal
from lapel.link.messages import Command, Reply, StateMessage
from lapel.link.mqtt import MqttTransport, connect_rate
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.worker import InlineWorker
from lapel_fleet.broker.embedded import free_port, mosquitto_path

_NOW = "2026-11-24T07:00:00Z"
_TIMEOUT_S = 120.0


def main(cameras: int = 1600, connects_per_s: float = 100.0) -> list[Figure]:
    """Seconds until all are back. Each camera connects twice: to read the retained state of its name, and as itself."""
    if mosquitto_path() is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        took_s, busiest = asyncio.run(storm(Path(folder), cameras, connects_per_s, spread_s=5.0))
    floor_s = 2 * cameras / connects_per_s
    return [
        Figure(f"{cameras} cameras back after an outage", took_s, "s", "two connects each at the rate set", floor_s),
        Figure("the most connects in one second of it", busiest, "", bound=connects_per_s + 1),
    ]


class Silent:
    """A host that ignores every callback. Implements `lapel.link.interface.LinkHost`."""

    def __init__(self, name: str, run: str) -> None:
        self.name, self.run_id = name, run

    def state_message(self) -> StateMessage:
        """Always buffering."""
        return StateMessage(
            state="buffering", agency="soak", site="home", camera=self.name, session=self.run_id, firmware="0",
            flags=[], time=_NOW, since=_NOW,
        )  # fmt: skip

    def on_command(self, command: Command) -> None:
        """Nothing."""

    def on_unfinished(self, reply: Reply) -> None:
        """Nothing."""

    def on_bad_command(self, error: MessageError) -> None:
        """Nothing."""

    def on_dropped(self, dropped: Mapping[str, int]) -> None:
        """Nothing."""

    def on_link(self, up: bool, reason: str) -> None:
        """Nothing."""

    def on_refused(self, what: str, id_: str, reason: str) -> None:
        """Not expected here."""

    def on_duplicate(self, session: str) -> None:
        """Nothing."""


async def storm(folder: Path, cameras: int, connects_per_s: float, spread_s: float) -> tuple[float, int]:
    """(seconds until all are back, the most connects that were begun in one second)."""
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
            rng=random.Random(number),
            spread_s=spread_s,
        )
        for number, host in enumerate(hosts)
    ]

    def up() -> int:
        return sum(link.status().up for link in links)

    async with AsyncExitStack() as stack:
        tasks = [asyncio.create_task(link.run(host)) for link, host in zip(links, hosts, strict=True)]
        stack.push_async_callback(cancel_all, tasks)
        async with mosquitto(port, folder):
            await wait_until(lambda: up() == cameras, lambda: f"only {up()} of {cameras} came up")
        await wait_until(lambda: up() == 0, lambda: f"{up()} did not notice")
        seconds.clear()
        async with mosquitto(port, folder):
            began_s = clock.mono_s()
            await wait_until(lambda: up() == cameras, lambda: f"only {up()} of {cameras} came back")
            return clock.mono_s() - began_s, max(seconds.values())


@asynccontextmanager
async def mosquitto(port: int, folder: Path) -> AsyncIterator[None]:
    """A broker on `port` that is killed at the end (SIGKILL)."""
    config = folder / "mosquitto.conf"
    limits = "max_queued_messages 0\nmax_inflight_messages 0\n"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n{limits}")
    path = mosquitto_path()
    assert path is not None
    with subprocess.Popen([path, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


async def wait_until(condition: Callable[[], bool], missing: Callable[[], str]) -> None:
    """Wait for a condition; after a time limit, fail with the text of `missing`."""
    clock = SystemClock()
    deadline_s = clock.mono_s() + _TIMEOUT_S
    while not condition():
        assert clock.mono_s() < deadline_s, missing()
        await asyncio.sleep(0.05)


async def cancel_all(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel the tasks and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

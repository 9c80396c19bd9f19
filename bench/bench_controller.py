"""How long `lapel-fleet send '*' status` takes for a thousand cameras on a Mosquitto, beside the rate that was set."""

import asyncio
import random
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bench.bench_storm import Silent, cancel_all, mosquitto, wait_until
from bench.figure import Figure
from lapel.clock import SystemClock
from lapel.link.broker_address import brokers_at
from lapel.link.contract import LapelV1
from lapel.link.journal import MemoryJournal
from lapel.link.messages import Command, Reply
from lapel.link.mqtt import MqttTransport, connect_rate
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.worker import InlineWorker
from lapel_fleet.broker.embedded import free_port, mosquitto_path
from lapel_fleet.operator.operator import operator

_NOW = "2026-11-24T07:00:00Z"


def main(cameras: int = 1000) -> list[Figure]:
    """Seconds from the first command to the last answer; and until the operator had all retained states."""
    if mosquitto_path() is None:
        return []
    figures = []
    for rate_per_s in (200.0, 10_000.0):
        with tempfile.TemporaryDirectory() as folder:
            states_s, took_s = asyncio.run(_send(Path(folder), cameras, rate_per_s))
        name = f"status of {cameras} cameras, {rate_per_s:g} a second at most"
        figures.append(Figure(name, took_s, "s", "the rate alone", cameras / rate_per_s))
    return [Figure(f"retained states of {cameras} cameras", states_s, "s"), *figures]


class _Answering(Silent):
    """A camera that answers at once."""

    def __init__(self, name: str, link: Session) -> None:
        super().__init__(name, "one")
        self.link = link

    def on_command(self, command: Command) -> None:
        """Done."""
        self.link.publish(Reply(id=command.id, command=command.command, result="done", state="buffering", time=_NOW))


async def _send(folder: Path, cameras: int, rate_per_s: float) -> tuple[float, float]:
    clock, port, admission = SystemClock(), free_port(), connect_rate(300)
    brokers = brokers_at(f"mqtt://127.0.0.1:{port}")

    def one(number: int) -> _Answering:
        transport, name = MqttTransport(brokers, keepalive_s=60, admission=admission), f"cam-{number:04}"
        outbox, rng = Outbox(MemoryJournal(), InlineWorker()), random.Random(number)
        contract = LapelV1("soak", "home", name)
        return _Answering(name, Session(transport, contract, clock, outbox, session="one", rng=rng))

    hosts = [one(number) for number in range(cameras)]

    def up() -> int:
        return sum(host.link.status().up for host in hosts)

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(mosquitto(port, folder))
        stack.push_async_callback(cancel_all, [asyncio.create_task(host.link.run(host)) for host in hosts])
        await wait_until(lambda: up() == cameras, lambda: f"only {up()} of {cameras} came up")
        watching = await stack.enter_async_context(operator(brokers, "soak", clock))
        began_s = clock.mono_s()
        await watching.retained_states()
        received_s = clock.mono_s()
        account = watching.tally(list(watching.states))
        await watching.send(Command(id="-", command="status"), account, rate_per_s=rate_per_s)
        assert account.counts() == {"done": cameras}, account.counts()
        return received_s - began_s, clock.mono_s() - received_s

"""A process of sessions that publish numbered events, to be killed: `python link_fleet.py PORT FOLDER COUNT RUN`.

It prints `queued CAMERA RUN NUMBER` when an event is on disk, `acked CAMERA RUN NUMBER` when a broker acknowledged it.
No video: only the link is tested.
"""

import asyncio
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.bench_storm import Silent
from lapel.clock import SystemClock
from lapel.link.broker_address import brokers_at
from lapel.link.contract import LapelV1
from lapel.link.journal import Waiting
from lapel.link.messages import EventMessage
from lapel.link.mqtt import MqttTransport
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.link.sqlite_journal import SqliteJournal
from lapel.worker import ThreadWorker

NOW = "2026-11-24T07:00:00Z"


class PrintingOutbox(Outbox):
    """Prints each acknowledged event."""

    def done(self, one: Waiting) -> None:
        super().done(one)
        if isinstance(one.message, EventMessage):
            print("acked", one.message.camera, one.message.session, one.message.detail["number"], flush=True)


class Publisher(Silent):
    """A session that only publishes events."""

    def __init__(self, name: str, port: int, folder: Path, run: str, worker: ThreadWorker) -> None:
        super().__init__(name, run)
        self.outbox = PrintingOutbox(SqliteJournal(folder / f"{name}.sqlite"), worker)
        self.rng = random.Random(f"{run}/{name}")
        self.link = Session(
            MqttTransport(brokers_at(f"mqtt://127.0.0.1:{port}"), keepalive_s=5),
            LapelV1("soak", "home", name),
            SystemClock(),
            self.outbox,
            session=run,
            rng=self.rng,
            spread_s=0.5,
            drain_per_s=200,
        )

    async def publish_regularly(self) -> None:
        for number in range(10_000_000):
            await asyncio.sleep(self.rng.uniform(0.05, 0.5))
            self.link.publish(
                EventMessage(
                    id=f"{self.name}-{self.run_id}-{number}", kind="marker", time=NOW, mono_s=0.0, camera=self.name,
                    session=self.run_id, detail={"number": number},
                )
            )  # fmt: skip
            if await self.outbox.flush():
                print("queued", self.name, self.run_id, number, flush=True)


async def main(port: int, folder: Path, count: int, run: str) -> None:
    worker = ThreadWorker(4)
    publishers = [Publisher(f"cam-{number:04}", port, folder, run, worker) for number in range(count)]
    async with asyncio.TaskGroup() as group:
        for one in publishers:
            group.create_task(one.link.run(one))
            group.create_task(one.publish_regularly())


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))

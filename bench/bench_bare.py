"""Cost of a simulated camera compared with a bare MQTT client that publishes as much; and the speed of virtual time.

Each fleet runs in its own process with its own Mosquitto, one after the other, and publishes telemetry every other
second for half a minute (`--short`: ten seconds). Memory is the growth of the process.
"""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter, process_time

import aiomqtt

from bench.figure import Figure
from lapel.clock import SystemClock
from lapel.link.mqtt import connect_rate
from lapel_fleet.broker.address import Address
from lapel_fleet.broker.embedded import embedded_broker, mosquitto_path
from lapel_fleet.runs.local_worker import WorkerJob, local_worker
from lapel_fleet.runs.measurement.resident_memory import resident_bytes
from lapel_fleet.runs.virtual import run
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Scenario, shorten
from lapel_fleet.scenario.wearer import Wearer

_TELEMETRY_S = 2.0
_TELEMETRY = b"x" * 480
"""Same length as a camera's telemetry."""
_CONNECTS_PER_S = 100.0


def main(clients: int = 500, length_s: float = 30.0, hours: float = 8.0) -> list[Figure]:
    """Memory, CPU time and messages of cameras beside those of bare clients; and virtual time beside real time."""
    if "--short" in sys.argv:
        clients, length_s, hours = 200, 10.0, 0.5
    figures = [_virtual(hours)]
    if mosquitto_path() is not None:
        cameras, bare = (asyncio.run(_measured(kind, clients, length_s)) for kind in ("cameras", "bare"))
        peer = "bare aiomqtt clients"
        figures += [
            Figure(f"memory of each of {clients} cameras", cameras["kb"], "KB", peer, bare["kb"]),
            Figure("  CPU time of a message", cameras["us"], "us", peer, bare["us"]),
            Figure("  messages a second", cameras["per_s"], "", peer, bare["per_s"]),
        ]
    return figures


def _virtual(hours: float) -> Figure:
    wanted = shorten(load("five-cities"), hours * 3600)
    began_s = perf_counter()
    done = run(wanted, 1)
    speed = done.domain_s / (perf_counter() - began_s)
    return Figure(f"five-cities for {hours:g} h in virtual time", speed, "times real time")


async def _measured(kind: str, clients: int, length_s: float) -> dict[str, float]:
    """Run a child process that measures memory and CPU time, and count its messages meanwhile."""
    async with embedded_broker() as broker, aiomqtt.Client("127.0.0.1", broker.port) as listener:
        await listener.subscribe("#")
        command = ("-m", __name__, kind, broker.url, str(clients), str(length_s))
        child = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
        received = 0

        async def listen() -> None:
            nonlocal received
            async for _ in listener.messages:
                received += 1

        counting = asyncio.create_task(listen())
        assert child.stdout is not None
        await child.stdout.readline()  # the measurement begins
        before = received
        result = json.loads(await child.stdout.readline())
        messages = received - before
        counting.cancel()
        await asyncio.wait([counting])
        await child.wait()
    kb, us = result["bytes"] / clients / 1000, 1e6 * result["cpu_s"] / messages
    return {"kb": kb, "us": us, "per_s": messages / length_s}


# -- in the child process ----------------------------------------------------------------------------------------------


async def _child(kind: str, url: str, clients: int, length_s: float) -> None:
    before_bytes = resident_bytes()
    async with _cameras(clients, url) if kind == "cameras" else _bare(clients, url):
        await asyncio.sleep(2 * _TELEMETRY_S)  # the connect phase is over
        cpu_s, grew_bytes = process_time(), resident_bytes() - before_bytes
        print("begin", flush=True)
        await asyncio.sleep(length_s)
        print(json.dumps({"bytes": grew_bytes, "cpu_s": process_time() - cpu_s}), flush=True)


@asynccontextmanager
async def _cameras(count: int, url: str) -> AsyncIterator[None]:
    scenario = Scenario(sites={"bench": count}, telemetry_s=_TELEMETRY_S, wearer=Wearer(activations_per_hour=0))
    order = WorkerJob(
        scenario=scenario, seed=1, agency="fleet", address=Address(url=url), began_s=SystemClock().mono_s(),
        connects_per_s=_CONNECTS_PER_S,
    )  # fmt: skip
    async with local_worker(order) as worker:
        while (await worker.snapshot()).online < count:
            await asyncio.sleep(0.5)
        yield


@asynccontextmanager
async def _bare(count: int, url: str) -> AsyncIterator[None]:
    admission, port = connect_rate(_CONNECTS_PER_S), int(url.rpartition(":")[2])
    async with AsyncExitStack() as stack:
        publishing = []
        for number in range(count):
            await admission()
            client = aiomqtt.Client("127.0.0.1", port, identifier=f"bare-{number}")
            await stack.enter_async_context(client)
            await client.subscribe(f"bench/{number}/command", qos=1)  # as a camera does
            topic = f"bench/{number}/telemetry"
            publishing.append(asyncio.create_task(_publish_regularly(client, topic, random.Random(number))))
        yield
        for task in publishing:
            task.cancel()
        await asyncio.wait(publishing)


async def _publish_regularly(client: aiomqtt.Client, topic: str, rng: random.Random) -> None:
    await asyncio.sleep(rng.uniform(0, _TELEMETRY_S))
    while True:
        await client.publish(topic, _TELEMETRY, qos=0)
        await asyncio.sleep(_TELEMETRY_S)


if __name__ == "__main__":
    asyncio.run(_child(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))

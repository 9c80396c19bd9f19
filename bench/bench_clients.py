"""Cost of a simulated camera beside bare MQTT clients that publish as much: aiomqtt, which Lapel uses, and gmqtt.

Each fleet runs in its own process with its own Mosquitto, one kind after the other in every round, and publishes
telemetry every other second. Memory is the growth of the process.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import process_time
from typing import Any

import aiomqtt

from bench.figure import Figure, compared
from bench.machine import PEERS
from lapel.clock import SystemClock
from lapel.link.mqtt import connect_rate
from lapel_fleet.broker.address import Address
from lapel_fleet.broker.embedded import embedded_broker, mosquitto_path
from lapel_fleet.runs.local_worker import WorkerJob, local_worker
from lapel_fleet.runs.measurement.resident_memory import resident_bytes
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.scenario.wearer import Wearer

_TELEMETRY_S = 2.0
_TELEMETRY = b"x" * 480
"""Same length as a camera's telemetry."""
_CONNECTS_PER_S = 100.0
_MEMORY_TARGET, _CPU_TARGET = 2.5, 1.15


def main(clients: int = 500, length_s: float = 15.0, rounds: int = 3) -> list[Figure]:
    """Memory, CPU time and messages of cameras beside those of bare clients."""
    if "--short" in sys.argv:
        clients, length_s, rounds = 200, 10.0, 1
    if mosquitto_path() is None:
        return []
    peers = ["aiomqtt", *(["gmqtt"] if (PEERS / "gmqtt").is_dir() else [])]
    measured = {kind: list[dict[str, float]]() for kind in ("cameras", *peers)}
    for _ in range(rounds):
        for kind, results in measured.items():
            results.append(asyncio.run(_measured(kind, clients, length_s)))
    return [figure for peer in peers for figure in _figures(clients, peer, measured["cameras"], measured[peer])]


def _figures(
    clients: int, peer: str, cameras: list[dict[str, float]], bare: list[dict[str, float]]
) -> Iterator[Figure]:
    for key, name, unit, target in (
        ("kb", f"memory of each of {clients} cameras", "KB", _MEMORY_TARGET),
        ("us", "  CPU time of a message", "us", _CPU_TARGET),
        ("per_s", "  messages a second", "", None),
    ):
        ours, theirs = ([one[key] for one in results] for results in (cameras, bare))
        yield compared(name, ours, f"a bare {peer} client", theirs, unit, target=target)


async def _measured(kind: str, clients: int, length_s: float) -> dict[str, float]:
    """Run a child process that measures memory and CPU time, and count its messages meanwhile."""
    async with embedded_broker() as broker, aiomqtt.Client("127.0.0.1", broker.port) as listener:
        await listener.subscribe("#")
        command = ("-m", __name__, kind, broker.url, str(clients), str(length_s))
        environment = {**os.environ, "PYTHONPATH": str(PEERS)}
        child = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE, env=environment
        )
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
    async with _cameras(clients, url) if kind == "cameras" else _bare(_PUBLISHERS[kind], clients, url):
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


Publish = Callable[[str, bytes], Coroutine[Any, Any, None]]
Connect = Callable[[AsyncExitStack, int, int], Coroutine[Any, Any, Publish]]
"""Connects a client of that number to a broker's port, and subscribes to its commands, as a camera does."""


@asynccontextmanager
async def _bare(connect: Connect, count: int, url: str) -> AsyncIterator[None]:
    admission, port, over = connect_rate(_CONNECTS_PER_S), int(url.rpartition(":")[2]), asyncio.Event()
    async with AsyncExitStack() as stack:
        publishing = []
        for number in range(count):
            await admission()
            publish = await connect(stack, number, port)
            topic = f"bench/{number}/telemetry"
            publishing.append(asyncio.create_task(_publish_regularly(publish, topic, random.Random(number), over)))
        yield
        over.set()
        await asyncio.wait(publishing)


async def _aiomqtt(stack: AsyncExitStack, number: int, port: int) -> Publish:
    client = aiomqtt.Client("127.0.0.1", port, identifier=f"bare-{number}")
    await stack.enter_async_context(client)
    await client.subscribe(f"bench/{number}/command", qos=1)
    return client.publish


async def _gmqtt(stack: AsyncExitStack, number: int, port: int) -> Publish:
    from gmqtt import Client

    client = Client(f"bare-{number}")
    await client.connect("127.0.0.1", port)
    stack.push_async_callback(client.disconnect)
    client.subscribe(f"bench/{number}/command", qos=1)

    async def publish(topic: str, payload: bytes) -> None:
        client.publish(topic, payload, qos=0)

    return publish


_PUBLISHERS: dict[str, Connect] = {"aiomqtt": _aiomqtt, "gmqtt": _gmqtt}


async def _publish_regularly(publish: Publish, topic: str, rng: random.Random, over: asyncio.Event) -> None:
    """Until `over`: a bare aiomqtt client may swallow a cancellation (`lapel.link.aiomqtt_overrides`)."""
    await asyncio.sleep(rng.uniform(0, _TELEMETRY_S))
    while not over.is_set():
        await publish(topic, _TELEMETRY)
        await asyncio.sleep(_TELEMETRY_S)


if __name__ == "__main__":
    asyncio.run(_child(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))

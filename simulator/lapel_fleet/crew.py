"""The cameras of a live run, in this process or shared among several."""

import asyncio
import contextlib
import gc
import multiprocessing
import resource
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

import msgspec

from lapel.errors import LapelError
from lapel.worker import ThreadWorker
from lapel_fleet import lag
from lapel_fleet.address import Address
from lapel_fleet.checkers.ledger import LIVE_PRECISION_S, Truth
from lapel_fleet.clock import ScaledTime
from lapel_fleet.fleet import Fleet, Glance
from lapel_fleet.media import filming
from lapel_fleet.scenario import Scenario
from lapel_fleet.surroundings import LiveSurroundings, tampered_with
from lapel_fleet.world import World

_DIALLING_THREADS = 32
"""aiomqtt connects in the loop's own thread pool, where each connect blocks a thread."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a crew is to run. Goes to worker processes as JSON."""

    scenario: Scenario
    seed: int
    agency: str
    address: Address
    speed: float = 1.0
    began_s: float
    """The machine's monotonic time at which the run's time is 0."""
    shard: tuple[int, int] = (0, 1)
    cables: bool = False
    """Whether somebody may tamper with every line, not only with those that the scenario's faults meet."""
    connects_per_s: float
    clip: str = ""
    """A video of somebody's own for cameras that film a clip."""
    evidence: str = ""
    """Folder for recordings; empty: they are kept in memory."""


class Crew(Protocol):
    """Cameras that somebody runs."""

    async def begin(self) -> None:
        """The day begins."""

    async def end(self) -> None:
        """It is over; the recordings are stopped."""

    async def glance(self) -> Glance:
        """How they stand."""

    async def truths(self) -> list[Truth]:
        """What is true of them."""


class LocalCrew:
    """Cameras in this process."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.lags_s: list[float] = []

    async def begin(self) -> None:
        """See `Crew.begin`."""
        self.fleet.begin()

    async def end(self) -> None:
        """See `Crew.end`."""
        await self.fleet.end()

    async def glance(self) -> Glance:
        """See `Crew.glance`."""
        glance = await self.fleet.glance_in_turns()
        lags_s, self.lags_s[:] = list(self.lags_s), []
        return msgspec.structs.replace(glance, lags_s=lags_s, memory_bytes=_resident_bytes())

    async def truths(self) -> list[Truth]:
        """See `Crew.truths`."""
        return self.fleet.truths()


@asynccontextmanager
async def local_crew(order: Order) -> AsyncIterator[LocalCrew]:
    """The cameras of `order`, powered on, while the block runs; in the end they are switched off."""
    world, time, worker = World(order.seed), ScaledTime(order.speed, order.began_s), ThreadWorker(2)
    met = tampered_with(order.scenario, world)
    around = LiveSurroundings(
        order.scenario, order.agency, order.address, time, worker,
        cabled=(lambda _: True) if order.cables else met, connects_per_s=order.connects_per_s,
        precision_s=LIVE_PRECISION_S * order.speed,
        film=filming(order.scenario.media, Path(order.clip) if order.clip else None),
        folder=Path(order.evidence) if order.evidence else None,
    )  # fmt: skip
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_DIALLING_THREADS, "dial"))
    names = order.scenario.cameras[order.shard[0] :: order.shard[1]]
    fleet = Fleet(order.scenario, names, world, around, time)
    crew = LocalCrew(fleet)
    measuring = asyncio.create_task(lag.measure(crew.lags_s.append), name="lag")
    try:
        fleet.power_on()
        gc.collect()
        gc.freeze()  # thousands of cameras live as long as the process: looking through them again and again costs lag
        yield crew
    finally:
        gc.unfreeze()
        measuring.cancel()
        await asyncio.wait([measuring])
        await fleet.close()
        worker.close()


def _resident_bytes() -> int:
    """Of this process; 0 where the kernel does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


# -- in other processes ------------------------------------------------------------------------------------------------


class ProcessCrew:
    """Cameras in a process of their own: asks, and waits for the answer."""

    def __init__(self, line: Connection) -> None:
        self._line, self._turn = line, asyncio.Lock()

    async def begin(self) -> None:
        """See `Crew.begin`."""
        await self._ask("begin")

    async def end(self) -> None:
        """See `Crew.end`."""
        await self._ask("end")

    async def glance(self) -> Glance:
        """See `Crew.glance`."""
        return msgspec.json.decode(await self._ask("glance"), type=Glance)

    async def truths(self) -> list[Truth]:
        """See `Crew.truths`."""
        return msgspec.json.decode(await self._ask("truths"), type=list[Truth])

    async def close(self) -> None:
        """Its cameras are switched off, and the process ends."""
        await self._ask("close")

    async def _ask(self, what: str) -> bytes:
        async with self._turn:
            return await asyncio.to_thread(self._exchange, what)

    def _exchange(self, what: str) -> bytes:
        try:
            self._line.send_bytes(what.encode())
            return self._line.recv_bytes()
        except (EOFError, OSError) as error:
            raise LapelError("a worker process ended before its time") from error


@asynccontextmanager
async def process_crew(order: Order) -> AsyncIterator[ProcessCrew]:
    """The cameras of `order` in a process of their own, while the block runs."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_work, args=(there, msgspec.json.encode(order)), name=f"crew {order.shard[0]}", daemon=True
    )
    process.start()
    there.close()
    crew = ProcessCrew(here)
    try:
        yield crew
    finally:
        with contextlib.suppress(LapelError):
            await crew.close()
        await asyncio.to_thread(process.join, 30)
        process.kill()
        here.close()


def _work(line: Connection, order: bytes) -> None:
    with contextlib.suppress(KeyboardInterrupt):  # the parent was told too, and ends us in order
        asyncio.run(_serve(line, msgspec.json.decode(order, type=Order)))


async def _serve(line: Connection, order: Order) -> None:
    async with local_crew(order) as crew:
        while (what := await _next(line)) != "close":
            match what:
                case "begin":
                    await crew.begin()
                    line.send_bytes(b"")
                case "end":
                    await crew.end()
                    line.send_bytes(b"")
                case "glance":
                    line.send_bytes(msgspec.json.encode(await crew.glance()))
                case "truths":
                    line.send_bytes(msgspec.json.encode(await crew.truths()))
    line.send_bytes(b"")


async def _next(line: Connection) -> str:
    """The next request; `close` when nobody asks any more."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(line.fileno(), asked.set)
    try:
        await asked.wait()
        return line.recv_bytes().decode()
    except EOFError:
        return "close"
    finally:
        loop.remove_reader(line.fileno())

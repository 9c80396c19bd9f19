"""A run against a real broker, in real time or a multiple of it, in one process or several."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from lapel.clock import SystemClock
from lapel.errors import ConfigError
from lapel.link.transport import Envelope
from lapel.states import State
from lapel_fleet.broker.address import CONNECTS_PER_S, Address
from lapel_fleet.broker.embedded import EmbeddedBroker, embedded_broker
from lapel_fleet.broker.retained_cleanup import clear_retained_states
from lapel_fleet.cameras.fleet_snapshot import FleetSnapshot, merged_snapshots
from lapel_fleet.runs.control import OpenControl, no_control
from lapel_fleet.runs.gc_tuning import infrequent_gc
from lapel_fleet.runs.live_control import LiveControl
from lapel_fleet.runs.local_worker import CameraWorker, WorkerJob, local_worker
from lapel_fleet.runs.measurement import loop_lag
from lapel_fleet.runs.measurement.samples import BUCKETS
from lapel_fleet.runs.process_worker import process_worker
from lapel_fleet.runs.run import AGENCY, OnProgress, Run, quiet
from lapel_fleet.runs.trace import Trace
from lapel_fleet.runs.traffic.control_room import ControlRoom
from lapel_fleet.runs.traffic.listener import Listener, listening
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.timelines import ScaledTimeline
from lapel_fleet.time.waiting import wait_for_event

AMQTT_CAMERAS = 50
"""amqtt serves so many on a busy machine of two cores; 100 of them keep losing their connections there (measured)."""
BESIDE_THE_CONTROL_ROOM = 100
"""So many cameras live in the control room's own process."""
CAMERAS_PER_PROCESS = 5_000
"""Open files per process are limited to 20,000 where this was measured; one process per core is of use before that."""
CABLED_PER_PROCESS = 2_000
"""A line that somebody may tamper with takes four open files where others take one."""
UP_LIMIT_S = 60.0
UP_PER_S = 100.0
"""So many come up in a second on two busy cores; where there are more, they wait for each other."""
SETTLE_LIMIT_S = 90.0
"""Longer than the longest back-off of a link."""
GONE_S = 5.0
"""A broker that is away so long when the day is over is gone."""
_LOOK_S, _LOOKED_AT_PER_S = 0.5, 5_000
"""How often it is seen how the cameras stand: less often where there are many, as looking takes time, too."""
_LAG_LIMIT_S = 1.0
"""A fleet whose loop is later than this was not given real time."""


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """How to run live."""

    address: Address | None = None
    """Somebody's broker; without one, one of our own is started."""
    agency: str = ""
    """Empty: `fleet` on our own broker, a name of the run's own on somebody else's."""
    speed: float = 1.0
    workers: int = 0
    """Processes; 0: as many as the fleet asks for."""
    shard: tuple[int, int] = (0, 1)
    """(i, n): only every n-th camera, from the i-th on."""
    connects_per_s: float = CONNECTS_PER_S
    clip: str = ""
    """A video of somebody's own for cameras that film a clip."""
    evidence: str = ""
    """Folder for recordings with pictures; empty: one that is gone when the run is over."""


async def run_live(
    scenario: Scenario,
    seed: int,
    how: Live,
    trace: Path | None = None,
    progress: OnProgress = quiet,
    open_control: OpenControl = no_control,
) -> Run:
    """A whole run. Raises LinkError (no broker), ConfigError (it cannot be run so), StorageError (no trace)."""
    if scenario.media == "pixels" and how.speed != 1:
        raise ConfigError(f'media "pixels" are drawn in real time: not at speed {how.speed:g}, only at 1')
    async with AsyncExitStack() as stack:
        stack.enter_context(infrequent_gc())
        broker, address = await _broker(stack, scenario, how)
        if broker is None:
            scenario = _with_cuts(scenario)
        agency = how.agency or (AGENCY if broker else f"sim-{secrets.token_hex(4)}")
        streams, lines, names = RandomStreams(seed), Trace(trace), scenario.cameras[how.shard[0] :: how.shard[1]]
        time = ScaledTimeline(how.speed)
        listener: Listener

        def send(topic: str, payload: bytes) -> bool:
            listener.send(Envelope(topic, payload, 1, retain=False))
            _, _, _, site, camera, _ = topic.split("/")
            return room.received_messages.is_online(f"{site}/{camera}")

        room = ControlRoom(
            scenario, names, streams, agency, time, lines, send,
            stop_broker=broker.stop if broker else _nothing, start_broker=broker.start if broker else _nothing,
            broker=lambda: address.software or listener.broker,
        )  # fmt: skip
        listener = Listener(address.of_operator(), agency, secrets.token_hex(4), room.received_messages.hear)
        await stack.enter_async_context(listening(listener))
        if broker is None:
            stack.push_async_callback(clear_retained_states, address, agency, names)
        order = WorkerJob(
            scenario=scenario, seed=seed, agency=agency, address=address,
            clip=how.clip, evidence=_folder(stack, scenario, how), speed=how.speed, began_s=time.began_s,
            shard=how.shard, connects_per_s=how.connects_per_s, cables=open_control is not no_control,
        )  # fmt: skip
        workers = await _workers(stack, order, how.workers)
        control = LiveControl(names, workers, time, agency, address, room.cases)
        day = _Day(scenario, len(names), time, room, workers, listener, progress)
        async with _measured(day.lags_s):
            inconclusive = await day.pass_(lambda: open_control(control))
        cases = room.cases([actual for worker in workers for actual in await worker.actual_records()])
        return Run(
            seed=seed, cases=cases, trace_sha256=lines.close(), trace_lines=lines.lines, time="live",
            messages=room.received_messages.messages, domain_s=time.mono_s(),
            inconclusive=inconclusive, manual_faults=control.manual_faults, samples=room.sampler.samples(),
            up_s=day.up_s, workers_bytes=day.workers_bytes,
            broker=room.broker(),
        )  # fmt: skip


async def _broker(stack: AsyncExitStack, scenario: Scenario, how: Live) -> tuple[EmbeddedBroker | None, Address]:
    if how.address is not None:
        return None, how.address
    broker = await stack.enter_async_context(embedded_broker(nodelay=True))
    if broker.name == "amqtt" and len(scenario.cameras) > AMQTT_CAMERAS:
        raise ConfigError(
            f"{len(scenario.cameras)} cameras need a Mosquitto, and there is none: install it, name a broker with "
            f"--broker, or run in virtual time with --virtual; the broker in this process serves {AMQTT_CAMERAS}"
        )
    return broker, Address(url=broker.url, software=f"{broker.name} {broker.version}")


def _with_cuts(scenario: Scenario) -> Scenario:
    """The same day at a broker that is not ours to stop: its outage is a cut through every line."""
    cut = [
        msgspec.structs.replace(one, kind="network.down") if one.kind == "broker.outage" else one
        for one in scenario.faults
    ]
    return msgspec.structs.replace(scenario, faults=cut)


def _folder(stack: AsyncExitStack, scenario: Scenario, how: Live) -> str:
    if how.evidence and Path(how.evidence).is_dir() and any(Path(how.evidence).iterdir()):
        raise ConfigError(f"--evidence {how.evidence}: is not empty; name a new folder, so that the runs do not mix")
    if scenario.media == "none" or how.evidence:
        return how.evidence
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="lapel-evidence-"))


async def _workers(stack: AsyncExitStack, order: WorkerJob, workers: int) -> list[CameraWorker]:
    """One in this process for a small fleet; else processes, so that the control room is not held up."""
    count = len(order.names)
    each = CABLED_PER_PROCESS if order.cables else CAMERAS_PER_PROCESS
    wanted = workers or (0 if count <= BESIDE_THE_CONTROL_ROOM else -(-count // each))
    if wanted == 0:
        return [await stack.enter_async_context(local_worker(order))]
    return [await stack.enter_async_context(process_worker(share)) for share in order.divided(wanted)]


class _Day:
    """From the first connect to the last message."""

    def __init__(
        self,
        scenario: Scenario,
        count: int,
        time: ScaledTimeline,
        room: ControlRoom,
        workers: list[CameraWorker],
        listener: Listener,
        told: OnProgress,
    ) -> None:
        self._scenario, self._count, self._time, self._room, self._workers, self._listener = (
            scenario,
            count,
            time,
            room,
            workers,
            listener,
        )
        self._told, self._look_s = told, max(_LOOK_S, count / _LOOKED_AT_PER_S)
        self.lags_s: list[float] = []
        self.up_s, self.workers_bytes = 0.0, 0

    async def pass_(self, controlled: Callable[[], AbstractAsyncContextManager[asyncio.Event]]) -> list[str]:
        """Why the run proves nothing, if it does not. While the day lasts, somebody may open_control."""
        if not await self._until(lambda now: now.online == self._count, UP_LIMIT_S + self._count / UP_PER_S):
            return [f"only {(await self._snapshot()).online} of {self._count} cameras came up"]
        self.up_s = self._time.mono_s() / self._time.speed
        self.lags_s.clear()  # those of the beginning are not part of the day
        self._room.begin()
        for worker in self._workers:
            await worker.begin()
        async with controlled() as ended:
            await self._look_on(ended)
        lags_s = sorted(self.lags_s)
        await self._room.end()
        await asyncio.gather(*(worker.end() for worker in self._workers))
        if await self._listener.is_heard(GONE_S):  # one that is gone is not waited for any longer
            await self._until(lambda now: now.online + now.total.get(State.OFF.value, 0) == self._count, SETTLE_LIMIT_S)
            await self._listener.quiet(10.0)
        return list(self._inconclusive(lags_s))

    async def _look_on(self, ended: asyncio.Event) -> None:
        """Until the day is over, or somebody ends it."""
        began_s, room = self._time.mono_s(), self._room
        every_s = max(self._look_s, self._scenario.duration_s / BUCKETS / self._time.speed)
        while not ended.is_set() and (share := (self._time.mono_s() - began_s) / self._scenario.duration_s) < 1:
            snapshot = await self._snapshot()
            self._sample(snapshot)
            self._told(
                share,
                self._time.mono_s(),
                snapshot.total,
                room.received_messages.messages,
                room.received_messages.recordings,
            )
            left_s = (1 - share) * self._scenario.duration_s / self._time.speed
            await wait_for_event(ended, min(every_s, max(0.01, left_s)))
        self._sample(await self._snapshot())

    def _sample(self, snapshot: FleetSnapshot) -> None:
        self._room.sampler.snapshot(snapshot.states, snapshot.batteries, snapshot.storage)
        for lag_s in snapshot.lags_s:
            self._room.sampler.lag(lag_s)

    def _inconclusive(self, lags_s: list[float]) -> Iterator[str]:
        yield from self._listener.losses()
        late_s = lags_s[int(0.99 * len(lags_s))] if lags_s else 0.0
        if late_s > _LAG_LIMIT_S:
            yield f"real time was lost: one wake-up in a hundred came {late_s:.1f} s late"

    async def _until(self, true: Callable[[FleetSnapshot], bool], limit_s: float) -> bool:
        """Return once they stand so; False when that takes longer, in real time."""
        clock = SystemClock()
        deadline_s = clock.mono_s() + limit_s
        while clock.mono_s() < deadline_s:
            snapshot = await self._snapshot()
            self._told(0.0, self._time.mono_s(), snapshot.total, self._room.received_messages.messages, 0)
            if true(snapshot):
                return True
            await asyncio.sleep(self._look_s)
        return False

    async def _snapshot(self) -> FleetSnapshot:
        snapshot = merged_snapshots([await worker.snapshot() for worker in self._workers])
        self.lags_s += snapshot.lags_s
        self.workers_bytes = max(self.workers_bytes, snapshot.memory_bytes)
        return snapshot


@asynccontextmanager
async def _measured(lags_s: list[float]) -> AsyncIterator[None]:
    """The control room's own loop counts as well: what it hears late is not the cameras' fault."""
    measuring = asyncio.create_task(loop_lag.measure(lags_s.append), name="lag")
    try:
        yield
    finally:
        measuring.cancel()
        await asyncio.wait([measuring])


async def _nothing() -> None:
    """Somebody else's broker is not ours to stop."""

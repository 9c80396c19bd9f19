"""A worker of a live run with its cameras in this process; `process_worker.py` has them in another."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from lapel.worker import ThreadWorker
from lapel_fleet.broker.address import Address
from lapel_fleet.cameras.actions import Action
from lapel_fleet.cameras.camera import CameraSnapshot
from lapel_fleet.cameras.fleet import Fleet
from lapel_fleet.cameras.fleet_snapshot import FleetSnapshot
from lapel_fleet.cameras.live_environment import LiveEnvironment, cameras_with_link_faults
from lapel_fleet.cameras.manual_control import ManualControl, ServicePort
from lapel_fleet.cameras.media import footage_maker
from lapel_fleet.cameras.offload import OffloadTarget
from lapel_fleet.checkers.records import LIVE_PRECISION_S, ActualRecord
from lapel_fleet.runs.destination import Destination
from lapel_fleet.runs.gc_tuning import freeze_heap, infrequent_gc, unfreeze_heap
from lapel_fleet.runs.live_view import NewLiveView, no_view
from lapel_fleet.runs.measurement import loop_lag
from lapel_fleet.runs.measurement.resident_memory import resident_bytes
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.timelines import ScaledTimeline

_STORAGE_THREADS = 8
"""They wait for the disk rather than for the processor."""
_CONNECT_THREADS = 32
"""aiomqtt connects in the event loop's thread pool, where each connect blocks a thread."""


class WorkerJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker runs. Worker processes receive it as JSON."""

    scenario: Scenario
    seed: int
    agency: str
    address: Address
    speed: float = 1.0
    began_s: float
    """The machine's monotonic time at which the run's time is 0."""
    shard: tuple[int, int] = (0, 1)
    relays: bool = False
    """Whether every link goes through a relay, so that faults can be injected by hand. Else only the links that the
    scenario's faults affect do.
    """
    connects_per_s: float
    clip: str = ""
    """The user's video for cameras that film a clip."""
    evidence: str = ""
    """Folder for recordings; empty: they are kept in memory."""
    destination: Destination | None = None
    """Where cameras offload; None: they keep their recordings."""
    keeps_recordings: bool = False
    """Whether recordings in memory are kept whole, for an evidence system that reads them."""

    @property
    def names(self) -> list[str]:
        """Its cameras."""
        first, step = self.shard
        return self.scenario.cameras[first::step]

    def divided(self, count: int) -> "list[WorkerJob]":
        """Jobs for `count` workers, which together have the same cameras."""
        first, step = self.shard
        return [
            msgspec.structs.replace(
                self, shard=(first + number * step, step * count), connects_per_s=self.connects_per_s / count
            )
            for number in range(count)
        ]


class CameraWorker(Protocol):
    """Runs some of a fleet's cameras, in this process or another. A ConfigError for a camera that is not its own."""

    @property
    def names(self) -> Sequence[str]:
        """Its cameras."""

    async def begin(self) -> None:
        """Begin the day: wearers, shifts and faults."""

    async def end(self) -> None:
        """End the day: recordings are stopped."""

    async def snapshot(self) -> FleetSnapshot:
        """The state of all its cameras, counted."""

    async def actual_records(self) -> list[ActualRecord]:
        """What really happened to each of them so far."""

    async def snapshots(self, names: Sequence[str]) -> dict[str, CameraSnapshot]:
        """The state of these cameras."""

    async def act(self, action: Action) -> None:
        """Begin an action on one camera. Returns at once, also where the action takes time."""

    async def attach(self, name: str) -> ServicePort:
        """Open a camera's console. Raises ConsoleError when it is open."""

    async def detach(self, name: str) -> None:
        """Close it. Harmless when it is closed."""

    async def begin_fault(self, number: int, fault: Fault) -> None:
        """Inject a fault into those of its cameras that `fault` applies to."""

    async def end_fault(self, number: int) -> None:
        """End it. Harmless when it is over."""


class LocalWorker:
    """Implements `CameraWorker` with cameras in this process."""

    def __init__(self, fleet: Fleet, control: ManualControl, without_bytes: int) -> None:
        """`without_bytes`: resident memory of this process before it had cameras."""
        self.fleet, self.names = fleet, list(fleet.cameras)
        self._control, self._without_bytes = control, without_bytes
        self.lags_s: list[float] = []

    async def begin(self) -> None:
        """See `CameraWorker.begin`."""
        freeze_heap()
        self.fleet.begin()

    async def end(self) -> None:
        """See `CameraWorker.end`."""
        await self._control.release()
        await self.fleet.end()

    async def snapshot(self) -> FleetSnapshot:
        """See `CameraWorker.snapshot`."""
        snapshot = await self.fleet.snapshot_in_batches()
        lags_s, self.lags_s[:] = list(self.lags_s), []
        return msgspec.structs.replace(snapshot, lags_s=lags_s, memory_bytes=resident_bytes() - self._without_bytes)

    async def actual_records(self) -> list[ActualRecord]:
        """See `CameraWorker.actual_records`."""
        return self.fleet.actual_records()

    async def snapshots(self, names: Sequence[str]) -> dict[str, CameraSnapshot]:
        """See `CameraWorker.snapshots`."""
        return {name: self._control.camera(name).snapshot() for name in names}

    async def act(self, action: Action) -> None:
        """See `CameraWorker.act`."""
        self._control.begin(action)
        await asyncio.sleep(0)  # lets the action begin: a press has happened when this returns

    async def attach(self, name: str) -> ServicePort:
        """See `CameraWorker.attach`."""
        return await self._control.attach(name)

    async def detach(self, name: str) -> None:
        """See `CameraWorker.detach`."""
        await self._control.detach(name)

    async def begin_fault(self, number: int, fault: Fault) -> None:
        """See `CameraWorker.begin_fault`."""
        await self._control.begin_fault(number, fault)

    async def end_fault(self, number: int) -> None:
        """See `CameraWorker.end_fault`."""
        self._control.end_fault(number)


@asynccontextmanager
async def local_worker(job: WorkerJob, new_live_view: NewLiveView = no_view) -> AsyncIterator[LocalWorker]:
    """The cameras of `job`, powered on while the block runs and switched off at the end."""
    streams, time = RandomStreams(job.seed), ScaledTimeline(job.speed, job.began_s)
    writer = ThreadWorker(_STORAGE_THREADS)
    needs_relay = cameras_with_link_faults(job.scenario, streams)
    environment = LiveEnvironment(
        job.scenario, job.agency, job.address, time, writer,
        needs_relay=(lambda _: True) if job.relays else needs_relay, connects_per_s=job.connects_per_s,
        keeps_history=job.relays, precision_s=LIVE_PRECISION_S * job.speed,
        make_footage=footage_maker(
            job.scenario.media, Path(job.clip) if job.clip else None, has_sound=job.scenario.sound
        ),
        folder=Path(job.evidence) if job.evidence else None, names=job.names,
        offload=_target(job.destination), keeps_recordings=job.keeps_recordings,
        new_live_view=new_live_view,
    )  # fmt: skip
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_CONNECT_THREADS, "connect"))
    without_bytes = resident_bytes()
    fleet = Fleet(job.scenario, job.names, streams, environment, time)
    control = ManualControl(fleet.cameras, streams, time, job.speed)
    worker = LocalWorker(fleet, control, without_bytes)
    measuring = asyncio.create_task(loop_lag.measure(worker.lags_s.append), name="lag")
    try:
        with infrequent_gc():
            fleet.power_on()
            freeze_heap()
            yield worker
    finally:
        unfreeze_heap()
        measuring.cancel()
        await asyncio.wait([measuring])
        await control.release()
        await fleet.close()
        writer.close()


def _target(destination: Destination | None) -> OffloadTarget | None:
    return destination.target() if destination is not None else None

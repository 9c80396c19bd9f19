"""A run against a real broker, in real time or a multiple of it, in one process or several."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lapel.clock import SystemClock
from lapel.errors import ConfigError
from lapel.link.transport import Envelope
from lapel.states import State
from lapel_fleet.broker.address import CONNECTS_PER_S, Address
from lapel_fleet.broker.embedded import EmbeddedBroker, embedded_broker
from lapel_fleet.broker.retained_cleanup import clear_retained_states
from lapel_fleet.cameras.fleet_snapshot import FleetSnapshot, merged_snapshots
from lapel_fleet.checkers.records import ActualRecord, Case
from lapel_fleet.runs.control import OpenControl, no_control
from lapel_fleet.runs.destination import Destination, built_in
from lapel_fleet.runs.evidence_back_end.faults import Faults
from lapel_fleet.runs.gc_tuning import infrequent_gc
from lapel_fleet.runs.live_control import LiveControl
from lapel_fleet.runs.live_view import NewLiveView, OpenLiveView, no_live_view, no_view
from lapel_fleet.runs.local_worker import CameraWorker, WorkerJob, local_worker
from lapel_fleet.runs.measurement import loop_lag
from lapel_fleet.runs.measurement.connection_limits import limit_reached
from lapel_fleet.runs.measurement.samples import BUCKETS
from lapel_fleet.runs.observer import Observe, no_observer
from lapel_fleet.runs.process_worker import process_worker
from lapel_fleet.runs.run import AGENCY, OnProgress, Run, no_progress
from lapel_fleet.runs.trace import Trace
from lapel_fleet.runs.traffic.control_room import ControlRoom
from lapel_fleet.runs.traffic.listener import Listener, listening
from lapel_fleet.runs.worker_hosts import WorkerHosts
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.simulated_clock import SimulatedClock
from lapel_fleet.time.timelines import ScaledTimeline
from lapel_fleet.time.waiting import wait_for_event

if TYPE_CHECKING:
    from lapel_fleet.runs.evidence_back_end.serving import Served

MAX_AMQTT_CAMERAS = 50
"""amqtt serves so many on a busy machine of two cores; 100 of them keep losing their connections there (measured)."""
MAX_LOCAL_CAMERAS = 100
"""A fleet of at most so many cameras runs in the process of the control room."""
CAMERAS_PER_PROCESS = 5_000
"""Bound by open files: 20,000 per process where this was measured. One process per core pays off earlier."""
RELAYED_CAMERAS_PER_PROCESS = 2_000
"""A link through a relay, on which faults can be injected, takes four open files where others take one."""
ONLINE_LIMIT_S, ONLINE_PER_S = 60.0, 100.0
"""Real seconds for all cameras to come online, and how many more cameras do so per second on two busy cores."""
SETTLE_LIMIT_S = 90.0
"""Real seconds, longer than the longest back-off of a link."""
BROKER_GONE_S = 5.0
"""A broker that is away for so long at the end of the day is not waited for."""
_POLL_S, _CAMERAS_POLLED_PER_S = 0.5, 5_000
"""How often the cameras' states are polled; less often for large fleets, because polling takes time."""
_LAG_LIMIT_S = 1.0
"""A run is inconclusive if the 99th percentile of its event loop lag is above this."""


class LiveOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to run live."""

    address: Address | None = None
    """The user's broker; None: an embedded one is started."""
    agency: str = ""
    """Empty: `fleet` on an embedded broker, a random name on the user's."""
    bind_addresses: list[str] = []
    """Addresses of this machine that cameras connect from, in turn; empty: the system's choice."""
    speed: float = 1.0
    workers: int = 0
    """Processes; 0: as many as the fleet needs."""
    shard: tuple[int, int] = (0, 1)
    """(i, n): only every n-th camera, from the i-th on."""
    connects_per_s: float = CONNECTS_PER_S
    clip: str = ""
    """The user's video for media `clip`."""
    evidence: str = ""
    """Folder for playable recordings; empty: a temporary one, removed at the end."""
    destination: Destination | None = None
    """The user's evidence system; None: the built-in one, where the scenario has cameras that offload."""


async def run_live(
    scenario: Scenario,
    seed: int,
    options: LiveOptions,
    trace: Path | None = None,
    progress: OnProgress = no_progress,
    open_control: OpenControl = no_control,
    observe: Observe = no_observer,
    open_live_view: OpenLiveView = no_live_view,
    hosts: WorkerHosts | None = None,
) -> Run:
    """Run a scenario from the first connect to the last message; its cameras at `hosts`, or on this machine. Raises
    LinkError without a broker, ConfigError for an impossible run, StorageError when the trace cannot be written.
    """
    if scenario.media == "pixels" and options.speed != 1:
        raise ConfigError(f'media "pixels" are drawn in real time: not at speed {options.speed:g}, only at 1')
    async with AsyncExitStack() as stack:
        stack.enter_context(infrequent_gc())
        broker, address = await _broker(stack, scenario, options)
        if broker is None:
            scenario = _with_cut_links(scenario)
        agency = options.agency or (AGENCY if broker else f"sim-{secrets.token_hex(4)}")
        first, step = options.shard
        streams, lines, names = RandomStreams(seed), Trace(trace), scenario.cameras[first::step]
        time = ScaledTimeline(options.speed)
        clock, faults = SimulatedClock(time, SystemClock().now().shifted(-time.mono_s()).utc), Faults()
        destination, served = await _evidence(stack, scenario, options, clock, faults)
        listener: Listener

        def send(topic: str, payload: bytes) -> bool:
            listener.send(Envelope(topic, payload, 1, retain=False))
            _, _, _, site, camera, _ = topic.split("/")
            return room.received_messages.is_online(f"{site}/{camera}")

        room = ControlRoom(
            scenario, names, streams, agency, time, lines, send,
            stop_broker=broker.stop if broker else _do_nothing, start_broker=broker.start if broker else _do_nothing,
            broker=lambda: address.software or listener.broker, evidence=faults,
        )  # fmt: skip
        observer = observe(agency, clock)

        def receive(topic: str, payload: bytes) -> None:
            room.received_messages.receive(topic, payload)
            observer(topic, payload)

        listener = Listener(address.of_operator(), agency, secrets.token_hex(4), receive)
        await stack.enter_async_context(listening(listener))
        if broker is None:
            stack.push_async_callback(clear_retained_states, address, agency, names)
        job = WorkerJob(
            scenario=scenario, seed=seed, agency=agency,
            address=msgspec.structs.replace(address, bind_addresses=options.bind_addresses), clip=options.clip,
            evidence=_folder(stack, scenario, options), speed=options.speed, began_s=time.began_s,
            shard=options.shard, connects_per_s=options.connects_per_s, relays=open_control is not no_control,
            destination=destination, keeps_recordings=options.destination is not None,
        )  # fmt: skip
        new_live_view = await stack.enter_async_context(open_live_view())
        workers = await _workers(stack, job, options.workers, new_live_view, hosts)

        def cases_of(records: Iterable[ActualRecord]) -> list[Case]:
            return room.cases(records, served.back_end.uploads if served is not None else None)

        control = LiveControl(names, workers, time, agency, address, cases_of, lines)
        day = _DayRunner(scenario, len(names), time, room, workers, listener, progress)
        async with _lag_measured(day.lags_s):
            inconclusive = await day.run(lambda: open_control(control))
        cases = cases_of([actual for worker in workers for actual in await worker.actual_records()])
        return Run(
            seed=seed, cases=cases, trace_sha256=lines.close(), trace_lines=lines.lines, time="live",
            messages=room.received_messages.messages, domain_s=time.mono_s(),
            inconclusive=inconclusive, manual_faults=control.manual_faults, samples=room.sampler.samples(),
            online_after_s=day.online_after_s, workers_bytes=day.workers_bytes,
            broker=room.broker(),
        )  # fmt: skip


async def _broker(
    stack: AsyncExitStack, scenario: Scenario, options: LiveOptions
) -> tuple[EmbeddedBroker | None, Address]:
    if options.address is not None:
        return None, options.address
    broker = await stack.enter_async_context(embedded_broker(nodelay=True))
    if broker.name == "amqtt" and len(scenario.cameras) > MAX_AMQTT_CAMERAS:
        raise ConfigError(
            f"{len(scenario.cameras)} cameras need a Mosquitto, and there is none: install it, name a broker with "
            f"--broker, or run in virtual time with --virtual; the built-in amqtt serves {MAX_AMQTT_CAMERAS}"
        )
    return broker, Address(url=broker.url, software=f"{broker.name} {broker.version}")


async def _evidence(
    stack: AsyncExitStack, scenario: Scenario, options: LiveOptions, clock: SimulatedClock, faults: Faults
) -> tuple[Destination | None, "Served | None"]:
    """Where cameras offload, and the built-in back end if it is that."""
    if options.destination is not None or scenario.offload is None:
        return options.destination, None
    return await stack.enter_async_context(built_in(clock, faults, has_files=scenario.media != "none"))


def _with_cut_links(scenario: Scenario) -> Scenario:
    """The scenario for the user's broker, which a run must not stop: an outage cuts every camera's link instead."""
    faults = [
        msgspec.structs.replace(one, kind="network.down") if one.kind == "broker.outage" else one
        for one in scenario.faults
    ]
    return msgspec.structs.replace(scenario, faults=faults)


def _folder(stack: AsyncExitStack, scenario: Scenario, options: LiveOptions) -> str:
    folder = options.evidence
    if folder and Path(folder).is_dir() and any(Path(folder).iterdir()):
        raise ConfigError(f"--evidence {folder}: is not empty; name a new folder, so that the runs do not mix")
    if scenario.media == "none" or folder:
        return folder
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="lapel-evidence-"))


async def _workers(
    stack: AsyncExitStack, job: WorkerJob, processes: int, new_live_view: NewLiveView, hosts: WorkerHosts | None
) -> list[CameraWorker]:
    """One worker in this process for a small fleet; else processes, so that cameras do not delay the control room."""
    count = len(job.names)
    if hosts is not None:
        shares = job.divided(min(hosts.size, count))
        return [await stack.enter_async_context(hosts.worker(number, share)) for number, share in enumerate(shares)]
    limit = RELAYED_CAMERAS_PER_PROCESS if job.relays else CAMERAS_PER_PROCESS
    needed = processes or (0 if count <= MAX_LOCAL_CAMERAS else -(-count // limit))
    if new_live_view is not no_view and needed:
        raise ConfigError(
            f"--live: not with --workers, and with at most {MAX_LOCAL_CAMERAS} cameras: one process serves all"
        )
    if needed == 0:
        return [await stack.enter_async_context(local_worker(job, new_live_view))]
    return [await stack.enter_async_context(process_worker(share)) for share in job.divided(needed)]


class _DayRunner:
    """Runs a scenario's day: waits for the cameras, begins the day, samples it, ends it."""

    def __init__(
        self,
        scenario: Scenario,
        count: int,
        time: ScaledTimeline,
        room: ControlRoom,
        workers: list[CameraWorker],
        listener: Listener,
        on_progress: OnProgress,
    ) -> None:
        self._scenario, self._count, self._time, self._room = scenario, count, time, room
        self._workers, self._listener, self._on_progress = workers, listener, on_progress
        self._poll_s = max(_POLL_S, count / _CAMERAS_POLLED_PER_S)
        self.lags_s: list[float] = []
        self.online_after_s, self.workers_bytes = 0.0, 0

    async def run(self, open_control: Callable[[], AbstractAsyncContextManager[asyncio.Event]]) -> list[str]:
        """Returns the reasons why the run is inconclusive. The run can be controlled from outside during the day."""
        limit_s = ONLINE_LIMIT_S + self._count / ONLINE_PER_S
        if not await self._poll_until(lambda now: now.online == self._count, limit_s):
            now = await self._snapshot()
            limit = limit_reached(now.offline_reasons)
            return [f"only {now.online:,} of {self._count:,} cameras came online{limit}"]
        self.online_after_s = self._time.mono_s() / self._time.speed
        self.lags_s.clear()  # lag while the cameras connect is not part of the day
        self._room.begin()
        for worker in self._workers:
            await worker.begin()
        async with open_control() as ended:
            await self._sample_until_the_end(ended)
        lags_s = sorted(self.lags_s)
        await self._room.end()
        await asyncio.gather(*(worker.end() for worker in self._workers))
        if await self._listener.wait_until_connected(BROKER_GONE_S):
            await self._poll_until(self._all_online_or_off, SETTLE_LIMIT_S)
            await self._listener.wait_until_quiet(10.0)
        return list(self._inconclusive(lags_s))

    def _all_online_or_off(self, snapshot: FleetSnapshot) -> bool:
        return snapshot.online + snapshot.total.get(State.OFF.value, 0) == self._count

    async def _sample_until_the_end(self, ended: asyncio.Event) -> None:
        """Return when the day is over, or `ended` is set."""
        began_s, received = self._time.mono_s(), self._room.received_messages
        every_s = max(self._poll_s, self._scenario.duration_s / BUCKETS / self._time.speed)
        while not ended.is_set() and (share := (self._time.mono_s() - began_s) / self._scenario.duration_s) < 1:
            snapshot = await self._snapshot()
            self._sample(snapshot)
            self._on_progress(share, self._time.mono_s(), snapshot.total, received.messages, received.recordings)
            left_s = (1 - share) * self._scenario.duration_s / self._time.speed
            await wait_for_event(ended, min(every_s, max(0.01, left_s)))
        self._sample(await self._snapshot())

    def _sample(self, snapshot: FleetSnapshot) -> None:
        self._room.sampler.snapshot(snapshot.states, snapshot.batteries, snapshot.storage, snapshot.backlog)
        for lag_s in snapshot.lags_s:
            self._room.sampler.lag(lag_s)

    def _inconclusive(self, lags_s: list[float]) -> Iterator[str]:
        yield from self._listener.inconclusive()
        late_s = lags_s[int(0.99 * len(lags_s))] if lags_s else 0.0
        if late_s > _LAG_LIMIT_S:
            yield f"the machine was too slow for real time: event loop lag p99 was {late_s:.1f} s"

    async def _poll_until(self, is_reached: Callable[[FleetSnapshot], bool], limit_s: float) -> bool:
        """Return True once `is_reached` is, False after `limit_s` of real time."""
        clock = SystemClock()
        deadline_s = clock.mono_s() + limit_s
        while clock.mono_s() < deadline_s:
            snapshot = await self._snapshot()
            self._on_progress(0.0, self._time.mono_s(), snapshot.total, self._room.received_messages.messages, 0)
            if is_reached(snapshot):
                return True
            await asyncio.sleep(self._poll_s)
        return False

    async def _snapshot(self) -> FleetSnapshot:
        snapshot = merged_snapshots([await worker.snapshot() for worker in self._workers])
        self.lags_s += snapshot.lags_s
        self.workers_bytes = max(self.workers_bytes, snapshot.memory_bytes)
        return snapshot


@asynccontextmanager
async def _lag_measured(lags_s: list[float]) -> AsyncIterator[None]:
    """Add the lag of the control room's own event loop: a message that it receives late is not the cameras' fault."""
    measuring = asyncio.create_task(loop_lag.measure(lags_s.append), name="lag")
    try:
        yield
    finally:
        measuring.cancel()
        await asyncio.wait([measuring])


async def _do_nothing() -> None:
    """Stands in for stopping and starting a broker that belongs to the user."""

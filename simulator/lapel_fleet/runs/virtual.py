"""A run in virtual time: a broker in memory, one thread, no sockets; one seed gives one trace, byte for byte."""

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from lapel.config import Config
from lapel.link.contract import Contract, LapelV1
from lapel.live_view.live_view import LiveView
from lapel.randomness import RandomSource
from lapel.worker import InlineWorker
from lapel_fleet.cameras.fleet import Fleet
from lapel_fleet.cameras.media import footage_maker
from lapel_fleet.cameras.offload import OffloadTarget
from lapel_fleet.hardware.docking_station import DockingStation, stations_of
from lapel_fleet.hardware.fleet_signer import fleet_sealing, unsigned_sealing
from lapel_fleet.hardware.footage import SimulatedFootage
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.storage import StorageCard
from lapel_fleet.hardware.virtual_broker import VirtualBroker
from lapel_fleet.hardware.virtual_network import VirtualNetwork
from lapel_fleet.runs.gc_tuning import infrequent_gc
from lapel_fleet.runs.run import AGENCY, OnProgress, Run, no_progress
from lapel_fleet.runs.trace import OrderedTrace
from lapel_fleet.runs.traffic.control_room import ControlRoom
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.simulated_clock import SimulatedClock
from lapel_fleet.time.timelines import LoopTimeline
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

if TYPE_CHECKING:
    from lapel_fleet.runs.memory_back_end import MemoryBackEnd

SETTLE_S = 240.0
"""Seconds after the day in which messages still arrive: longer than the last stops and any back-off. It does not depend
on the cameras, so that a shard ends when the whole fleet does.
"""

VERIFIED_CAMERAS = 12
"""So many cameras sign, and their manifests are verified. If all did, a shift would take 1.4 times as long."""
_SNAPSHOTS = 50
"""How often in a run the states of all cameras are sampled: often enough for a plot."""
Listener = Callable[[str, bytes], None]
"""Receives topic and payload of a message."""


class VirtualEnvironment:
    """Implements `lapel_fleet.cameras.environment.Environment`."""

    agency, precision_s, keeps_history = AGENCY, 0.0, False

    def __init__(
        self, scenario: Scenario, loop: asyncio.AbstractEventLoop, names: Collection[str] | None = None
    ) -> None:
        """`names`: the cameras of this shard; all of the scenario by default."""
        self.broker = VirtualBroker()
        self.worker = self.storage_worker = InlineWorker()
        self._scenario, self._loop = scenario, loop
        self._clips = set(scenario.cameras if scenario.media == "clip" else scenario.clip_cameras)
        self._verified = set(scenario.cameras[:VERIFIED_CAMERAS])
        self._docks = stations_of(scenario, scenario.cameras if names is None else names, LoopTimeline(loop))
        self.evidence: MemoryBackEnd | None = None
        """Where cameras offload; None where they keep their recordings."""
        if scenario.offload is not None:
            from lapel_fleet.runs import memory_back_end  # needs an HTTP client

            self.evidence = memory_back_end.MemoryBackEnd(self.clock())
        self._blank = footage_maker("none")
        self._clip = footage_maker("clip", has_sound=scenario.sound) if self._clips else None

    def clock(self) -> SimulatedClock:
        """See `Environment.clock`."""
        return VirtualClock(self._loop)

    def network(self, name: str, rng: random.Random) -> VirtualNetwork:  # noqa: ARG002  # all links are alike
        """See `Environment.network`."""
        return VirtualNetwork(self.broker, self._scenario.keepalive_s, rng)

    def docking_station(self, name: str) -> DockingStation | None:
        """See `Environment.docking_station`."""
        return self._docks.get(name.partition("/")[0])

    def offload(self, name: str) -> OffloadTarget | None:
        """See `Environment.offload`."""
        return self.evidence.target(self.docking_station(name)) if self.evidence is not None else None

    def storage_card(self, name: str) -> StorageCard:
        """See `Environment.storage_card`."""
        is_verified = name in self._verified
        make_sealing = fleet_sealing if is_verified else unsigned_sealing
        sealing = make_sealing(f"{self.agency}/{name}", self.clock().now)
        return MemoryStorage(keeps_finished=False, sealing=sealing, keeps_audit=True, verifies=is_verified)

    def footage(
        self, name: str, config: Config, clock: SimulatedClock, rng: RandomSource, microphone: SimulatedMicrophone
    ) -> SimulatedFootage:
        """See `Environment.footage`."""
        make_footage = self._clip if self._clip is not None and name in self._clips else self._blank
        return make_footage(config, clock, rng, microphone)

    def live_view(self, name: str, clock: SimulatedClock) -> LiveView | None:  # noqa: ARG002  # time is virtual
        """See `Environment.live_view`."""
        return None

    def contract(self, site: str, camera: str) -> Contract:
        """See `Environment.contract`."""
        return LapelV1(self.agency, site, camera)

    def broker_url(self) -> str:
        """See `Environment.broker_url`."""
        return "mqtt://127.0.0.1"


def run(
    scenario: Scenario,
    seed: int,
    trace: Path | TextIO | None = None,
    progress: OnProgress = no_progress,
    *,
    shard: tuple[int, int] = (0, 1),
    listeners: Sequence[Listener] = (),
) -> Run:
    """Run a scenario. Raises StorageError when the trace cannot be written.

    `progress` receives the progress now and then. `shard` (i, n) runs every n-th camera, from the i-th on. `listeners`
    receive every message, as a back end would.
    """

    async def program(clock: VirtualClock) -> Run:
        lines = OrderedTrace(trace)
        streams, names = RandomStreams(seed), scenario.cameras[shard[0] :: shard[1]]
        environment = VirtualEnvironment(scenario, asyncio.get_running_loop(), names)
        broker = environment.broker

        async def stop() -> None:
            broker.stop()

        async def start() -> None:
            broker.start()

        room = ControlRoom(
            scenario, names, streams, AGENCY, clock, lines, lambda topic, payload: bool(broker.publish(topic, payload)),
            stop_broker=stop, start_broker=start,
            evidence=environment.evidence.faults if environment.evidence is not None else None,
        )  # fmt: skip
        received = room.received_messages
        broker.observers.append(received.receive)
        broker.back_ends += listeners
        fleet = Fleet(scenario, names, streams, environment, clock)
        fleet.power_on()
        room.begin()
        fleet.begin()
        for part in range(1, _SNAPSHOTS + 1):
            await clock.sleep(scenario.duration_s / _SNAPSHOTS)
            snapshot = fleet.snapshot()
            room.sampler.snapshot(snapshot.states, snapshot.batteries, snapshot.storage, snapshot.backlog)
            progress(part / _SNAPSHOTS, clock.mono_s(), snapshot.total, received.messages, received.recordings)
        await room.end()
        await fleet.end()
        await clock.sleep(scenario.duration_s + SETTLE_S - clock.mono_s())
        uploads = environment.evidence.back_end.uploads if environment.evidence is not None else None
        cases = room.cases(fleet.actual_records(), uploads)
        broker.observers.clear()
        broker.back_ends.clear()  # messages from here on are due to the end of the run, and are not judged
        await fleet.close()
        return Run(
            seed=seed, cases=cases, trace_sha256=lines.close(), trace_lines=lines.lines,
            messages=received.messages, domain_s=clock.mono_s(), samples=room.sampler.samples(),
        )  # fmt: skip

    with infrequent_gc():
        return run_virtual(program)

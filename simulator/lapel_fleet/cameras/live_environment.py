"""The environment of cameras that connect to a real broker, in live and stepped time."""

import random
from collections.abc import Awaitable, Callable, Collection
from itertools import cycle
from pathlib import Path

from lapel.clock import Clock, SystemClock
from lapel.config import Config
from lapel.evidence.store import EvidenceStore
from lapel.link.contract import Contract, LapelV1
from lapel.link.mqtt import connect_rate
from lapel.live_view.live_view import LiveView
from lapel.randomness import RandomSource
from lapel.worker import InlineWorker, Worker
from lapel_fleet.broker.address import CONNECTS_PER_S, Address
from lapel_fleet.cameras.media import MakeFootage
from lapel_fleet.cameras.offload import OffloadTarget
from lapel_fleet.hardware.docking_station import DockingStation, stations_of
from lapel_fleet.hardware.fleet_signer import fleet_sealing
from lapel_fleet.hardware.folder_storage import FolderStorage
from lapel_fleet.hardware.footage import SimulatedFootage
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.relayed_network import RelayedNetwork
from lapel_fleet.hardware.storage import StorageCard
from lapel_fleet.hardware.tcp_relay import TcpRelay
from lapel_fleet.scenario.faults import affected_cameras
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.simulated_clock import SimulatedClock
from lapel_fleet.time.timelines import Timeline


class LiveEnvironment:
    """Implements `lapel_fleet.cameras.environment.Environment` for live and stepped time."""

    def __init__(
        self,
        scenario: Scenario,
        agency: str,
        address: Address,
        time: Timeline,
        worker: Worker,
        *,
        needs_relay: Callable[[str], bool],
        make_footage: MakeFootage,
        names: Collection[str] | None = None,
        offload: OffloadTarget | None = None,
        keeps_recordings: bool = False,
        folder: Path | None = None,
        precision_s: float = 0.0,
        connects_per_s: float = CONNECTS_PER_S,
        keeps_history: bool = True,
        new_live_view: Callable[[str, Clock], LiveView | None] = lambda _, __: None,
    ) -> None:
        """`needs_relay`: whether faults may disturb the network link of camera `site/name`; `precision_s`: see
        `ActualRecord.precision_s`; `folder`: for recordings, which are kept in memory without one; `names`: the cameras
        of this process, all of the scenario by default; `keeps_recordings`: in memory whole, until they are deleted.
        """
        self._docks = stations_of(scenario, scenario.cameras if names is None else names, time)
        self._make_footage, self._folder, self._offload = make_footage, folder, offload
        self._keeps_recordings, self._new_live_view = keeps_recordings, new_live_view
        self.agency, self.worker, self.precision_s = agency, worker, precision_s
        self.keeps_history = keeps_history
        self.storage_worker = worker if folder is not None else InlineWorker()
        self._scenario, self._address, self._time, self._needs_relay = scenario, address, time, needs_relay
        self._admission: Callable[[], Awaitable[None]] = connect_rate(connects_per_s)
        self._bind_addresses = cycle(address.bind_addresses or [""])
        self._start = SystemClock().now().shifted(-time.mono_s()).utc

    def clock(self) -> SimulatedClock:
        """See `Environment.clock`."""
        return SimulatedClock(self._time, self._start)

    def network(self, name: str, rng: random.Random) -> RelayedNetwork:
        """See `Environment.network`."""
        relay = TcpRelay(rng) if self._needs_relay(name) else None
        brokers = self._address.of_camera(self.agency, name)
        bind_address = next(self._bind_addresses)
        return RelayedNetwork(brokers, self._scenario.keepalive_s, self._admission, relay, bind_address)

    def docking_station(self, name: str) -> DockingStation | None:
        """See `Environment.docking_station`."""
        return self._docks.get(name.partition("/")[0])

    def offload(self, name: str) -> OffloadTarget | None:  # noqa: ARG002  # they all have the same
        """See `Environment.offload`."""
        return self._offload

    def storage_card(self, name: str) -> StorageCard:
        """See `Environment.storage_card`."""
        sealing = fleet_sealing(f"{self.agency}/{name}", self.clock().now)
        if self._folder is None:
            return MemoryStorage(keeps_finished=self._keeps_recordings, sealing=sealing)
        folder = self._folder / name.replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        return FolderStorage(EvidenceStore(folder, 0, sealing=lambda: sealing), lambda: sealing)

    def footage(
        self,
        name: str,  # noqa: ARG002  # all film the same media
        config: Config,
        clock: SimulatedClock,
        rng: RandomSource,
        microphone: SimulatedMicrophone,
    ) -> SimulatedFootage:
        """See `Environment.footage`."""
        return self._make_footage(config, clock, rng, microphone)

    def live_view(self, name: str, clock: SimulatedClock) -> LiveView | None:
        """See `Environment.live_view`."""
        return self._new_live_view(name, clock)

    def contract(self, site: str, camera: str) -> Contract:
        """See `Environment.contract`."""
        return LapelV1(self.agency, site, camera)

    def broker_url(self) -> str:
        """See `Environment.broker_url`. Not the real address: `network` knows that."""
        return "mqtt://127.0.0.1"


def cameras_with_link_faults(scenario: Scenario, streams: RandomStreams) -> Callable[[str], bool]:
    """Which cameras need a relay: those whose link, power or deliveries a fault of the scenario affects."""
    needing = ("network.", "power.", "delivery.")
    faults = [(fault, number) for number, fault in enumerate(scenario.faults) if fault.kind.startswith(needing)]
    return lambda name: any(affected_cameras(fault, number, [name], streams) for fault, number in faults)

"""What surrounds cameras that speak to a real broker: sockets, cables, cards."""

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from lapel.clock import SystemClock
from lapel.config import Config
from lapel.evidence.store import EvidenceStore
from lapel.link.mqtt import connect_rate
from lapel.randomness import RandomSource
from lapel.worker import InlineWorker, Worker
from lapel_fleet.broker.address import CONNECTS_PER_S, Address
from lapel_fleet.cameras.camera import CardInside
from lapel_fleet.cameras.media import Filming
from lapel_fleet.hardware.footage import SimulatedFootage
from lapel_fleet.hardware.relayed_network import RelayedNetwork
from lapel_fleet.hardware.storage import FolderCard, MemoryStorage
from lapel_fleet.hardware.tcp_relay import TcpRelay
from lapel_fleet.scenario.faults import affected_cameras
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.simulated_clock import SimulatedClock
from lapel_fleet.time.timelines import Timeline


class LiveEnvironment:
    """Implements `lapel_fleet.cameras.camera.Environment` for live and stepped time."""

    def __init__(
        self,
        scenario: Scenario,
        agency: str,
        address: Address,
        time: Timeline,
        worker: Worker,
        *,
        cabled: Callable[[str], bool],
        film: Filming,
        folder: Path | None = None,
        precision_s: float = 0.0,
        connects_per_s: float = CONNECTS_PER_S,
        remembers: bool = True,
    ) -> None:
        """`cabled` says whether a fault may change a camera's network line; `precision_s`: see
        `ActualRecord.precision_s`; `remembers`: see `Environment.remembers`.
        `folder` is for recordings; without one they are kept in memory.
        """
        self._film, self._folder = film, folder
        self.agency, self.worker, self.precision_s = agency, worker, precision_s
        self.remembers = remembers
        self.writer = worker if folder is not None else InlineWorker()
        self._scenario, self._address, self._time, self._cabled = scenario, address, time, cabled
        self._admission: Callable[[], Awaitable[None]] = connect_rate(connects_per_s)
        self._start = SystemClock().now().shifted(-time.mono_s()).utc

    def clock(self) -> SimulatedClock:
        """See `Environment.clock`."""
        return SimulatedClock(self._time, self._start)

    def network(self, name: str, rng: random.Random) -> RelayedNetwork:
        """See `Environment.network`."""
        cable = TcpRelay(rng) if self._cabled(name) else None
        brokers = self._address.of_camera(self.agency, name)
        return RelayedNetwork(brokers, self._scenario.keepalive_s, self._admission, cable)

    def card(self, name: str) -> CardInside:
        """See `Environment.card`. Where there is something to film it is a real folder."""
        if self._folder is None:
            return MemoryStorage(keeps_finished=False)
        folder = self._folder / name.replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        return FolderCard(EvidenceStore(folder, 0))

    def footage(self, name: str, config: Config, clock: SimulatedClock, rng: RandomSource) -> SimulatedFootage:  # noqa: ARG002
        """See `Environment.footage`."""
        return self._film(config, clock, rng)

    def broker_url(self) -> str:
        """See `Environment.broker_url`. Who is asked for his password there is not told here."""
        return "mqtt://127.0.0.1"


def tampered_with(scenario: Scenario, streams: RandomStreams) -> Callable[[str], bool]:
    """Which cameras need a cable: those whose line a fault of the scenario meets."""
    lines = [
        (fault, number) for number, fault in enumerate(scenario.faults) if fault.kind.startswith(("network.", "power."))
    ]
    return lambda name: any(affected_cameras(fault, number, [name], streams) for fault, number in lines)

"""What surrounds cameras that speak to a real broker: sockets, cables, cards."""

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from lapel.clock import SystemClock
from lapel.config import Config
from lapel.errors import ConfigError
from lapel.link.mqtt import connect_rate
from lapel.worker import Worker
from lapel_fleet.address import Address
from lapel_fleet.camera import CardInside
from lapel_fleet.clock import SimulatedClock, TimeLine
from lapel_fleet.hardware.cable import Cable, WiredNetwork
from lapel_fleet.hardware.footage import ComputedFootage
from lapel_fleet.hardware.storage import MemoryStorage
from lapel_fleet.scenario import Scenario
from lapel_fleet.world import World

CONNECTS_PER_S = 300.0
"""aiomqtt connects through a thread pool: 900 to 1,200 a second at the most (measured, x86), which starves the rest."""


class LiveSurroundings:
    """Implements `lapel_fleet.camera.Surroundings` for live and stepped time."""

    def __init__(
        self,
        scenario: Scenario,
        agency: str,
        address: Address,
        time: TimeLine,
        worker: Worker,
        *,
        cabled: Callable[[str], bool],
        precision_s: float = 0.0,
        connects_per_s: float = CONNECTS_PER_S,
    ) -> None:
        """`cabled` says whether somebody may tamper with a camera's line; `precision_s`: see `Truth.precision_s`."""
        self.agency, self.worker, self.precision_s = agency, worker, precision_s
        self._scenario, self._address, self._time, self._cabled = scenario, address, time, cabled
        self._admission: Callable[[], Awaitable[None]] = connect_rate(connects_per_s)
        self._start = SystemClock().now().shifted(-time.mono_s()).utc

    def clock(self) -> SimulatedClock:
        """See `Surroundings.clock`."""
        return SimulatedClock(self._time, self._start)

    def network(self, name: str, chance: random.Random) -> WiredNetwork:
        """See `Surroundings.network`."""
        cable = Cable(chance) if self._cabled(name) else None
        brokers = self._address.of_camera(self.agency, name)
        return WiredNetwork(brokers, self._scenario.keepalive_s, self._admission, cable)

    def card(self, name: str) -> CardInside:  # noqa: ARG002  # all cards are alike
        """See `Surroundings.card`."""
        return MemoryStorage()

    def footage(self, name: str, config: Config, clock: SimulatedClock) -> ComputedFootage:  # noqa: ARG002
        """See `Surroundings.footage`."""
        return ComputedFootage(clock, config.prebuffer.length_s, config.video.bitrate_bps)

    def broker_url(self) -> str:
        """See `Surroundings.broker_url`. Who is asked for his password there is not told here."""
        return "mqtt://127.0.0.1"


def tampered_with(scenario: Scenario, world: World, *, own_broker: bool) -> Callable[[str], bool]:
    """Which cameras need a cable: those whose line a fault of the scenario meets. With somebody else's broker, which we
    cannot stop, an outage is a cut through all lines.
    """
    lines = [
        (number, fault)
        for number, fault in enumerate(scenario.faults)
        if fault.kind.startswith(("network.", "power.")) or (fault.kind == "broker.outage" and not own_broker)
    ]
    return lambda name: any(fault.meets(name, world.chance(name, f"fault {number}")) for number, fault in lines)


def check_media(scenario: Scenario, speed: float) -> None:
    """Raise ConfigError when its media cannot be had at that speed."""
    if scenario.media == "pixels" and speed != 1:
        raise ConfigError(f'media = "pixels" are drawn in real time: not at speed {speed:g}, only at 1')


def folder_of(root: Path, name: str) -> Path:
    """Where a camera's recordings go."""
    return root / name.replace("/", "-")

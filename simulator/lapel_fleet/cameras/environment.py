"""The environment of a simulated camera: what the kind of run decides for it."""

import random
from typing import Protocol

from lapel.config import Config
from lapel.link.contract import Contract
from lapel.live_view.live_view import LiveView
from lapel.randomness import RandomSource
from lapel.worker import Worker
from lapel_fleet.cameras.offload import OffloadTarget
from lapel_fleet.hardware.docking_station import DockingStation
from lapel_fleet.hardware.footage import SimulatedFootage
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.network import SimulatedNetwork
from lapel_fleet.hardware.storage import StorageCard
from lapel_fleet.time.simulated_clock import SimulatedClock


class Environment(Protocol):
    """Supplies the clock, network link, storage card, footage and workers of each camera of a run."""

    @property
    def agency(self) -> str:
        """The agency in the cameras' topics."""

    @property
    def precision_s(self) -> float:
        """See `ActualRecord.precision_s`."""

    @property
    def worker(self) -> Worker:
        """Runs blocking jobs."""

    @property
    def storage_worker(self) -> Worker:
        """Runs the jobs of storage cards; inline where cards are in memory, and nothing blocks."""

    @property
    def keeps_history(self) -> bool:
        """Whether the log and the storage history of each camera are kept. Without, only a few lines: a fleet has
        thousands of cameras.
        """

    def clock(self) -> SimulatedClock:
        """A new wall clock over the run's time line."""

    def network(self, name: str, rng: random.Random) -> SimulatedNetwork:
        """The network link of camera `name` to the broker."""

    def docking_station(self, name: str) -> DockingStation | None:
        """Where camera `name` is docked; None where there is a bay for each camera and no limit."""

    def offload(self, name: str) -> OffloadTarget | None:
        """Where camera `name` offloads; None where it keeps its recordings."""

    def storage_card(self, name: str) -> StorageCard:
        """A new, empty storage card for camera `name`."""

    def footage(
        self, name: str, config: Config, clock: SimulatedClock, rng: RandomSource, microphone: SimulatedMicrophone
    ) -> SimulatedFootage:
        """New footage for camera `name`, as it is after power-on: video source, encoder and pre-event buffer."""

    def live_view(self, name: str, clock: SimulatedClock) -> LiveView | None:
        """New live view for camera `name`; None where it cannot be watched."""

    def contract(self, site: str, camera: str) -> Contract:
        """The topics and payloads of that camera."""

    def broker_url(self) -> str:
        """The broker's address in the cameras' configuration, without user name and password."""

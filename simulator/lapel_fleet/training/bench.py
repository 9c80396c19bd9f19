"""A single simulated camera for training, with its console on a serial line and a simulated broker of its fleet.

It runs in virtual time for tests and in real time for a trainee.
"""

import random
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from lapel.check import Check
from lapel.clock import Clock
from lapel.config import Config, LinkSection, changed
from lapel.console.diagnosis import findings, survey
from lapel.errors import LapelError
from lapel.hardware.interfaces import SerialLine
from lapel.link.certificate import good_until
from lapel.link.contract import Contract, LapelV1
from lapel.live_view.live_view import LiveView
from lapel.randomness import RandomSource
from lapel.settings import Settings
from lapel.worker import InlineWorker
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.cameras.console import SimulatedConsole
from lapel_fleet.cameras.media import footage_maker
from lapel_fleet.hardware.footage import SimulatedFootage
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.virtual_broker import VirtualBroker
from lapel_fleet.hardware.virtual_network import VirtualNetwork
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.simulated_clock import SimulatedClock
from lapel_fleet.time.timelines import Timeline
from lapel_fleet.training.expired_certificate import EXPIRED, CertificateAuthority
from lapel_fleet.training.problem import Problem

BROKER_HOST, BROKER_PORT = "broker.example", 8883
BROKER = f"mqtts://{BROKER_HOST}"
NAME = "baltimore/cam-0001"
CLOCK_TOLERANCE_S = 60.0
"""Accuracy of a clock that was set by hand."""
_SCENARIO = Scenario(sites={"baltimore": 1})


class TrainingBench:
    """The camera of one field problem, with its console while the block runs. `actions.prepare` switches it on."""

    def __init__(self, problem: Problem, time: Timeline, start: datetime, line: SerialLine) -> None:
        """`start`: date and time at the time line's 0. The camera's files are made in the current folder."""
        self.problem, self.time = problem, time
        environment = _Environment(time, start)
        self.camera = SimulatedCamera(NAME, _SCENARIO, RandomStreams(7), environment)
        config = changed(self.camera.settings.current, problem.settings, "settings")
        self.camera.settings = Settings(config)
        self.authority = CertificateAuthority(Path(), config.camera, environment.clock())
        if config.link.cert == EXPIRED:
            self.authority.issue_expired()
        self.console = SimulatedConsole(self.camera, line)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "TrainingBench":
        self._stack.push_async_callback(self.camera.close)
        await self._stack.enter_async_context(self.console)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def first_finding(self) -> str:
        """The first finding of `why`; empty when there is none, and when the camera is off."""
        found = findings(await survey(self.console.access)) if self.console.access is not None else []
        return found[0].what if found else ""

    async def is_repaired(self) -> bool:
        """Whether the camera is ready, its clock is right, and none of its settings is still on trial."""
        if self.console.access is None or abs(self.camera.clock.wrong_by_s) > CLOCK_TOLERANCE_S:
            return False
        try:
            is_ready = await self.first_finding() == ""
        except LapelError:  # it is starting
            return False
        return is_ready and not self.camera.settings.on_trial and not self.console.awaits_confirmation


class _Environment:
    """Implements `lapel_fleet.cameras.environment.Environment` for one camera, whose broker is in memory."""

    agency, precision_s, keeps_history = "fleet", 0.0, True

    def __init__(self, time: Timeline, start: datetime) -> None:
        self.worker = self.storage_worker = InlineWorker()
        self._time, self._start = time, start
        self._broker = FleetBroker(self.clock())

    def clock(self) -> SimulatedClock:
        """See `Environment.clock`."""
        return SimulatedClock(self._time, self._start)

    def network(self, name: str, rng: random.Random) -> VirtualNetwork:  # noqa: ARG002  # there is only one camera
        """See `Environment.network`."""
        return VirtualNetwork(self._broker, rng=rng)

    def docking_station(self, name: str) -> None:
        """See `Environment.docking_station`. There is one camera, and a bay for it."""

    def offload(self, name: str) -> None:
        """See `Environment.offload`. It keeps its recordings."""

    def storage_card(self, name: str) -> MemoryStorage:  # noqa: ARG002
        """See `Environment.storage_card`."""
        return MemoryStorage()

    def footage(
        self,
        name: str,  # noqa: ARG002  # there is only one camera
        config: Config,
        clock: SimulatedClock,
        rng: RandomSource,
        microphone: SimulatedMicrophone,
    ) -> SimulatedFootage:
        """See `Environment.footage`."""
        return footage_maker("none")(config, clock, rng, microphone)

    def live_view(self, name: str, clock: SimulatedClock) -> LiveView | None:  # noqa: ARG002
        """See `Environment.live_view`."""
        return None

    def contract(self, site: str, camera: str) -> Contract:
        """See `Environment.contract`."""
        return LapelV1(self.agency, site, camera)

    def broker_url(self) -> str:
        """See `Environment.broker_url`."""
        return BROKER


class FleetBroker(VirtualBroker):
    """A broker with a host name and a TLS port. Its errors have the texts of glibc, Linux and OpenSSL."""

    def __init__(self, clock: Clock) -> None:
        """`clock` is the broker's clock."""
        super().__init__()
        self._clock = clock

    def name_for(self, link: LinkSection) -> str:
        """See `VirtualBroker.name_for`."""
        host, port = _address(link)
        return f"{host}:{port}"

    def connect_steps(self, link: LinkSection) -> list[Check]:
        """See `VirtualBroker.connect_steps`."""
        host, port = _address(link)
        if host != BROKER_HOST:
            return [Check("name", False, "Name or service not known")]
        found = [Check("name", True, f"{host} is 192.0.2.1"), Check("route", True, "from 192.0.2.17")]
        if port != BROKER_PORT or not self.is_up:
            return [*found, Check("tcp", False, "Connection refused")]
        found += [Check("tcp", True, f"{host}:{port} answers"), Check("tls", True, "the certificates are accepted")]
        if self._is_expired(link):  # with TLS 1.3 the client gets this error only now
            return [*found, Check("mqtt", False, "sslv3 alert certificate expired")]
        return [*found, Check("mqtt", True, "the broker accepts this camera")]

    def refusal(self, link: LinkSection) -> str:
        """See `VirtualBroker.refusal`. The MQTT client reports no more than this of a TLS error."""
        refusal = super().refusal(link)
        return "the broker closed the connection" if "certificate" in refusal else refusal

    def _is_expired(self, link: LinkSection) -> bool:
        until = good_until(Path(link.cert)) if link.cert else None
        return until is not None and until <= self._clock.now().utc


def _address(link: LinkSection) -> tuple[str, int]:
    """Host and port of the first broker in the settings; ("", 0) if it is not an address."""
    try:
        url = urlsplit(link.broker.split()[0])
        return url.hostname or "", url.port or BROKER_PORT
    except (ValueError, IndexError):
        return "", 0

"""Handles of a stepped fleet for tests without an event loop: the fleet has a thread of its own, and every call waits.

Such a call would stop a test's own event loop; tests that have one use `fleet.aio`, where each call is awaited.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from lapel_fleet.broker.address import Address
from lapel_fleet.cameras.actions import Action, CameraActions
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.checkers.records import BackEndProbe, Case, Checker
from lapel_fleet.checkers.registry import Finding, judge_back_end, overall
from lapel_fleet.control.async_handles import AsyncCamera, AsyncFleet
from lapel_fleet.control.fleet_thread import (
    RETRY_S,
    FleetThread,
    advance_by,
    done_to,
    for_camera,
    judged,
    manual_fault,
    require_no_failures,
)
from lapel_fleet.runs.destination import Destination
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.scenario import Scenario

T = TypeVar("T")
_NO_CHECKERS: Mapping[str, Checker] = {}


class FleetHandle:
    """Cameras by `site/name`. Close it when done, or use it as a context manager."""

    def __init__(
        self, scenario: Scenario, seed: int, agency: str, address: Address, destination: Destination | None = None
    ) -> None:
        """Returns once every camera is online. `destination`: where cameras offload; None: they keep their recordings.

        Raises LinkError without a broker, ConfigError for impossible input.
        """
        self._thread = FleetThread(scenario, seed, agency, address, destination)
        self.scenario, self.seed, self.agency = scenario, seed, agency

    def __getitem__(self, name: str) -> "CameraHandle":
        """The camera of that name. Raises ConfigError when there is none."""
        self._thread.read(lambda fleet: fleet.camera(name))
        return CameraHandle(self._thread, name)

    def __iter__(self) -> Iterator["CameraHandle"]:
        return iter([CameraHandle(self._thread, name) for name in self.scenario.cameras])

    def __len__(self) -> int:
        return len(self.scenario.cameras)

    def __enter__(self) -> "FleetHandle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def aio(self) -> AsyncFleet:
        """The same fleet for tests with an event loop of their own: what takes time is awaited."""
        return AsyncFleet(self._thread)

    @property
    def replay(self) -> str:
        """How to get the same fleet again."""
        return f"seed={self.seed}, or --lapel-seed {self.seed}"

    def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> list[str]:
        """Let that much time pass, with everything that happens in it. Returns the cameras that still had unsent
        messages after `stepped.BARRIER_S` of real time: during an outage nothing waits for them any longer.
        """
        return self._thread.call(advance_by(seconds, minutes, hours))

    @contextmanager
    def fault(self, kind: str, **parameters: Any) -> Iterator[None]:
        """Inject a fault (`lapel-fleet faults` lists the kinds) while the block runs, into all cameras or those that
        `cameras` or `sites` name. Raises ConfigError for impossible parameters.
        """
        with _injected(self._thread, manual_fault(kind, parameters)):
            yield

    def cases(self) -> list[Case]:
        """The actual and the received record of each camera so far."""
        return self._thread.call(lambda fleet: fleet.cases())

    def check(
        self,
        backend: BackEndProbe | None = None,
        within_s: float = 10.0,
        checkers: Mapping[str, Checker] = _NO_CHECKERS,
    ) -> list[Finding]:
        """Judge cameras and back end so far, by Lapel's checkers and your own. Raises VerdictError for a failure.

        A back end may take a moment to process messages, so it is queried again until it agrees, for `within_s`.
        """
        cases = self.cases()
        findings = judged(cases, checkers)
        if backend is not None:
            findings += self._query(backend, cases, within_s)
        return require_no_failures(findings)

    def close(self) -> None:
        """Switch the cameras off and leave nothing on the broker. Harmless when closed."""
        self._thread.close()

    def _query(self, back_end: BackEndProbe, cases: list[Case], within_s: float) -> list[Finding]:
        waited = threading.Event()  # never set: a way to wait without a clock
        left = max(1, round(within_s / RETRY_S))
        while True:
            findings, left = judge_back_end(cases, back_end), left - 1
            if left <= 0 or overall(findings) != "failed":
                return findings
            waited.wait(RETRY_S)


class CameraHandle(CameraActions):
    """One camera of a fleet."""

    def __init__(self, thread: FleetThread, name: str) -> None:
        self._thread, self.name = thread, name
        """`name` is `site/camera`, as probes are asked for it."""

    def __repr__(self) -> str:
        return f"<camera {self.name}>"

    @property
    def id(self) -> str:
        """`agency/site/camera`, as in its topics. Probes are asked for `name`, which has no agency."""
        return f"{self._thread.agency}/{self.name}"

    @property
    def aio(self) -> AsyncCamera:
        """The same camera for tests with an event loop of their own."""
        return AsyncCamera(self._thread, self.name)

    @property
    def state(self) -> str:
        """The state that its lights show."""
        return self._thread.read(lambda fleet: fleet.camera(self.name).state)

    @property
    def device(self) -> SimulatedCamera:
        """The simulated camera itself, to look at; change it only with `do`, in its own thread."""
        return self._thread.read(lambda fleet: fleet.camera(self.name))

    def act(self, action: Action) -> None:
        """Do something to the camera, and wait until what it published is delivered."""
        self._thread.call(lambda fleet: fleet.act(action))

    def do(self, what: Callable[[SimulatedCamera], T]) -> T:
        """Call a function with the simulated camera, in its own thread: `cam.do(lambda it: it.fill_card(0))`."""
        return self._thread.call(done_to(self.name, what))

    def until(self, state: str, within_s: float = 120.0) -> None:
        """Let time pass until its state is `state`. Raises LapelError after `within_s` seconds of its time."""
        self._thread.call(lambda fleet: fleet.until_state(self.name, state, within_s))

    def until_offloaded(self, within_s: float = 600.0, *, confirmed: bool = True) -> None:
        """Wait until the evidence system has confirmed every recording of the camera, which must be docked. With
        `confirmed=False` until it has received them: for a store that gives no receipts. Raises LapelError, naming what
        it waits for, after `within_s` seconds of its time.
        """
        self._thread.call(lambda fleet: fleet.until_offloaded(self.name, within_s, confirmed=confirmed))

    def until_online(self) -> None:
        """Wait, in real time, until its link is up and everything that it had to send is delivered."""
        self._thread.call(lambda fleet: fleet.until_online(self.name))

    @contextmanager
    def fault(self, kind: str, **parameters: Any) -> Iterator[None]:
        """Inject a fault into this camera while the block runs (`lapel-fleet faults` lists the kinds)."""
        with _injected(self._thread, manual_fault(kind, for_camera(self.name, parameters))):
            yield


@contextmanager
def _injected(thread: FleetThread, fault: Fault) -> Iterator[None]:
    """The fault is active while the block runs."""
    number = thread.call(lambda fleet: fleet.begin_fault(fault))
    try:
        yield
    finally:
        thread.call(lambda fleet: fleet.end_fault(number))

"""A stepped fleet in an event loop and a thread of its own: what its blocking and its awaitable handles share."""

import secrets
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from lapel.errors import ConfigError, LapelError
from lapel_fleet.broker.address import Address
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.checkers.records import Case, Checker
from lapel_fleet.checkers.registry import CHECKERS, Finding, judge
from lapel_fleet.runs.destination import Destination
from lapel_fleet.runs.stepped import SteppedFleet, stepped_fleet
from lapel_fleet.scenario.faults import Fault, fault_from_table
from lapel_fleet.scenario.loading import scenario_from_table
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.loop_thread import LoopThread

T = TypeVar("T")

RETRY_S = 0.1
"""How often a back end is queried again, until it agrees with what was published."""


class VerdictError(LapelError, AssertionError):
    """A checker failed. Names the failures, the seed, and how to replay the fleet."""


class FleetThread:
    """Starts the fleet, and runs coroutines in it."""

    def __init__(
        self, scenario: Scenario, seed: int, agency: str, address: Address, destination: Destination | None = None
    ) -> None:
        """Returns once every camera is online. Raises LinkError without a broker, ConfigError for impossible input."""
        self.scenario, self.seed, self.agency = scenario, seed, agency
        fleet = stepped_fleet(scenario, seed, agency, address, secrets.token_hex(4), destination=destination)
        self._thread: LoopThread[SteppedFleet] = LoopThread(fleet, "lapel-fleet")

    def call(self, what: Callable[[SteppedFleet], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the fleet's thread, and wait for its result."""
        return self._thread.call(what)

    async def awaited(self, what: Callable[[SteppedFleet], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the fleet's thread, and await its result."""
        return await self._thread.awaited(what)

    def read(self, what: Callable[[SteppedFleet], T]) -> T:
        """Run a function that takes no time in the fleet's thread."""

        async def run(fleet: SteppedFleet) -> T:
            return what(fleet)

        return self.call(run)

    def close(self) -> None:
        """Switch the cameras off and leave nothing on the broker. Harmless when closed."""
        self._thread.close()


def judged(cases: list[Case], checkers: Mapping[str, Checker]) -> list[Finding]:
    """The findings of Lapel's checkers and of the user's own."""
    return judge(cases, {**CHECKERS, **checkers})


def require_no_failures(findings: list[Finding]) -> list[Finding]:
    """The findings, unless there is a failure among them: then raises VerdictError."""
    failed = [one for one in findings if one.verdict == "failed"]
    failures = [f"{one.checker}: {failure}" for one in failed for failure in one.failures]
    if failures:
        raise VerdictError("\n  ".join(["the fleet was checked, and something was found:", *failures]))
    return findings


def advance_by(
    seconds: float, minutes: float, hours: float
) -> Callable[[SteppedFleet], Coroutine[Any, Any, list[str]]]:
    """Advances a fleet by the sum."""
    return lambda fleet: fleet.advance(seconds + 60 * minutes + 3600 * hours)


def manual_fault(kind: str, parameters: Mapping[str, Any]) -> Fault:
    """A fault that begins now and lasts until it is ended. Raises ConfigError."""
    for key in ("at_s", "for_s"):
        if key in parameters:
            raise ConfigError(f"{kind}: {key} is for scenario files; here a fault lasts from now until it is ended")
    return fault_from_table({"kind": kind, **parameters}, kind)


def for_camera(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a fault of one camera. Raises ConfigError where others are named."""
    for key in ("cameras", "sites"):
        if key in parameters:
            raise ConfigError(f"{name}: {key}: this fault is for one camera; use fleet.fault for others")
    return {**parameters, "cameras": [name]}


def done_to(name: str, what: Callable[[SimulatedCamera], T]) -> Callable[[SteppedFleet], Coroutine[Any, Any, T]]:
    """Calls `what` with the camera, then waits until everything that it published is delivered."""

    async def done(fleet: SteppedFleet) -> T:
        result = what(fleet.camera(name))
        await fleet.barrier()
        return result

    return done


def scenario_of(sites: Mapping[str, int], **keys: Any) -> Scenario:
    """A fleet in which nothing happens by itself; `keys` are a scenario's. A short keepalive and spread: tests wait for
    these in real time. Raises ConfigError naming the key.
    """
    quiet = {"keepalive_s": 2.0, "spread_s": 0.2, "telemetry_s": 60.0}
    return scenario_from_table({"sites": dict(sites), **quiet, **keys}, "lapel_fleet")

"""A stepped fleet for tests that know nothing of asyncio: it lives in a thread of its own, and every call waits.

Tests that do have an event loop would stop it with such a call: theirs is `fleet.aio`, where each call is awaited.
"""

import secrets
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from lapel.errors import ConfigError, LapelError
from lapel.hardware.interfaces import ButtonName
from lapel_fleet.broker.address import Address
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.checkers.records import BackEndProbe, Case, Checker
from lapel_fleet.checkers.registry import CHECKERS, Finding, judge, judge_back_end
from lapel_fleet.hardware.buttons import HELD_S
from lapel_fleet.runs.stepped import SteppedFleet, stepped_fleet
from lapel_fleet.scenario.scenario import Fault, Scenario, checked_fault, checked_scenario
from lapel_fleet.time.loop_thread import LoopThread

if TYPE_CHECKING:
    from lapel_fleet.control.async_handles import AsyncCamera, AsyncFleet

T = TypeVar("T")

ASK_AGAIN_S = 0.1
"""How often a back end is asked again, until it believes what it was told."""
_NO_CHECKERS: Mapping[str, Checker] = {}


class VerdictError(LapelError, AssertionError):
    """A checker found something. Tells what, the seed, and how to have it again."""


class FleetHandle:
    """Cameras by `site/name`. Close it when done, or use it as a context."""

    def __init__(self, scenario: Scenario, seed: int, agency: str, address: Address) -> None:
        """Returns once every camera is online. Raises LinkError without a broker, ConfigError for what cannot be."""
        self.scenario, self.seed, self.agency = scenario, seed, agency
        fleet = stepped_fleet(scenario, seed, agency, address, secrets.token_hex(4))
        self._thread: LoopThread[SteppedFleet] = LoopThread(fleet, "lapel-fleet")

    def __getitem__(self, name: str) -> "CameraHandle":
        """The camera of that name. Raises ConfigError when there is none."""
        self.look(lambda fleet: fleet.camera(name))
        return CameraHandle(self, name)

    def __iter__(self) -> Iterator["CameraHandle"]:
        return iter([CameraHandle(self, name) for name in self.scenario.cameras])

    def __len__(self) -> int:
        return len(self.scenario.cameras)

    def __enter__(self) -> "FleetHandle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def aio(self) -> "AsyncFleet":
        """The same for tests with an event loop of their own: what takes time is awaited."""
        from lapel_fleet.control.async_handles import AsyncFleet

        return AsyncFleet(self)

    @property
    def replay(self) -> str:
        """How to have the same fleet again."""
        return f"seed={self.seed}, or --lapel-seed {self.seed}"

    def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> list[str]:
        """Let that much time pass, and everything in it happen. Who still had something left to say when the real-time
        limit of `stepped.BARRIER_S` came: in an outage of theirs, nobody waits for them longer.
        """
        return self.call(lambda fleet: fleet.advance(seconds + 60 * minutes + 3600 * hours))

    @contextmanager
    def fault(self, kind: str, **parameters: Any) -> Iterator[None]:
        """A kind of `lapel_fleet.scenario.scenario.FAULTS`, for all cameras or those that `cameras` or `sites`
        name, while the block runs. Raises ConfigError for what cannot go wrong so.
        """
        fault = fault_of(kind, parameters)
        number = self.call(lambda fleet: fleet.begin_fault(fault))
        try:
            yield
        finally:
            self.call(lambda fleet: fleet.end_fault(number))

    def cases(self) -> list[Case]:
        """What is true of each camera now, and what was heard of it."""
        return self.call(lambda fleet: fleet.cases())

    def check(
        self,
        backend: BackEndProbe | None = None,
        within_s: float = 10.0,
        checkers: Mapping[str, Checker] = _NO_CHECKERS,
    ) -> list[Finding]:
        """Judge cameras and back end so far, by Lapel's checkers and your own. Raises VerdictError when one finds
        something.

        A back end may take a moment to believe what it was told, so it is asked again until it does, `within_s`.
        """
        cases = self.cases()
        findings = judge(cases, {**CHECKERS, **checkers})
        if backend is not None:
            findings += self._ask(backend, cases, within_s)
        return self.verdict(findings)

    def verdict(self, findings: list[Finding]) -> list[Finding]:
        """The same again. Raises VerdictError when there is something among them."""
        failures = [f"{one.checker}: {failure}" for one in findings for failure in one.failures]
        if failures:
            raise VerdictError("\n  ".join(["the fleet was checked, and something was found:", *failures]))
        return findings

    def close(self) -> None:
        """Switch the cameras off and leave nothing on the broker. Harmless when done."""
        self._thread.close()

    def call(self, what: Callable[[SteppedFleet], Coroutine[Any, Any, T]]) -> T:
        """Do it in the fleet's own thread, and wait for what it returns."""
        return self._thread.call(what)

    async def awaited(self, what: Callable[[SteppedFleet], Coroutine[Any, Any, T]]) -> T:
        """The same, awaited."""
        return await self._thread.awaited(what)

    def look(self, at: Callable[[SteppedFleet], T]) -> T:
        """The same for what takes no time."""

        async def looked(fleet: SteppedFleet) -> T:
            return at(fleet)

        return self.call(looked)

    def _ask(self, back_end: BackEndProbe, cases: list[Case], within_s: float) -> list[Finding]:
        waited = threading.Event()  # never set: a way to wait that needs no clock
        left = max(1, round(within_s / ASK_AGAIN_S))
        while True:
            findings, left = judge_back_end(cases, back_end), left - 1
            if left <= 0 or not any(one.failures for one in findings):
                return findings
            waited.wait(ASK_AGAIN_S)


class CameraHandle:
    """One camera of a fleet."""

    def __init__(self, fleet: FleetHandle, name: str) -> None:
        self._fleet, self.name = fleet, name

    def __repr__(self) -> str:
        return f"<camera {self.name}>"

    @property
    def id(self) -> str:
        """As a back end knows it: `agency/site/camera`."""
        return f"{self._fleet.agency}/{self.name}"

    @property
    def aio(self) -> "AsyncCamera":
        """The same for tests with an event loop of their own."""
        return self._fleet.aio[self.name]

    @property
    def state(self) -> str:
        """What its lights show."""
        return self._fleet.look(lambda fleet: fleet.camera(self.name).state)

    @property
    def device(self) -> SimulatedCamera:
        """The camera itself: look at it, but do things to it with `do`, in its own thread."""
        return self._fleet.look(lambda fleet: fleet.camera(self.name))

    def do(self, what: Callable[[SimulatedCamera], T]) -> T:
        """Something that the world does to it, in the fleet's own thread: `cam.do(lambda it: it.fill_card(0))`."""
        return self._fleet.call(done_to(self.name, what))

    def press(self, button: ButtonName = "event", times: int = 1) -> None:
        """Press a button; twice at once starts a recording, once marks it."""
        self._fleet.call(lambda fleet: fleet.press(self.name, button, times))

    def hold(self, button: ButtonName = "event", seconds: float = HELD_S) -> None:
        """Hold a button while so much time passes; three seconds end a recording."""
        self._fleet.call(lambda fleet: fleet.hold(self.name, button, seconds))

    def until(self, state: str, within_s: float = 120.0) -> None:
        """Let time pass until its lights show `state`. Raises LapelError when they do not within so many seconds."""
        self._fleet.call(lambda fleet: fleet.until_state(self.name, state, within_s))

    def until_online(self) -> None:
        """Wait, in real time, until its link is up and all that it had to say is said."""
        self._fleet.call(lambda fleet: fleet.until_online(self.name))

    @contextmanager
    def fault(self, kind: str, **parameters: Any) -> Iterator[None]:
        """A kind of fault (`lapel_fleet.scenario.scenario.FAULTS`) for this camera, while the block runs."""
        with self._fleet.fault(kind, **for_camera(self.name, parameters)):
            yield


def fault_of(kind: str, parameters: Mapping[str, Any]) -> Fault:
    """A fault that begins now and lasts until somebody ends it. Raises ConfigError."""
    for key in ("at_s", "for_s"):
        if key in parameters:
            raise ConfigError(f"{kind}: {key} is for scenario files; here it lasts from now until it is ended")
    return checked_fault({"kind": kind, **parameters}, kind)


def for_camera(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same for one camera alone. Raises ConfigError where others are named."""
    for key in ("cameras", "sites"):
        if key in parameters:
            raise ConfigError(f"{name}: {key}: this fault is for one camera; use fleet.fault for others")
    return {**parameters, "cameras": [name]}


def done_to(name: str, what: Callable[[SimulatedCamera], T]) -> Callable[[SteppedFleet], Coroutine[Any, Any, T]]:
    """Do it to that camera, and wait until all that it then says is said."""

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
    return checked_scenario({"sites": dict(sites), **quiet, **keys}, "lapel_fleet")

"""A stepped fleet for tests that know nothing of asyncio: it lives in a thread of its own, and every call waits."""

import asyncio
import secrets
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from lapel.errors import LapelError
from lapel.hardware.interfaces import ButtonName
from lapel_fleet.address import Address
from lapel_fleet.camera import SimulatedCamera
from lapel_fleet.checkers.fleet import Finding, judge, judge_back_end
from lapel_fleet.checkers.ledger import BackEndProbe, Case
from lapel_fleet.scenario import Scenario, checked_fault
from lapel_fleet.stepped import SteppedFleet, stepped_fleet

T = TypeVar("T")

_CALL_LIMIT_S = 600.0
"""No call takes longer; what does hangs."""
_ASK_AGAIN_S = 0.1


class VerdictError(LapelError, AssertionError):
    """A checker found something. Tells what, the seed, and how to have it again."""


class FleetHandle:
    """Cameras by `site/name`. Close it when done, or use it as a context."""

    def __init__(self, scenario: Scenario, seed: int, agency: str, address: Address) -> None:
        """Returns once every camera is online. Raises LinkError without a broker."""
        self.scenario, self.seed, self.agency = scenario, seed, agency
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._ready: Future[SteppedFleet] = Future()
        self._thread = threading.Thread(target=self._live, args=(address,), name="lapel-fleet", daemon=True)
        self._thread.start()
        self._fleet = self._ready.result(_CALL_LIMIT_S)

    def __getitem__(self, name: str) -> "CameraHandle":
        """The camera of that name. Raises ConfigError when there is none."""
        self._fleet.camera(name)
        return CameraHandle(self, name)

    def __iter__(self) -> Iterator["CameraHandle"]:
        return iter([CameraHandle(self, name) for name in self._fleet.names])

    def __len__(self) -> int:
        return len(self._fleet.names)

    def __enter__(self) -> "FleetHandle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        """A kind of fault, for all cameras or those named by `cameras` or `sites`, while the block runs."""
        fault = checked_fault({"kind": kind, **parameters}, "fault")
        number = self.call(lambda fleet: fleet.begin_fault(fault))
        try:
            yield
        finally:
            self.call(lambda fleet: fleet.end_fault(number))

    def cases(self) -> list[Case]:
        """What is true of each camera now, and what was heard of it."""

        async def cases(fleet: SteppedFleet) -> list[Case]:
            await fleet.barrier()
            return fleet.cases()

        return self.call(cases)

    def check(self, backend: BackEndProbe | None = None, within_s: float = 10.0) -> list[Finding]:
        """Judge cameras and back end so far. Raises VerdictError when a checker finds something.

        A back end may take a moment to believe what it was told, so it is asked again until it does, `within_s`.
        """
        cases = self.cases()
        findings = judge(cases)
        if backend is not None:
            findings += self._ask(backend, cases, within_s)
        failures = [f"{one.checker}: {failure}" for one in findings for failure in one.failures]
        if failures:
            raise VerdictError("\n".join([*failures, f"again: {self.replay}"]))
        return findings

    def close(self) -> None:
        """Switch the cameras off and leave nothing on the broker. Harmless when done."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join(_CALL_LIMIT_S)

    def call(self, what: Callable[[SteppedFleet], Coroutine[Any, Any, T]]) -> T:
        """Do it in the fleet's own thread, and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(what(self._fleet), self._loop).result(_CALL_LIMIT_S)

    def look(self, at: Callable[[SteppedFleet], T]) -> T:
        """The same for what takes no time."""

        async def looked(fleet: SteppedFleet) -> T:
            return at(fleet)

        return self.call(looked)

    def _ask(self, back_end: BackEndProbe, cases: list[Case], within_s: float) -> list[Finding]:
        waited = threading.Event()  # never set: a way to wait that needs no clock
        left = max(1, round(within_s / _ASK_AGAIN_S))
        while True:
            findings, left = judge_back_end(cases, back_end), left - 1
            if left <= 0 or not any(one.failures for one in findings):
                return findings
            waited.wait(_ASK_AGAIN_S)

    def _live(self, address: Address) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._stay(address))
        except Exception as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            else:
                raise
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            asyncio.set_event_loop(None)
            self._loop.close()

    async def _stay(self, address: Address) -> None:
        async with stepped_fleet(self.scenario, self.seed, self.agency, address, secrets.token_hex(4)) as fleet:
            self._ready.set_result(fleet)
            await self._closing.wait()


class CameraHandle:
    """One camera of a fleet."""

    def __init__(self, fleet: FleetHandle, name: str) -> None:
        self._fleet, self.name = fleet, name

    def __repr__(self) -> str:
        return f"<{self.name}: {self.state}>"

    @property
    def id(self) -> str:
        """As a back end knows it: `agency/site/camera`."""
        return f"{self._fleet.agency}/{self.name}"

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

        async def done(fleet: SteppedFleet) -> T:
            result = what(fleet.camera(self.name))
            await fleet.barrier()
            return result

        return self._fleet.call(done)

    def press(self, button: ButtonName = "event", times: int = 1) -> None:
        """Press a button; twice at once starts a recording, once marks it."""
        self._fleet.call(lambda fleet: fleet.press(self.name, button, times))

    def hold(self, button: ButtonName = "event", seconds: float = 3.0) -> None:
        """Hold a button while so much time passes; three seconds end a recording."""
        self._fleet.call(lambda fleet: fleet.hold(self.name, button, seconds))

    def until(self, state: str, within_s: float = 120.0) -> None:
        """Let time pass until its lights show `state`. Raises LapelError when they do not within so many seconds."""

        async def until(fleet: SteppedFleet) -> None:
            camera = fleet.camera(self.name)
            await fleet.until(f"{self.name}: {state}", lambda: camera.has_reported(state), within_s)

        self._fleet.call(until)

    def until_online(self) -> None:
        """Wait, in real time, until its link is up and all that it had to say is said."""
        self._fleet.call(lambda fleet: fleet.until_online(self.name))

    @contextmanager
    def fault(self, kind: str, **parameters: Any) -> Iterator[None]:
        """A kind of fault (`lapel_fleet.scenario.FAULTS`) for this camera, while the block runs."""
        with self._fleet.fault(kind, cameras=[self.name], **parameters):
            yield


def scenario_of(sites: Mapping[str, int], **keys: Any) -> Scenario:
    """A fleet in which nothing happens by itself. A short keepalive and spread: tests wait for these in real time."""
    return Scenario(sites=dict(sites), **{"keepalive_s": 2.0, "spread_s": 0.2, "telemetry_s": 60.0, **keys})

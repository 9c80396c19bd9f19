"""A fleet whose time stands still until it is told to go on, at a real broker: for tests of a back end.

`advance` lets every timer that falls due run, one moment after the other, and returns when each camera's broker has
acknowledged everything that the camera then had to say. An outage cannot hang it: it waits no longer than its limit.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from lapel.clock import SystemClock
from lapel.errors import ConfigError, LapelError
from lapel.link.transport import Envelope
from lapel.worker import InlineWorker
from lapel_fleet.broker.address import CONNECTS_PER_S, Address
from lapel_fleet.broker.retained_cleanup import clear_retained_states
from lapel_fleet.cameras.actions import Action
from lapel_fleet.cameras.camera import CameraSnapshot, SimulatedCamera
from lapel_fleet.cameras.fleet import Fleet
from lapel_fleet.cameras.live_environment import LiveEnvironment
from lapel_fleet.cameras.manual_control import (
    ManualControl,
    ManualFaults,
    ServicePort,
    check_fault,
    check_state,
    not_online,
)
from lapel_fleet.cameras.media import footage_maker
from lapel_fleet.checkers.records import Case
from lapel_fleet.runs.run import Run, Time
from lapel_fleet.runs.trace import Trace
from lapel_fleet.runs.traffic.control_room import ControlRoom
from lapel_fleet.runs.traffic.listener import Listener, listening
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.timelines import SteppedTimeline, let_run

BARRIER_S = 8.0
"""Real seconds that `advance` waits at the most. At a keepalive of 2 s both ends of a dead line find out in them."""
UP_LIMIT_S = 90.0
"""Real seconds: longer than the longest back-off of a link."""
_LOOK_S = 0.01


class SteppedFleet:
    """Cameras, a control room, a hand on the clock. Belongs to one event loop; `handle.py` is for other threads, and
    `steering` for other programs.
    """

    time: Time = "stepped"

    def __init__(
        self, scenario: Scenario, seed: int, agency: str, address: Address, run_id: str, trace: Trace | None = None
    ) -> None:
        self.scenario, self.seed, self.agency, self.run_id = scenario, seed, agency, run_id
        self._address = address
        self._time = SteppedTimeline()
        _check_media(scenario)
        streams, self._trace = RandomStreams(seed), trace or Trace()
        self._room = ControlRoom(
            scenario, scenario.cameras, streams, agency, self._time, self._trace, self._send,
            stop_broker=_not_ours, start_broker=_not_ours, keeps_time=False,
            broker=lambda: address.software or self._listener.broker,
        )  # fmt: skip
        self._listener = Listener(address.of_operator(), agency, run_id, self._room.received_messages.hear)
        environment = LiveEnvironment(
            scenario,
            agency,
            address,
            self._time,
            InlineWorker(),
            needs_relay=lambda _: True,
            connects_per_s=CONNECTS_PER_S,
            make_footage=footage_maker(scenario.media),
        )
        self._fleet = Fleet(scenario, scenario.cameras, streams, environment, self._time)
        self._control = ManualControl(self._fleet.cameras, streams, self._time)
        self._faults = ManualFaults(self._time.mono_s)

    # -- looking -------------------------------------------------------------------------------------------------------

    @property
    def broker_url(self) -> str:
        """Where they speak, without anybody's password."""
        return self._address.without_secret

    @property
    def names(self) -> Sequence[str]:
        """Every camera, as `site/camera`."""
        return list(self._fleet.cameras)

    @property
    def now_s(self) -> float:
        """The cameras' time."""
        return self._time.mono_s()

    @property
    def faults(self) -> Mapping[int, Fault]:
        """What goes wrong at the moment, by its number."""
        return self._faults.active

    def camera(self, name: str) -> SimulatedCamera:
        """Raises ConfigError when there is none of that name."""
        return self._control.camera(name)

    async def snapshots(self, names: Sequence[str]) -> Mapping[str, CameraSnapshot]:
        """How these stand. Raises ConfigError for one that there is not."""
        return {name: self.camera(name).snapshot() for name in names}

    async def cases(self) -> list[Case]:
        """What is true of each camera now, and what was heard of it."""
        await self.barrier()
        return self._room.cases(self._fleet.actual_records())

    # -- time ----------------------------------------------------------------------------------------------------------

    async def advance(self, seconds: float, limit_s: float = BARRIER_S) -> list[str]:
        """Let so much time pass. The cameras that had something left to say when the limit came."""
        if not 0 <= seconds < math.inf:
            raise ConfigError(f"advance by {seconds:g} s: time goes on by 0 seconds or more")
        await self._time.advance(seconds, let_run)
        return await self.barrier(limit_s)

    async def barrier(self, limit_s: float = BARRIER_S) -> list[str]:
        """Wait until all that was said is acknowledged and heard, or its line is known to be down. Who is not through
        when the limit comes.
        """
        await let_run()
        clock = SystemClock()
        deadline_s = clock.mono_s() + limit_s
        while (behind := [name for name, one in self._fleet.cameras.items() if not one.has_sent_all]) and (
            clock.mono_s() < deadline_s
        ):
            await asyncio.sleep(_LOOK_S)
        await self._listener.quiet(1.0)
        return behind

    async def until(self, what: str, true: Callable[[], bool], within_s: float = 120.0) -> None:
        """Let time pass, from one waking to the next, until it is true. Raises LapelError when it never is."""
        end_s = self._time.mono_s() + within_s
        while not true():
            next_s = self._time.next_timer_s()
            if next_s is None or next_s > end_s:
                await self._time.advance(max(0.0, end_s - self._time.mono_s()), let_run)
                await self.barrier()
                if true():
                    return
                raise LapelError(f"{what} did not happen within {within_s:g} s of the cameras' time")
            await self._time.advance(max(0.0, next_s - self._time.mono_s()), let_run)
        await self.barrier()

    async def until_state(self, name: str, state: str, within_s: float = 120.0) -> None:
        """Let time pass until the camera is in that state, and has said so. Raises LapelError when it never is."""
        camera = self.camera(name)
        check_state(state)
        await self.until(f"{name}: {state}", lambda: camera.has_reported(state), within_s)

    async def until_online(self, *names: str, limit_s: float = UP_LIMIT_S) -> None:
        """Wait, in real time, until the cameras' links are up again. Raises LapelError when one does not come."""
        cameras, clock = [self.camera(name) for name in names], SystemClock()
        deadline_s = clock.mono_s() + limit_s
        for camera in cameras:
            while not camera.is_online:
                if clock.mono_s() > deadline_s:
                    raise LapelError(not_online(camera.name, camera.snapshot(), limit_s))
                await asyncio.sleep(_LOOK_S)
        await self.barrier()

    # -- doing ---------------------------------------------------------------------------------------------------------

    async def act(self, action: Action) -> None:
        """See `FleetControl.act`. The time that it takes passes meanwhile."""
        performing = self._control.begin(action)
        await let_run()
        if action.lasts_s:
            await self.advance(action.lasts_s)
        await performing
        await self.barrier()

    async def attach(self, name: str) -> ServicePort:
        """Open its console. What takes time there waits until time goes on. Raises ConsoleError when it is open."""
        return await self._control.attach(name)

    async def detach(self, name: str) -> None:
        """Close it. Harmless when it is."""
        await self._control.detach(name)

    async def begin_fault(self, fault: Fault) -> int:
        """Let it happen to the cameras that it names, or to all. What is returned ends it. Raises ConfigError."""
        check_fault(fault, self.names)
        number = self._faults.new_number()
        await self._control.begin_fault(number, fault)
        self._faults.begin(number, fault)
        await let_run()
        return number

    async def end_fault(self, number: int) -> None:
        """It is over. Harmless when it is."""
        self._faults.end(number)
        self._control.end_fault(number)
        await let_run()

    # -- the end -------------------------------------------------------------------------------------------------------

    async def mend_all(self, limit_s: float = UP_LIMIT_S) -> None:
        """What went wrong is over; returns once all have said what they had to say, or after so many real seconds."""
        for number in list(self.faults):
            await self.end_fault(number)
        with contextlib.suppress(LapelError):  # who does not come is judged as he is
            await self.until_online(*(name for name in self.names if self.camera(name).is_on), limit_s=limit_s)

    async def result(self) -> Run:
        """What there is to be judged of it so far."""
        cases = await self.cases()
        return Run(
            seed=self.seed, cases=cases, trace_sha256=self._trace.close(), trace_lines=self._trace.lines,
            time=self.time, broker=self._room.broker(), messages=self._room.received_messages.messages,
            domain_s=self.now_s,
            inconclusive=self._listener.losses(), manual_faults=self._faults.all,
        )  # fmt: skip

    # -- life ----------------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._fleet.power_on()
        await self.until_online(*self.names)

    async def _end(self) -> None:
        await self._control.release()
        await asyncio.gather(*(one.switch_off() for one in self._fleet.cameras.values()))  # each may wait for an answer
        await self._fleet.close()
        await clear_retained_states(self._address, self.agency, self.names)

    def _send(self, topic: str, payload: bytes) -> bool:
        self._listener.send(Envelope(topic, payload, 1, retain=False))
        return True


@asynccontextmanager
async def stepped_fleet(
    scenario: Scenario, seed: int, agency: str, address: Address, run_id: str, trace: Trace | None = None
) -> AsyncIterator[SteppedFleet]:
    """A fleet that is online while the block runs; afterwards the broker has nothing of it."""
    fleet = SteppedFleet(scenario, seed, agency, address, run_id, trace)
    async with listening(fleet._listener):
        try:
            await fleet._begin()
            yield fleet
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await fleet._end()


def _check_media(scenario: Scenario) -> None:
    if scenario.media != "none":
        raise ConfigError(
            f'media = "{scenario.media}": cameras whose time stands still film nothing; use "none", or run live'
        )


async def _not_ours() -> None:
    """Nobody stops a broker here."""

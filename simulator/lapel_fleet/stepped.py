"""A fleet whose time stands still until it is told to go on, at a real broker: for tests of a back end.

`advance` lets every timer that falls due run, one moment after the other, and returns when each camera's broker has
acknowledged everything that the camera then had to say. An outage cannot hang it: it waits no longer than its limit.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from lapel.clock import SystemClock
from lapel.errors import ConfigError, LapelError
from lapel.hardware.interfaces import ButtonName
from lapel.link.transport import Envelope
from lapel.worker import InlineWorker
from lapel_fleet import faults
from lapel_fleet.address import Address
from lapel_fleet.camera import SimulatedCamera
from lapel_fleet.checkers.ledger import Case
from lapel_fleet.clock import SteppedTime
from lapel_fleet.control_room import ControlRoom
from lapel_fleet.fleet import Fleet
from lapel_fleet.listening import Listener, listening
from lapel_fleet.media import filming
from lapel_fleet.scenario import Fault, Scenario
from lapel_fleet.surroundings import CONNECTS_PER_S, LiveSurroundings
from lapel_fleet.trace import Trace
from lapel_fleet.world import World

BARRIER_S = 8.0
"""Real seconds that `advance` waits at the most. At a keepalive of 2 s both ends of a dead line find out in them."""
_LOOK_S = 0.01
_TURNS = 50
"""Turns of the event loop after which whatever was woken has run, but for what waits for the network."""


class SteppedFleet:
    """Cameras, a control room, a hand on the clock. Belongs to one event loop; `handle.py` is for other threads."""

    def __init__(self, scenario: Scenario, seed: int, agency: str, address: Address, run_id: str) -> None:
        self.scenario, self.seed, self.agency, self.run_id = scenario, seed, agency, run_id
        self._address = address
        self._time = SteppedTime()
        world, trace = World(seed), Trace()
        self._room = ControlRoom(
            scenario, scenario.cameras, world, agency, self._time, trace, self._send,
            stop_broker=_not_ours, start_broker=_not_ours, keeps_time=False,
        )  # fmt: skip
        self._listener = Listener(address.of_operator(), agency, run_id, self._room.hearing.hear)
        around = LiveSurroundings(
            scenario,
            agency,
            address,
            self._time,
            InlineWorker(),
            cabled=lambda _: True,
            connects_per_s=CONNECTS_PER_S,
            film=filming(scenario.media),
        )
        self._fleet = Fleet(scenario, scenario.cameras, world, around, self._time, trace)
        self._faults: dict[int, tuple[Fault, list[faults.End]]] = {}
        self._numbers = 0

    # -- looking -------------------------------------------------------------------------------------------------------

    @property
    def names(self) -> Sequence[str]:
        """Every camera, as `site/camera`."""
        return list(self._fleet.cameras)

    @property
    def now_s(self) -> float:
        """The cameras' time."""
        return self._time.mono_s()

    def camera(self, name: str) -> SimulatedCamera:
        """Raises ConfigError when there is none of that name."""
        if name not in self._fleet.cameras:
            raise ConfigError(f"there is no camera {name}; there are {', '.join(self.names[:10])}")
        return self._fleet.cameras[name]

    def cases(self) -> list[Case]:
        """What is true of each camera now, and what was heard of it."""
        return self._room.cases(self._fleet.truths())

    # -- time ----------------------------------------------------------------------------------------------------------

    async def advance(self, seconds: float, limit_s: float = BARRIER_S) -> list[str]:
        """Let so much time pass. The cameras that had something left to say when the limit came."""
        if seconds < 0:
            raise ConfigError(f"advance: {seconds:g} s would go back; time only goes on")
        await self._time.advance(seconds, _let_run)
        return await self.barrier(limit_s)

    async def barrier(self, limit_s: float = BARRIER_S) -> list[str]:
        """Wait until all that was said is acknowledged and heard, or its line is known to be down. Who is not through
        when the limit comes.
        """
        await _let_run()
        clock = SystemClock()
        deadline_s = clock.mono_s() + limit_s
        while (behind := [name for name, one in self._fleet.cameras.items() if not one.has_said_all]) and (
            clock.mono_s() < deadline_s
        ):
            await asyncio.sleep(_LOOK_S)
        await self._listener.quiet(1.0)
        return behind

    async def until(self, what: str, true: Callable[[], bool], within_s: float = 120.0) -> None:
        """Let time pass, from one waking to the next, until it is true. Raises LapelError when it never is."""
        end_s = self._time.mono_s() + within_s
        while not true():
            next_s = self._time.next_waking_s()
            if next_s is None or next_s > end_s:
                await self._time.advance(end_s - self._time.mono_s(), _let_run)
                await self.barrier()
                if true():
                    return
                raise LapelError(f"{what} did not happen within {within_s:g} s of the cameras' time")
            await self._time.advance(next_s - self._time.mono_s(), _let_run)
        await self.barrier()

    async def until_online(self, name: str, limit_s: float = 90.0) -> None:
        """Wait, in real time, until the camera's link is up again. Raises LapelError when it does not come."""
        camera, clock = self.camera(name), SystemClock()
        deadline_s = clock.mono_s() + limit_s
        while not camera.is_online:
            if clock.mono_s() > deadline_s:
                raise LapelError(f"{name} did not come online within {limit_s:g} s: {camera.link.status().reason}")
            await asyncio.sleep(_LOOK_S)
        await self.barrier()

    # -- doing ---------------------------------------------------------------------------------------------------------

    async def press(self, name: str, button: ButtonName = "event", times: int = 1) -> None:
        """Somebody presses a button; twice at once starts a recording."""
        self.camera(name).press(button, times)
        await self.barrier()

    async def hold(self, name: str, button: ButtonName = "event", seconds: float = 3.0) -> None:
        """Somebody holds a button, while so much time passes; three seconds end a recording."""
        holding = asyncio.create_task(self.camera(name).hold(button, seconds))
        await _let_run()
        await self.advance(seconds)
        await holding

    async def begin_fault(self, fault: Fault) -> int:
        """Let it happen to the cameras that it names, or to all. What is returned ends it."""
        if fault.kind in faults.OF_THE_CONTROL_ROOM:
            raise ConfigError(f"{fault.kind}: is not for a camera; stop your broker, or send the command yourself")
        self._numbers += 1
        world = World(self.seed)
        met = [
            one for name, one in self._fleet.cameras.items()
            if fault.meets(name, world.chance(name, f"asked {self._numbers}"))
        ]  # fmt: skip
        self._faults[self._numbers] = fault, [await faults.begin(fault, one, self._time) for one in met]
        await _let_run()
        return self._numbers

    async def end_fault(self, number: int) -> None:
        """It is over. Harmless when it is."""
        _, ends = self._faults.pop(number, (None, []))
        for end in ends:
            end()
        await _let_run()

    # -- life ----------------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._fleet.power_on()
        for name in self.names:
            await self.until_online(name)

    async def _end(self) -> None:
        for number in list(self._faults):
            await self.end_fault(number)
        await self._fleet.close()
        for name in self.names:
            self._listener.send(Envelope(f"lapel/v1/{self.agency}/{name}/state", b"", 1, retain=True))
        await self._listener.quiet(10.0)

    def _send(self, topic: str, payload: bytes) -> bool:
        self._listener.send(Envelope(topic, payload, 1, retain=False))
        return True


@asynccontextmanager
async def stepped_fleet(
    scenario: Scenario, seed: int, agency: str, address: Address, run_id: str
) -> AsyncIterator[SteppedFleet]:
    """A fleet that is online while the block runs; afterwards the broker has nothing of it."""
    fleet = SteppedFleet(scenario, seed, agency, address, run_id)
    async with listening(fleet._listener):
        try:
            await fleet._begin()
            yield fleet
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await fleet._end()


async def _let_run() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


async def _not_ours() -> None:
    """Nobody stops a broker here."""

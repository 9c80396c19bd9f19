"""A fleet in stepped time on a real broker, for tests of a back end: time stands still until `advance`.

`advance` runs every timer that falls due, in order, and returns when the broker has acknowledged everything that the
cameras published. During an outage it returns after its limit.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from lapel.clock import SystemClock
from lapel.errors import ConfigError, LapelError
from lapel.link.transport import Envelope
from lapel.offload.listener import OffloadStatus
from lapel.worker import InlineWorker
from lapel_fleet.broker.address import CONNECTS_PER_S, Address
from lapel_fleet.broker.retained_cleanup import clear_retained_states
from lapel_fleet.cameras.actions import Action
from lapel_fleet.cameras.backlog import Backlog
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
from lapel_fleet.runs.destination import Destination
from lapel_fleet.runs.run import Run, Time
from lapel_fleet.runs.trace import Trace
from lapel_fleet.runs.traffic.control_room import ControlRoom
from lapel_fleet.runs.traffic.listener import Listener, listening
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.timelines import SteppedTimeline, let_run

BARRIER_S = 8.0
"""Real seconds that `advance` waits at most. With a keepalive of 2 s both ends of a dead link detect it by then."""
ONLINE_LIMIT_S = 90.0
"""Real seconds, longer than the longest back-off of a link."""
OFFLOAD_LIMIT_S = 60.0
"""Real seconds, for the recordings of one camera."""
_POLL_S = 0.01


class SteppedFleet:
    """Cameras, a control room, and their time. Implements `lapel_fleet.runs.control.FleetControl`.

    Belongs to one event loop; `control/handles.py` is for other threads, `control/socket/` for other programs.
    """

    time: Time = "stepped"

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        agency: str,
        address: Address,
        run_id: str,
        trace: Trace | None = None,
        destination: Destination | None = None,
    ) -> None:
        """`destination`: the evidence system to which cameras offload; None: they keep their recordings."""
        self.scenario, self.seed, self.agency, self.run_id = scenario, seed, agency, run_id
        self._address = address
        self._time = SteppedTimeline()
        _check_media(scenario)
        streams, self._trace = RandomStreams(seed), trace or Trace()
        self._room = ControlRoom(
            scenario, scenario.cameras, streams, agency, self._time, self._trace, self._send,
            stop_broker=_do_nothing, start_broker=_do_nothing, keeps_time=False,
            broker=lambda: address.software or self._listener.broker,
        )  # fmt: skip
        self._listener = Listener(address.of_operator(), agency, run_id, self._room.received_messages.receive)
        environment = LiveEnvironment(
            scenario,
            agency,
            address,
            self._time,
            InlineWorker(),
            needs_relay=lambda _: True,
            connects_per_s=CONNECTS_PER_S,
            make_footage=footage_maker(scenario.media, has_sound=scenario.sound),
            offload=destination.target() if destination is not None else None,
            keeps_recordings=destination is not None,
        )
        self._fleet = Fleet(scenario, scenario.cameras, streams, environment, self._time)
        self._control = ManualControl(self._fleet.cameras, streams, self._time)
        self._faults = ManualFaults(self._time.mono_s)

    # -- state ---------------------------------------------------------------------------------------------------------

    @property
    def broker_url(self) -> str:
        """See `FleetControl.broker_url`."""
        return self._address.without_secret

    @property
    def names(self) -> Sequence[str]:
        """See `FleetControl.names`."""
        return list(self._fleet.cameras)

    @property
    def now_s(self) -> float:
        """See `FleetControl.now_s`."""
        return self._time.mono_s()

    @property
    def faults(self) -> Mapping[int, Fault]:
        """See `FleetControl.faults`."""
        return self._faults.active

    def camera(self, name: str) -> SimulatedCamera:
        """The camera of that name. Raises ConfigError when there is none."""
        return self._control.camera(name)

    async def snapshots(self, names: Sequence[str]) -> Mapping[str, CameraSnapshot]:
        """See `FleetControl.snapshots`."""
        return {name: self.camera(name).snapshot() for name in names}

    async def cases(self) -> list[Case]:
        """See `FleetControl.cases`."""
        await self.barrier()
        return self._room.cases(self._fleet.actual_records())

    # -- time ----------------------------------------------------------------------------------------------------------

    async def advance(self, seconds: float, limit_s: float = BARRIER_S) -> list[str]:
        """See `FleetControl.advance`. Waits at most `limit_s` of real time for the broker."""
        if not 0 <= seconds < math.inf:
            raise ConfigError(f"advance by {seconds:g} s: time can only advance by 0 seconds or more")
        await self._time.advance(seconds, let_run)
        return await self.barrier(limit_s)

    async def barrier(self, limit_s: float = BARRIER_S) -> list[str]:
        """Wait until everything published is acknowledged and received, or the camera knows that its link is down.
        Returns the cameras that still have unsent messages after `limit_s`.
        """
        await let_run()
        clock = SystemClock()
        deadline_s = clock.mono_s() + limit_s
        while (behind := [name for name, one in self._fleet.cameras.items() if not one.has_sent_all]) and (
            clock.mono_s() < deadline_s
        ):
            await asyncio.sleep(_POLL_S)
        await self._listener.wait_until_quiet(1.0)
        return behind

    async def until(self, what: str, is_reached: Callable[[], bool], within_s: float = 120.0) -> None:
        """Advance from timer to timer until `is_reached` is. Raises LapelError, naming `what`, after `within_s`."""
        end_s = self._time.mono_s() + within_s
        while not is_reached():
            next_s = self._time.next_timer_s()
            if next_s is None or next_s > end_s:
                await self._time.advance(max(0.0, end_s - self._time.mono_s()), let_run)
                await self.barrier()
                if is_reached():
                    return
                raise LapelError(f"{what} did not happen within {within_s:g} s of the cameras' time")
            await self._time.advance(max(0.0, next_s - self._time.mono_s()), let_run)
        await self.barrier()

    async def until_state(self, name: str, state: str, within_s: float = 120.0) -> None:
        """See `FleetControl.until_state`. Time advances meanwhile."""
        camera = self.camera(name)
        check_state(state)
        await self.until(f"{name}: {state}", lambda: camera.has_reported(state), within_s)

    async def until_online(self, *names: str, limit_s: float = ONLINE_LIMIT_S) -> None:
        """See `FleetControl.until_online`."""
        cameras, clock = [self.camera(name) for name in names], SystemClock()
        deadline_s = clock.mono_s() + limit_s
        for camera in cameras:
            while not camera.is_online:
                if clock.mono_s() > deadline_s:
                    raise LapelError(not_online(camera.name, camera.snapshot(), limit_s))
                await asyncio.sleep(_POLL_S)
        await self.barrier()

    async def until_offloaded(
        self, name: str, within_s: float = 600.0, limit_s: float = OFFLOAD_LIMIT_S, *, confirmed: bool = True
    ) -> None:
        """Wait until the evidence system has confirmed every recording of a camera; with `confirmed=False`, until it
        has received them. Uploads take real time, at most
        `limit_s`; what waits in between takes at most `within_s` of the cameras' time. Raises LapelError.
        """
        camera, clock = self.camera(name), SystemClock()
        deadline_s, end_s = clock.mono_s() + limit_s, self._time.mono_s() + within_s
        while (status := camera.offload_status) is not None and (left := _left(status, confirmed=confirmed)):
            if clock.mono_s() > deadline_s or self._time.mono_s() > end_s:
                reasons = "; ".join([status.doing, *status.refused.values()])
                missing = "confirmed" if confirmed else "offloaded"
                raise LapelError(f"{name}: {left} recordings are not {missing}: {reasons}")
            if not status.is_active:
                await self._time.advance(1.0, let_run)
            await asyncio.sleep(_POLL_S)
        if status is None:
            raise LapelError(f"{name}: it does not offload; name an evidence system, and switch the camera on")
        await self.barrier()

    # -- actions and faults --------------------------------------------------------------------------------------------

    async def act(self, action: Action) -> None:
        """See `FleetControl.act`. Time advances by as much as the action takes."""
        performing = self._control.begin(action)
        await let_run()
        if action.lasts_s:
            await self.advance(action.lasts_s)
        await performing
        await self.barrier()

    async def attach(self, name: str) -> ServicePort:
        """See `FleetControl.attach`. Commands that take time wait for `advance`."""
        return await self._control.attach(name)

    async def detach(self, name: str) -> None:
        """See `FleetControl.detach`."""
        await self._control.detach(name)

    async def begin_fault(self, fault: Fault) -> int:
        """See `FleetControl.begin_fault`."""
        check_fault(fault, self.names)
        number = self._faults.new_number()
        await self._control.begin_fault(number, fault)
        self._faults.begin(number, fault)
        await let_run()
        return number

    async def end_fault(self, number: int) -> None:
        """See `FleetControl.end_fault`."""
        self._faults.end(number)
        self._control.end_fault(number)
        await let_run()

    def note(self, subject: str, text: str) -> None:
        """See `FleetControl.note`."""
        self._trace.add(self._time.mono_s(), subject, text)

    # -- the end -------------------------------------------------------------------------------------------------------

    async def end_all_faults(self, limit_s: float = ONLINE_LIMIT_S) -> None:
        """End the faults, and wait until the cameras have nothing left to send, at most `limit_s` of real time."""
        for number in list(self.faults):
            await self.end_fault(number)
        with contextlib.suppress(LapelError):  # the checkers judge a camera that does not come online
            await self.until_online(*(name for name in self.names if self.camera(name).is_on), limit_s=limit_s)

    async def result(self) -> Run:
        """The run so far, for checkers and reports. Closes the trace."""
        cases = await self.cases()
        return Run(
            seed=self.seed, cases=cases, trace_sha256=self._trace.close(), trace_lines=self._trace.lines,
            time=self.time, broker=self._room.broker(), messages=self._room.received_messages.messages,
            domain_s=self.now_s,
            inconclusive=self._listener.inconclusive(), manual_faults=self._faults.all,
        )  # fmt: skip

    # -- begin and end -------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._fleet.power_on()
        await self.until_online(*self.names)

    async def _end(self) -> None:
        await self._control.release()
        await asyncio.gather(
            *(one.switch_off() for one in self._fleet.cameras.values())
        )  # each may wait for the broker
        await self._fleet.close()
        await clear_retained_states(self._address, self.agency, self.names)

    def _send(self, topic: str, payload: bytes) -> bool:
        self._listener.send(Envelope(topic, payload, 1, retain=False))
        return True


@asynccontextmanager
async def stepped_fleet(
    scenario: Scenario,
    seed: int,
    agency: str,
    address: Address,
    run_id: str,
    trace: Trace | None = None,
    destination: Destination | None = None,
) -> AsyncIterator[SteppedFleet]:
    """A fleet that is online while the block runs; afterwards the broker has no retained message of it."""
    fleet = SteppedFleet(scenario, seed, agency, address, run_id, trace, destination)
    async with listening(fleet._listener):
        try:
            await fleet._begin()
            yield fleet
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await fleet._end()


def _check_media(scenario: Scenario) -> None:
    if scenario.media != "none":
        raise ConfigError(f'media = "{scenario.media}": cameras in stepped time cannot film; use "none", or run live')


async def _do_nothing() -> None:
    """Stands in for stopping and starting the broker: a stepped fleet never does."""


def _left(status: OffloadStatus, *, confirmed: bool) -> int:
    """Recordings that are not confirmed yet, or have not arrived yet."""
    backlog = Backlog.of(status)
    return (backlog.recordings if backlog else 0) - (0 if confirmed else status.awaiting_receipt)

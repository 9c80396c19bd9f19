"""Control of a live run: each request goes to the worker that has the camera."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from lapel.clock import SystemClock
from lapel.errors import ConfigError, LapelError
from lapel_fleet.broker.address import Address
from lapel_fleet.cameras.actions import Action
from lapel_fleet.cameras.camera import CameraSnapshot
from lapel_fleet.cameras.manual_control import (
    ManualFaults,
    ServicePort,
    check_fault,
    check_name,
    check_state,
    not_online,
)
from lapel_fleet.checkers.records import ActualRecord, Case
from lapel_fleet.runs.local_worker import CameraWorker
from lapel_fleet.runs.run import Time
from lapel_fleet.runs.trace import Trace
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.time.timelines import ScaledTimeline

_POLL_S = 0.05


class LiveControl:
    """Implements `lapel_fleet.runs.control.FleetControl`."""

    time: Time = "live"

    def __init__(
        self,
        names: Sequence[str],
        workers: Sequence[CameraWorker],
        time: ScaledTimeline,
        agency: str,
        address: Address,
        cases: Callable[[list[ActualRecord]], list[Case]],
        trace: Trace,
    ) -> None:
        """`names` gives their order; `cases` adds the received records."""
        self._trace = trace
        self.agency, self.broker_url = agency, address.without_secret
        self.names = names
        self._workers, self._time, self._cases = workers, time, cases
        self._worker_of = {name: worker for worker in workers for name in worker.names}
        self._faults = ManualFaults(time.mono_s)

    @property
    def now_s(self) -> float:
        """See `FleetControl.now_s`."""
        return self._time.mono_s()

    @property
    def faults(self) -> Mapping[int, Fault]:
        """See `FleetControl.faults`."""
        return self._faults.active

    @property
    def manual_faults(self) -> list[Fault]:
        """Every fault that was injected by hand, with its times."""
        return self._faults.all

    async def snapshots(self, names: Sequence[str]) -> Mapping[str, CameraSnapshot]:
        """See `FleetControl.snapshots`."""
        for name in names:
            check_name(name, self._worker_of)
        found: dict[str, CameraSnapshot] = {}
        for worker in self._workers:
            found |= await worker.snapshots([name for name in names if self._worker_of[name] is worker])
        return {name: found[name] for name in names}

    async def cases(self) -> list[Case]:
        """See `FleetControl.cases`."""
        return self._cases([actual for worker in self._workers for actual in await worker.actual_records()])

    async def advance(self, seconds: float) -> list[str]:
        """See `FleetControl.advance`."""
        raise ConfigError(f"advance by {seconds:g} s: a live run's time passes by itself; use `until`, or --stepped")

    async def act(self, action: Action) -> None:
        """See `FleetControl.act`."""
        action.check()
        await self._of(action.camera).act(action)
        await self._time.sleep(action.lasts_s)

    async def until_state(self, name: str, state: str, within_s: float = 120.0) -> None:
        """See `FleetControl.until_state`."""
        check_state(state)
        end_s = self.now_s + within_s
        while not ((one := (await self.snapshots([name]))[name]).state == state and one.is_reported):
            if self.now_s > end_s:
                raise LapelError(f"{name}: {state} did not happen within {within_s:g} s of the cameras' time")
            await asyncio.sleep(_POLL_S)

    async def until_online(self, *names: str, limit_s: float = 90.0) -> None:
        """See `FleetControl.until_online`."""
        clock = SystemClock()
        deadline_s = clock.mono_s() + limit_s
        while away := {name: one for name, one in (await self.snapshots(names)).items() if not one.is_online}:
            if clock.mono_s() > deadline_s:
                name, one = next(iter(away.items()))
                raise LapelError(not_online(name, one, limit_s))
            names = tuple(away)
            await asyncio.sleep(_POLL_S)

    async def attach(self, name: str) -> ServicePort:
        """See `FleetControl.attach`."""
        return await self._of(name).attach(name)

    async def detach(self, name: str) -> None:
        """See `FleetControl.detach`."""
        await self._of(name).detach(name)

    async def begin_fault(self, fault: Fault) -> int:
        """See `FleetControl.begin_fault`."""
        check_fault(fault, self._worker_of)
        number = self._faults.new_number()
        try:
            for worker in self._workers:
                await worker.begin_fault(number, fault)
        except LapelError:
            await self.end_fault(number)  # what has begun elsewhere is ended when the rest cannot
            raise
        self._faults.begin(number, fault)
        return number

    async def end_fault(self, number: int) -> None:
        """See `FleetControl.end_fault`."""
        self._faults.end(number)
        for worker in self._workers:
            await worker.end_fault(number)

    def note(self, subject: str, text: str) -> None:
        """See `FleetControl.note`."""
        self._trace.add(self._time.mono_s(), subject, text)

    def _of(self, name: str) -> CameraWorker:
        check_name(name, self._worker_of)
        return self._worker_of[name]

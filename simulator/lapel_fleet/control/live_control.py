"""Somebody's hand on a live run: each order goes to the crew that has the camera."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from lapel.clock import SystemClock
from lapel.errors import ConfigError, LapelError
from lapel.hardware.interfaces import ButtonName
from lapel_fleet.broker.address import Address
from lapel_fleet.cameras.camera import CameraSnapshot
from lapel_fleet.checkers.records import ActualRecord, Case
from lapel_fleet.control.manual_control import (
    ManualFaults,
    ServicePort,
    check_button,
    check_fault,
    check_name,
    check_state,
    not_online,
)
from lapel_fleet.hardware.buttons import HELD_S
from lapel_fleet.runs.local_worker import CameraWorker
from lapel_fleet.runs.run import Time
from lapel_fleet.scenario.scenario import Fault
from lapel_fleet.time.clocks import ScaledTimeline

_LOOK_S = 0.05


class LiveControl:
    """Implements `lapel_fleet.control.interface.FleetControl`."""

    time: Time = "live"

    def __init__(
        self,
        names: Sequence[str],
        workers: Sequence[CameraWorker],
        time: ScaledTimeline,
        agency: str,
        address: Address,
        cases: Callable[[list[ActualRecord]], list[Case]],
    ) -> None:
        """`names` says their order; `cases` adds to what is true what was heard."""
        self.agency, self.broker_url = agency, address.without_secret
        self.names = names
        self._workers, self._time, self._cases = workers, time, cases
        self._crew_of = {name: worker for worker in workers for name in worker.names}
        self._asked = ManualFaults(time.mono_s)

    @property
    def now_s(self) -> float:
        """See `FleetControl.now_s`."""
        return self._time.mono_s()

    @property
    def faults(self) -> Mapping[int, Fault]:
        """See `FleetControl.faults`."""
        return self._asked.now

    @property
    def manual_faults(self) -> list[Fault]:
        """All that ever went wrong because somebody wanted it, with its times."""
        return self._asked.ever

    async def snapshots(self, names: Sequence[str]) -> Mapping[str, CameraSnapshot]:
        """See `FleetControl.snapshots`."""
        for name in names:
            check_name(name, self._crew_of)
        found: dict[str, CameraSnapshot] = {}
        for worker in self._workers:
            found |= await worker.snapshots([name for name in names if self._crew_of[name] is worker])
        return {name: found[name] for name in names}

    async def cases(self) -> list[Case]:
        """See `FleetControl.cases`."""
        return self._cases([actual for worker in self._workers for actual in await worker.actual_records()])

    async def advance(self, seconds: float) -> list[str]:
        """See `FleetControl.advance`."""
        raise ConfigError(f"advance by {seconds:g} s: a live run's time goes on by itself; use `until`, or --stepped")

    async def press(self, name: str, button: ButtonName = "event", times: int = 1) -> None:
        """See `FleetControl.press`."""
        check_button(button, times)
        await self._of(name).press(name, button, times)

    async def hold(self, name: str, button: ButtonName = "event", seconds: float = HELD_S) -> None:
        """See `FleetControl.hold`."""
        check_button(button, seconds=seconds)
        await self._of(name).hold(name, button, seconds)
        await self._time.sleep(seconds)

    async def until_state(self, name: str, state: str, within_s: float = 120.0) -> None:
        """See `FleetControl.until_state`."""
        check_state(state)
        end_s = self.now_s + within_s
        while not ((look := (await self.snapshots([name]))[name]).state == state and look.is_reported):
            if self.now_s > end_s:
                raise LapelError(f"{name}: {state} did not happen within {within_s:g} s of the cameras' time")
            await asyncio.sleep(_LOOK_S)

    async def until_online(self, *names: str, limit_s: float = 90.0) -> None:
        """See `FleetControl.until_online`."""
        clock = SystemClock()
        deadline_s = clock.mono_s() + limit_s
        while away := {name: look for name, look in (await self.snapshots(names)).items() if not look.is_online}:
            if clock.mono_s() > deadline_s:
                name, look = next(iter(away.items()))
                raise LapelError(not_online(name, look, limit_s))
            names = tuple(away)
            await asyncio.sleep(_LOOK_S)

    async def attach(self, name: str) -> ServicePort:
        """See `FleetControl.attach`."""
        return await self._of(name).attach(name)

    async def detach(self, name: str) -> None:
        """See `FleetControl.detach`."""
        await self._of(name).detach(name)

    async def begin_fault(self, fault: Fault) -> int:
        """See `FleetControl.begin_fault`."""
        check_fault(fault, self._crew_of)
        number = self._asked.number()
        try:
            for worker in self._workers:
                await worker.begin_fault(number, fault)
        except LapelError:
            await self.end_fault(number)  # what has begun elsewhere is ended when the rest cannot
            raise
        self._asked.began(number, fault)
        return number

    async def end_fault(self, number: int) -> None:
        """See `FleetControl.end_fault`."""
        self._asked.ended(number)
        for worker in self._workers:
            await worker.end_fault(number)

    def _of(self, name: str) -> CameraWorker:
        check_name(name, self._crew_of)
        return self._crew_of[name]

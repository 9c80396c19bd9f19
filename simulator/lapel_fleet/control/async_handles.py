"""Handles of a stepped fleet for tests with an event loop of their own: what takes time is awaited."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from lapel_fleet.cameras.actions import Action, CameraActions
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.checkers.records import BackEndProbe, Case, Checker
from lapel_fleet.checkers.registry import Finding, judge_back_end, overall
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

T = TypeVar("T")
_NO_CHECKERS: Mapping[str, Checker] = {}


class AsyncFleet:
    """The methods of `handles.FleetHandle`, awaited."""

    def __init__(self, thread: FleetThread) -> None:
        self._thread = thread

    def __getitem__(self, name: str) -> "AsyncCamera":
        """The camera of that name. Raises ConfigError when there is none."""
        self._thread.read(lambda fleet: fleet.camera(name))
        return AsyncCamera(self._thread, name)

    async def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> list[str]:
        """See `FleetHandle.advance`."""
        return await self._thread.awaited(advance_by(seconds, minutes, hours))

    @asynccontextmanager
    async def fault(self, kind: str, **parameters: Any) -> AsyncIterator[None]:
        """See `FleetHandle.fault`."""
        fault = manual_fault(kind, parameters)
        number = await self._thread.awaited(lambda fleet: fleet.begin_fault(fault))
        try:
            yield
        finally:
            await self._thread.awaited(lambda fleet: fleet.end_fault(number))

    async def cases(self) -> list[Case]:
        """See `FleetHandle.cases`."""
        return await self._thread.awaited(lambda fleet: fleet.cases())

    async def check(
        self,
        backend: BackEndProbe | None = None,
        within_s: float = 10.0,
        checkers: Mapping[str, Checker] = _NO_CHECKERS,
    ) -> list[Finding]:
        """See `FleetHandle.check`. The back end is queried in this thread."""
        cases = await self.cases()
        findings = judged(cases, checkers)
        if backend is not None:
            findings += await self._query(backend, cases, within_s)
        return require_no_failures(findings)

    async def _query(self, back_end: BackEndProbe, cases: list[Case], within_s: float) -> list[Finding]:
        left = max(1, round(within_s / RETRY_S))
        while True:
            findings, left = judge_back_end(cases, back_end), left - 1
            if left <= 0 or overall(findings) != "failed":
                return findings
            await asyncio.sleep(RETRY_S)


class AsyncCamera(CameraActions):
    """The methods of `handles.CameraHandle`, awaited."""

    def __init__(self, thread: FleetThread, name: str) -> None:
        self._thread, self.name = thread, name

    def __repr__(self) -> str:
        return f"<camera {self.name}>"

    @property
    def id(self) -> str:
        """See `CameraHandle.id`."""
        return f"{self._thread.agency}/{self.name}"

    @property
    def state(self) -> str:
        """See `CameraHandle.state`."""
        return self._thread.read(lambda fleet: fleet.camera(self.name).state)

    async def act_async(self, action: Action) -> None:
        """Do something to the camera."""
        await self._thread.awaited(lambda fleet: fleet.act(action))

    async def do(self, what: Callable[[SimulatedCamera], T]) -> T:
        """See `CameraHandle.do`."""
        return await self._thread.awaited(done_to(self.name, what))

    async def until(self, state: str, within_s: float = 120.0) -> None:
        """See `CameraHandle.until`."""
        await self._thread.awaited(lambda fleet: fleet.until_state(self.name, state, within_s))

    async def until_offloaded(self, within_s: float = 600.0) -> None:
        """See `CameraHandle.until_offloaded`."""
        await self._thread.awaited(lambda fleet: fleet.until_offloaded(self.name, within_s))

    async def until_online(self) -> None:
        """See `CameraHandle.until_online`."""
        await self._thread.awaited(lambda fleet: fleet.until_online(self.name))

    @asynccontextmanager
    async def fault(self, kind: str, **parameters: Any) -> AsyncIterator[None]:
        """See `CameraHandle.fault`."""
        async with AsyncFleet(self._thread).fault(kind, **for_camera(self.name, parameters)):
            yield

"""The handles of `handle.py` for tests that have an event loop of their own: it goes on while a call is awaited."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from lapel.hardware.interfaces import ButtonName
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.checkers.records import BackEndProbe, Case, Checker
from lapel_fleet.checkers.registry import CHECKERS, Finding, judge, judge_back_end
from lapel_fleet.control.handles import ASK_AGAIN_S, CameraHandle, FleetHandle, done_to, fault_of, for_camera
from lapel_fleet.hardware.buttons import HELD_S

T = TypeVar("T")
_NO_CHECKERS: Mapping[str, Checker] = {}


class AsyncFleet:
    """See `FleetHandle`; whatever waits there is awaited here."""

    def __init__(self, handle: FleetHandle) -> None:
        self._handle = handle

    def __getitem__(self, name: str) -> "AsyncCamera":
        """The camera of that name. Raises ConfigError when there is none."""
        return AsyncCamera(self._handle, self._handle[name])

    async def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> list[str]:
        """See `FleetHandle.advance`."""
        return await self._handle.awaited(lambda fleet: fleet.advance(seconds + 60 * minutes + 3600 * hours))

    @asynccontextmanager
    async def fault(self, kind: str, **parameters: Any) -> AsyncIterator[None]:
        """See `FleetHandle.fault`."""
        fault = fault_of(kind, parameters)
        number = await self._handle.awaited(lambda fleet: fleet.begin_fault(fault))
        try:
            yield
        finally:
            await self._handle.awaited(lambda fleet: fleet.end_fault(number))

    async def cases(self) -> list[Case]:
        """See `FleetHandle.cases`."""
        return await self._handle.awaited(lambda fleet: fleet.cases())

    async def check(
        self,
        backend: BackEndProbe | None = None,
        within_s: float = 10.0,
        checkers: Mapping[str, Checker] = _NO_CHECKERS,
    ) -> list[Finding]:
        """See `FleetHandle.check`. The back end's answers are asked for in this thread."""
        cases = await self.cases()
        findings = judge(cases, {**CHECKERS, **checkers})
        if backend is not None:
            findings += await self._ask(backend, cases, within_s)
        return self._handle.verdict(findings)

    async def _ask(self, back_end: BackEndProbe, cases: list[Case], within_s: float) -> list[Finding]:
        left = max(1, round(within_s / ASK_AGAIN_S))
        while True:
            findings, left = judge_back_end(cases, back_end), left - 1
            if left <= 0 or not any(one.failures for one in findings):
                return findings
            await asyncio.sleep(ASK_AGAIN_S)


class AsyncCamera:
    """See `CameraHandle`."""

    def __init__(self, fleet: FleetHandle, handle: CameraHandle) -> None:
        self._fleet, self._handle = fleet, handle
        self.name, self.id = handle.name, handle.id

    def __repr__(self) -> str:
        return repr(self._handle)

    @property
    def state(self) -> str:
        """What its lights show."""
        return self._handle.state

    async def do(self, what: Callable[[SimulatedCamera], T]) -> T:
        """See `CameraHandle.do`."""
        return await self._fleet.awaited(done_to(self.name, what))

    async def press(self, button: ButtonName = "event", times: int = 1) -> None:
        """See `CameraHandle.press`."""
        await self._fleet.awaited(lambda fleet: fleet.press(self.name, button, times))

    async def hold(self, button: ButtonName = "event", seconds: float = HELD_S) -> None:
        """See `CameraHandle.hold`."""
        await self._fleet.awaited(lambda fleet: fleet.hold(self.name, button, seconds))

    async def until(self, state: str, within_s: float = 120.0) -> None:
        """See `CameraHandle.until`."""
        await self._fleet.awaited(lambda fleet: fleet.until_state(self.name, state, within_s))

    async def until_online(self) -> None:
        """See `CameraHandle.until_online`."""
        await self._fleet.awaited(lambda fleet: fleet.until_online(self.name))

    @asynccontextmanager
    async def fault(self, kind: str, **parameters: Any) -> AsyncIterator[None]:
        """See `CameraHandle.fault`."""
        async with self._fleet.aio.fault(kind, **for_camera(self.name, parameters)):
            yield

"""Control of a run from the operator's web page, over the run's socket."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TypeVar

from lapel_fleet.cameras.actions import Action, Hold, Press, SwapBattery
from lapel_fleet.control.socket import messages, run_directory
from lapel_fleet.control.socket.client import client, only_run
from lapel_fleet.operator.page.run_control import HandAction, RunFault, RunProgress
from lapel_fleet.scenario.faults import FAULTS

T = TypeVar("T", bound=messages.Done)
_LIMIT_S = 20.0
"""For an answer; holding a button for three seconds takes that long."""


class SocketRunControl:
    """Implements `lapel_fleet.operator.page.run_control.RunControl`. Each request has a connection of its own."""

    fault_kinds: Mapping[str, str] = {name: kind.meaning for name, kind in FAULTS.items() if kind.on_camera}

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    async def progress(self) -> RunProgress:
        """See `RunControl.progress`."""
        status = await self._request(messages.Status(cameras=[]), messages.RunStatus)
        faults = [RunFault(one.number, one.kind, one.where) for one in status.faults]
        return RunProgress(status.run, status.scenario, status.now_s, status.counts, faults)

    async def act(self, camera: str, action: HandAction, by: str) -> None:
        """See `RunControl.act`."""
        await self._request(_action(camera, action, by), messages.Done)

    async def begin_fault(self, camera: str, kind: str, by: str) -> None:
        """See `RunControl.begin_fault`."""
        await self._request(messages.BeginFault(fault={"kind": kind, "cameras": [camera]}, by=by), messages.Begun)

    async def end_fault(self, number: int, by: str) -> None:
        """See `RunControl.end_fault`."""
        await self._request(messages.EndFault(number=number, by=by), messages.Ended)

    async def _request(self, request: messages.Request, kind: type[T]) -> T:
        return await asyncio.to_thread(partial(self._request_blocking, request, kind))

    def _request_blocking(self, request: messages.Request, kind: type[T]) -> T:
        with client(self._run_id, run_directory.folder(), _LIMIT_S) as run:
            return run.request(request, kind)


def socket_run_control(run_id: str) -> SocketRunControl:
    """Control of that run; `only` for the only one. Raises ConfigError when there is no such run."""
    found = only_run(None if run_id == "only" else run_id, run_directory.folder())
    with client(found, run_directory.folder(), _LIMIT_S):
        return SocketRunControl(found)


def _action(camera: str, action: HandAction, by: str) -> Action:
    match action:
        case "press":
            return Press(camera, by=by)
        case "press-twice":
            return Press(camera, times=2, by=by)
        case "hold":
            return Hold(camera, by=by)
        case "press-power":
            return Press(camera, "power", by=by)
        case "swap-battery":
            return SwapBattery(camera, by=by)

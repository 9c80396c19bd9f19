"""A `CameraWorker` elsewhere: each call of its methods goes there as JSON, and the answer comes back so."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any, TypeVar, Union, get_type_hints

import msgspec

from lapel.errors import LapelError
from lapel_fleet.cameras.actions import ACTIONS, Action
from lapel_fleet.cameras.camera import CameraSnapshot
from lapel_fleet.cameras.fleet_snapshot import FleetSnapshot
from lapel_fleet.cameras.manual_control import ServicePort
from lapel_fleet.checkers.records import ActualRecord
from lapel_fleet.runs.local_worker import CameraWorker
from lapel_fleet.runs.remote_error import remote_error
from lapel_fleet.scenario.faults import Fault

T = TypeVar("T")
Exchange = Callable[[bytes], Awaitable[bytes]]
"""Carries a call to the worker, and its answer back. Raises WorkerLostError when the worker is gone."""


class WorkerLostError(LapelError):
    """A worker is gone, and what its cameras did with it: nothing can be concluded from the run."""

    exit_code = 3


class _Call(msgspec.Struct, frozen=True):
    """A method of `CameraWorker` to call, with its arguments in order."""

    method: str
    arguments: list[msgspec.Raw] = []


class _Answer(msgspec.Struct, frozen=True):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    exit_code: int = 0
    """Of a LapelError; 0 without one."""


class RemoteWorker:
    """Implements `CameraWorker`: sends each call over `exchange`, and waits for the answer."""

    def __init__(self, exchange: Exchange, names: Sequence[str]) -> None:
        self.names = names
        self._exchange = exchange

    async def begin(self) -> None:
        """See `CameraWorker.begin`."""
        await self._call(None, "begin")

    async def end(self) -> None:
        """See `CameraWorker.end`."""
        await self._call(None, "end")

    async def snapshot(self) -> FleetSnapshot:
        """See `CameraWorker.snapshot`."""
        return await self._call(FleetSnapshot, "snapshot")

    async def actual_records(self) -> list[ActualRecord]:
        """See `CameraWorker.actual_records`."""
        return await self._call(list[ActualRecord], "actual_records")

    async def snapshots(self, names: Sequence[str]) -> dict[str, CameraSnapshot]:
        """See `CameraWorker.snapshots`."""
        return await self._call(dict[str, CameraSnapshot], "snapshots", names)

    async def act(self, action: Action) -> None:
        """See `CameraWorker.act`."""
        await self._call(None, "act", action)

    async def attach(self, name: str) -> ServicePort:
        """See `CameraWorker.attach`."""
        return await self._call(ServicePort, "attach", name)

    async def detach(self, name: str) -> None:
        """See `CameraWorker.detach`."""
        await self._call(None, "detach", name)

    async def begin_fault(self, number: int, fault: Fault) -> None:
        """See `CameraWorker.begin_fault`."""
        await self._call(None, "begin_fault", number, fault)

    async def end_fault(self, number: int) -> None:
        """See `CameraWorker.end_fault`."""
        await self._call(None, "end_fault", number)

    async def _call(self, kind: type[T] | None, method: str, *arguments: object) -> T:
        encoded = [msgspec.Raw(msgspec.json.encode(argument)) for argument in arguments]
        answer = msgspec.json.decode(await self._exchange(msgspec.json.encode(_Call(method, encoded))), type=_Answer)
        if answer.exit_code:
            raise remote_error(answer.error, answer.exit_code)
        return msgspec.json.decode(answer.result, type=kind)


# -- where the cameras are ---------------------------------------------------------------------------------------------


async def answer_call(worker: CameraWorker, encoded: bytes) -> bytes:
    """Carry out a call of a `RemoteWorker`; the answer to send back to it."""
    call = msgspec.json.decode(encoded, type=_Call)
    kinds = _argument_kinds(call.method)
    arguments = [msgspec.json.decode(raw, type=kind) for raw, kind in zip(call.arguments, kinds, strict=True)]
    try:
        result = await getattr(worker, call.method)(*arguments)
        answer = _Answer(msgspec.Raw(msgspec.json.encode(result)))
    except LapelError as error:
        answer = _Answer(error=str(error), exit_code=error.exit_code)
    return msgspec.json.encode(answer)


@cache
def _argument_kinds(method: str) -> list[Any]:
    hints = get_type_hints(getattr(CameraWorker, method))
    hints.pop("return")
    return [Union[ACTIONS] if kind is Action else kind for kind in hints.values()]  # noqa: UP007

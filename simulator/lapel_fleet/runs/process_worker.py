"""Cameras of a live run in a process of their own. Calls of `CameraWorker`'s methods go there over a pipe, as JSON."""

import asyncio
import contextlib
import multiprocessing
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from multiprocessing.connection import Connection
from typing import Any, TypeVar, Union, get_type_hints

import msgspec

from lapel.errors import LapelError
from lapel_fleet.cameras.actions import ACTIONS, Action
from lapel_fleet.cameras.camera import CameraSnapshot
from lapel_fleet.cameras.fleet_snapshot import FleetSnapshot
from lapel_fleet.cameras.manual_control import ServicePort
from lapel_fleet.checkers.records import ActualRecord
from lapel_fleet.runs.local_worker import CameraWorker, WorkerJob, local_worker
from lapel_fleet.runs.remote_error import remote_error
from lapel_fleet.scenario.faults import Fault

T = TypeVar("T")
_JOIN_S = 30.0
"""A process that takes longer to switch its cameras off is killed."""


class _Call(msgspec.Struct, frozen=True):
    """A method of `CameraWorker` to call, with its arguments in order."""

    method: str
    arguments: list[msgspec.Raw] = []


_CLOSE = _Call("close")


class _Answer(msgspec.Struct, frozen=True):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    exit_code: int = 0
    """Of a LapelError; 0 without one."""


class ProcessWorker:
    """Implements `CameraWorker`: sends each call to the process, and waits for the answer."""

    def __init__(self, pipe: Connection, names: Sequence[str]) -> None:
        self.names = names
        self._pipe, self._turn = pipe, asyncio.Lock()

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

    async def close(self) -> None:
        """Switch its cameras off and end the process."""
        await self._exchange(_CLOSE)

    async def _call(self, kind: type[T] | None, method: str, *arguments: object) -> T:
        encoded = [msgspec.Raw(msgspec.json.encode(argument)) for argument in arguments]
        answer = await self._exchange(_Call(method, encoded))
        if answer.exit_code:
            raise remote_error(answer.error, answer.exit_code)
        return msgspec.json.decode(answer.result, type=kind)

    async def _exchange(self, call: _Call) -> _Answer:
        async with self._turn:
            return await asyncio.to_thread(self._send_and_receive, msgspec.json.encode(call))

    def _send_and_receive(self, call: bytes) -> _Answer:
        try:
            self._pipe.send_bytes(call)
            return msgspec.json.decode(self._pipe.recv_bytes(), type=_Answer)
        except (EOFError, OSError) as error:
            raise LapelError("a worker process ended unexpectedly") from error


@asynccontextmanager
async def process_worker(job: WorkerJob) -> AsyncIterator[ProcessWorker]:
    """The cameras of `job` in a process of their own, while the block runs."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_run, args=(there, msgspec.json.encode(job)), name=f"worker {job.shard[0]}", daemon=True
    )
    process.start()
    there.close()
    worker = ProcessWorker(here, job.names)
    try:
        yield worker
    finally:
        with contextlib.suppress(LapelError):
            await worker.close()
        await asyncio.to_thread(process.join, _JOIN_S)
        process.kill()
        here.close()


# -- in that process ---------------------------------------------------------------------------------------------------


def _run(pipe: Connection, job: bytes) -> None:
    with contextlib.suppress(KeyboardInterrupt):  # the parent gets it too, and closes this process in order
        asyncio.run(_serve(pipe, msgspec.json.decode(job, type=WorkerJob)))


async def _serve(pipe: Connection, job: WorkerJob) -> None:
    async with local_worker(job) as worker:
        while (call := await _next(pipe)) != _CLOSE:
            pipe.send_bytes(msgspec.json.encode(await _answer(worker, call)))
    pipe.send_bytes(msgspec.json.encode(_Answer()))


async def _answer(worker: CameraWorker, call: _Call) -> _Answer:
    kinds = _argument_kinds(call.method)
    arguments = [msgspec.json.decode(raw, type=kind) for raw, kind in zip(call.arguments, kinds, strict=True)]
    try:
        result = await getattr(worker, call.method)(*arguments)
        return _Answer(msgspec.Raw(msgspec.json.encode(result)))
    except LapelError as error:
        return _Answer(error=str(error), exit_code=error.exit_code)


@cache
def _argument_kinds(method: str) -> list[Any]:
    hints = get_type_hints(getattr(CameraWorker, method))
    hints.pop("return")
    return [Union[ACTIONS] if kind is Action else kind for kind in hints.values()]  # noqa: UP007


async def _next(pipe: Connection) -> _Call:
    """The next call; `close` when the parent process is gone."""
    readable = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pipe.fileno(), readable.set)
    try:
        await readable.wait()
        return msgspec.json.decode(pipe.recv_bytes(), type=_Call)
    except EOFError:
        return _CLOSE
    finally:
        loop.remove_reader(pipe.fileno())

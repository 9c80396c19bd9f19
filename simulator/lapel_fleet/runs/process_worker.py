"""Cameras of a live run in a process of their own: what is asked of them goes there over a pipe."""

import asyncio
import contextlib
import multiprocessing
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import msgspec

from lapel.errors import LapelError
from lapel.hardware.interfaces import ButtonName
from lapel_fleet.cameras.camera import CameraSnapshot
from lapel_fleet.cameras.fleet import FleetSnapshot
from lapel_fleet.checkers.records import ActualRecord
from lapel_fleet.control.manual_control import ServicePort
from lapel_fleet.control.remote_error import remote_error
from lapel_fleet.runs.local_worker import CameraWorker, WorkerJob, local_worker
from lapel_fleet.scenario.scenario import Fault

T = TypeVar("T")


class _Asked(msgspec.Struct, tag_field="ask", frozen=True):
    pass


class _Begin(_Asked, frozen=True):
    pass


class _End(_Asked, frozen=True):
    pass


class _Glance(_Asked, frozen=True):
    pass


class _Truths(_Asked, frozen=True):
    pass


class _Close(_Asked, frozen=True):
    pass


class _Looks(_Asked, frozen=True):
    names: Sequence[str]


class _Press(_Asked, frozen=True):
    name: str
    button: ButtonName
    times: int


class _Hold(_Asked, frozen=True):
    name: str
    button: ButtonName
    seconds: float


class _Attach(_Asked, frozen=True):
    name: str


class _Detach(_Asked, frozen=True):
    name: str


class _BeginFault(_Asked, frozen=True):
    number: int
    fault: Fault


class _EndFault(_Asked, frozen=True):
    number: int


_Question = (
    _Begin | _End | _Glance | _Truths | _Close | _Looks | _Press | _Hold | _Attach | _Detach | _BeginFault | _EndFault
)


_DECODER: msgspec.json.Decoder[_Question] = msgspec.json.Decoder(_Question)


class _Answer(msgspec.Struct, frozen=True):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    exit_code: int = 0
    """Of a LapelError; 0 when all went well."""


class ProcessWorker:
    """Implements `CameraWorker`: asks, and waits for the answer."""

    def __init__(self, line: Connection, names: Sequence[str]) -> None:
        self.names = names
        self._line, self._turn = line, asyncio.Lock()

    async def begin(self) -> None:
        """See `CameraWorker.begin`."""
        await self._ask(_Begin(), None)

    async def end(self) -> None:
        """See `CameraWorker.end`."""
        await self._ask(_End(), None)

    async def snapshot(self) -> FleetSnapshot:
        """See `CameraWorker.snapshot`."""
        return await self._ask(_Glance(), FleetSnapshot)

    async def actual_records(self) -> list[ActualRecord]:
        """See `CameraWorker.actual_records`."""
        return await self._ask(_Truths(), list[ActualRecord])

    async def snapshots(self, names: Sequence[str]) -> dict[str, CameraSnapshot]:
        """See `CameraWorker.snapshots`."""
        return await self._ask(_Looks(names), dict[str, CameraSnapshot])

    async def press(self, name: str, button: ButtonName, times: int) -> None:
        """See `CameraWorker.press`."""
        await self._ask(_Press(name, button, times), None)

    async def hold(self, name: str, button: ButtonName, seconds: float) -> None:
        """See `CameraWorker.hold`."""
        await self._ask(_Hold(name, button, seconds), None)

    async def attach(self, name: str) -> ServicePort:
        """See `CameraWorker.attach`."""
        return await self._ask(_Attach(name), ServicePort)

    async def detach(self, name: str) -> None:
        """See `CameraWorker.detach`."""
        await self._ask(_Detach(name), None)

    async def begin_fault(self, number: int, fault: Fault) -> None:
        """See `CameraWorker.begin_fault`."""
        await self._ask(_BeginFault(number, fault), None)

    async def end_fault(self, number: int) -> None:
        """See `CameraWorker.end_fault`."""
        await self._ask(_EndFault(number), None)

    async def close(self) -> None:
        """Its cameras are switched off, and the process ends."""
        await self._ask(_Close(), None)

    async def _ask(self, asked: _Question, kind: type[T] | None) -> T:
        async with self._turn:
            answer = await asyncio.to_thread(self._exchange, msgspec.json.encode(asked))
        if answer.exit_code:
            raise remote_error(answer.error, answer.exit_code)
        return msgspec.json.decode(answer.result, type=kind)

    def _exchange(self, asked: bytes) -> _Answer:
        try:
            self._line.send_bytes(asked)
            return msgspec.json.decode(self._line.recv_bytes(), type=_Answer)
        except (EOFError, OSError) as error:
            raise LapelError("a worker process ended before its time") from error


@asynccontextmanager
async def process_worker(order: WorkerJob) -> AsyncIterator[ProcessWorker]:
    """The cameras of `order` in a process of their own, while the block runs."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_work, args=(there, msgspec.json.encode(order)), name=f"crew {order.shard[0]}", daemon=True
    )
    process.start()
    there.close()
    worker = ProcessWorker(here, order.names)
    try:
        yield worker
    finally:
        with contextlib.suppress(LapelError):
            await worker.close()
        await asyncio.to_thread(process.join, 30)
        process.kill()
        here.close()


# -- in that process ---------------------------------------------------------------------------------------------------


def _work(line: Connection, order: bytes) -> None:
    with contextlib.suppress(KeyboardInterrupt):  # the parent was told too, and ends us in order
        asyncio.run(_serve(line, msgspec.json.decode(order, type=WorkerJob)))


async def _serve(line: Connection, order: WorkerJob) -> None:
    async with local_worker(order) as worker:
        while not isinstance(asked := await _next(line), _Close):
            line.send_bytes(msgspec.json.encode(await _answered(worker, asked)))
    line.send_bytes(msgspec.json.encode(_Answer()))


async def _answered(worker: CameraWorker, asked: _Question) -> _Answer:
    try:
        return _Answer(msgspec.Raw(msgspec.json.encode(await _done(worker, asked))))
    except LapelError as error:
        return _Answer(error=str(error), exit_code=error.exit_code)


async def _done(worker: CameraWorker, asked: _Question) -> Any:
    match asked:
        case _Begin():
            return await worker.begin()
        case _End():
            return await worker.end()
        case _Glance():
            return await worker.snapshot()
        case _Truths():
            return await worker.actual_records()
        case _Looks(names):
            return await worker.snapshots(names)
        case _Press(name, button, times):
            return await worker.press(name, button, times)
        case _Hold(name, button, seconds):
            return await worker.hold(name, button, seconds)
        case _Attach(name):
            return await worker.attach(name)
        case _Detach(name):
            return await worker.detach(name)
        case _BeginFault(number, fault):
            return await worker.begin_fault(number, fault)
        case _EndFault(number):
            return await worker.end_fault(number)
        case _Close():
            return None


async def _next(line: Connection) -> _Question:
    """What is asked next; that it close when nobody asks any more."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(line.fileno(), asked.set)
    try:
        await asked.wait()
        return _DECODER.decode(line.recv_bytes())
    except EOFError:
        return _Close()
    finally:
        loop.remove_reader(line.fileno())

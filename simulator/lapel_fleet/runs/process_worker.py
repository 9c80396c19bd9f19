"""Cameras of a live run in a process of their own. Calls go there over a pipe."""

import asyncio
import contextlib
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

import msgspec

from lapel_fleet.runs.local_worker import WorkerJob, local_worker
from lapel_fleet.runs.remote_worker import RemoteWorker, WorkerLostError, answer_call

_CLOSE = b"close"
"""In place of a call: switch the cameras off and end the process."""
_JOIN_S = 30.0
"""A process that takes longer to switch its cameras off is killed."""


@asynccontextmanager
async def process_worker(job: WorkerJob) -> AsyncIterator[RemoteWorker]:
    """The cameras of `job` in a process of their own, while the block runs."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_run, args=(there, msgspec.json.encode(job)), name=f"worker {job.shard[0]}", daemon=True
    )
    process.start()
    there.close()
    turn = asyncio.Lock()

    async def exchange(call: bytes) -> bytes:
        async with turn:
            return await asyncio.to_thread(_send_and_receive, here, call)

    try:
        yield RemoteWorker(exchange, job.names)
    finally:
        with contextlib.suppress(WorkerLostError):
            await exchange(_CLOSE)
        await asyncio.to_thread(process.join, _JOIN_S)
        process.kill()
        here.close()


def _send_and_receive(pipe: Connection, call: bytes) -> bytes:
    try:
        pipe.send_bytes(call)
        return pipe.recv_bytes()
    except (EOFError, OSError) as error:
        raise WorkerLostError("a worker process ended unexpectedly; was there enough memory?") from error


# -- in that process ---------------------------------------------------------------------------------------------------


def _run(pipe: Connection, job: bytes) -> None:
    with contextlib.suppress(KeyboardInterrupt):  # the parent gets it too, and closes this process in order
        asyncio.run(_serve(pipe, msgspec.json.decode(job, type=WorkerJob)))


async def _serve(pipe: Connection, job: WorkerJob) -> None:
    async with local_worker(job) as worker:
        while (call := await _next(pipe)) != _CLOSE:
            pipe.send_bytes(await answer_call(worker, call))
    pipe.send_bytes(b"")


async def _next(pipe: Connection) -> bytes:
    """The next call; `_CLOSE` when the parent process is gone."""
    readable = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pipe.fileno(), readable.set)
    try:
        await readable.wait()
        return pipe.recv_bytes()
    except EOFError:
        return _CLOSE
    finally:
        loop.remove_reader(pipe.fileno())

"""Cameras of a live run on the workers of a Dask cluster, as Dask actors. A lost worker ends the run: what its cameras
did is lost with it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import msgspec
from distributed import Client

from lapel.clock import SystemClock
from lapel.errors import LapelError
from lapel_fleet.runs.local_worker import CameraWorker, LocalWorker, WorkerJob, local_worker
from lapel_fleet.runs.parallel.dask_cluster import connected, require_same_software
from lapel_fleet.runs.parallel.software import software
from lapel_fleet.runs.remote_worker import RemoteWorker, WorkerLostError, answer_call
from lapel_fleet.time.loop_thread import LoopThread


class DaskHosts:
    """Implements `WorkerHosts`."""

    def __init__(self, client: Client) -> None:
        self._client, self._addresses = client, sorted(client.nthreads())
        self.size = len(self._addresses)

    @asynccontextmanager
    async def worker(self, number: int, job: WorkerJob) -> AsyncIterator[CameraWorker]:
        """See `WorkerHosts.worker`."""
        address, began_s, clock = self._addresses[number], job.began_s, SystemClock()

        async def on_worker(method: str, *arguments: object) -> bytes:
            try:
                return await asyncio.to_thread(self._call, cameras, method, *arguments)
            except LapelError:
                raise
            except Exception as error:  # Dask's own, of many kinds
                raise WorkerLostError(f"the Dask worker {address} was lost, with {len(job.names)} cameras") from error

        cameras = await asyncio.to_thread(self._place, address, msgspec.json.encode(job))
        try:
            await on_worker("power_on", clock.mono_s() - began_s)
            yield RemoteWorker(lambda call: on_worker("answer", call), job.names)
        finally:
            with suppress(LapelError):
                await on_worker("power_off")

    def _place(self, address: str, job: bytes) -> Any:
        with self._client.as_current():  # an actor finds its client so
            placed = self._client.submit(
                CamerasOnWorker, job, dict(software()), actor=True, workers=[address], pure=False
            )
            return placed.result()

    def _call(self, cameras: Any, method: str, *arguments: object) -> bytes:
        with self._client.as_current():
            answer: bytes = getattr(cameras, method)(*arguments).result()
            return answer


@contextmanager
def dask_hosts(address: str) -> Iterator[DaskHosts]:
    """The workers of the scheduler at `address`, while the block runs. Raises what `connected` raises."""
    with connected(address) as client:
        yield DaskHosts(client)


# -- on the workers ----------------------------------------------------------------------------------------------------


class CamerasOnWorker:
    """The cameras of one job, in a thread with an event loop of its own. Dask drops it when the client is gone, which
    switches them off.
    """

    def __init__(self, job: bytes, wanted: Mapping[str, str]) -> None:
        require_same_software(wanted)
        self._job = msgspec.json.decode(job, type=WorkerJob)
        self._thread: LoopThread[LocalWorker] | None = None

    def power_on(self, elapsed_s: float) -> bytes:
        """`elapsed_s`: of the run, now. The monotonic clock of another machine says nothing here."""
        job = msgspec.structs.replace(self._job, began_s=SystemClock().mono_s() - elapsed_s)
        logging.getLogger(f"distributed.{__name__}").info("powers on %d cameras", len(job.names))
        self._thread = LoopThread(local_worker(job), "cameras")
        return b""

    def answer(self, call: bytes) -> bytes:
        """The answer to a call of a `RemoteWorker`."""
        assert self._thread is not None
        return self._thread.call(lambda worker: answer_call(worker, call))

    def power_off(self) -> bytes:
        """Switch the cameras off. Harmless when they are."""
        if self._thread is not None:
            self._thread.close()
            logging.getLogger(f"distributed.{__name__}").info("powered off %d cameras", len(self._job.names))
        self._thread = None
        return b""

    def __del__(self) -> None:
        self.power_off()

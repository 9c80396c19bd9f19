"""Where else the cameras of a live run can be than on this machine: on the workers of a cluster."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from lapel_fleet.runs.local_worker import CameraWorker, WorkerJob


class WorkerHosts(Protocol):
    """Places elsewhere that take cameras."""

    @property
    def size(self) -> int:
        """How many workers there can be."""

    def worker(self, number: int, job: WorkerJob) -> AbstractAsyncContextManager[CameraWorker]:
        """The cameras of `job` at the place of that number, while the block runs. Raises what powering them on raises,
        and WorkerLostError when the place is lost.
        """

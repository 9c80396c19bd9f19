"""Runs blocking work: in threads on a camera, inline in virtual time.

Encoding has a thread of its own (`media/`); this is for occasional work: disk writes, `fdatasync`, SQLite.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Worker(Protocol):
    """Runs blocking jobs off the event loop."""

    async def run(self, job: Callable[[], T]) -> T:
        """Return what `job()` returns; raise what it raises."""


class ThreadWorker:
    """A few threads, shared by every camera of a process. Two are enough for 1,600 recordings (measured, x86)."""

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lapel-worker")

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, job)

    def close(self) -> None:
        """Wait for the running jobs, then end the threads."""
        self._pool.shutdown()


class InlineWorker:
    """Runs each job in the calling task. For virtual time, where threads would make the order of events random."""

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` now."""
        return job()

"""Where blocking work goes: a thread on a camera, inline in virtual time.

Encoding has a thread of its own (`media/`); this is for what blocks now and then: disk writes, `fdatasync`, SQLite.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Worker(Protocol):
    """Runs blocking jobs off the event loop."""

    async def run(self, job: Callable[[], T]) -> T:
        """What `job()` returns; what it raises is raised here."""


class ThreadWorker:
    """A few threads shared by every camera of a process. Two keep 1,600 recordings written (measured, x86)."""

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lapel-worker")

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, job)

    def close(self) -> None:
        """Wait for the jobs under way, then end the threads."""
        self._pool.shutdown()


class InlineWorker:
    """Runs the job where it is asked for. For virtual time, where a thread would make the order of events a race."""

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` now."""
        return job()

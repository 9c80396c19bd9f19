"""Background jobs of a run, which end with it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from lapel_fleet.time.timelines import Timeline


class JobGroup:
    """Runs jobs side by side. None outlives the group, and no failure is lost."""

    def __init__(self, time: Timeline) -> None:
        self._time = time
        self._jobs: dict[asyncio.Task[None], None] = {}  # a dictionary keeps the order, a set does not
        self._failures: list[BaseException] = []

    def start(self, job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a job in the background."""
        task = asyncio.create_task(job)
        self._jobs[task] = None
        task.add_done_callback(self._done)
        return task

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Call `act` after that many seconds."""

        async def wait() -> None:
            await self._time.sleep(seconds)
            act()

        self.start(wait())

    async def end(self) -> None:
        """Cancel the jobs that still run, in the order of their start. Raises what a job raised, if one did."""
        jobs = list(self._jobs)
        for job in jobs:
            job.cancel()
        if jobs:
            await asyncio.wait(jobs)
        if self._failures:
            raise self._failures[0]

    def _done(self, job: asyncio.Task[None]) -> None:
        self._jobs.pop(job, None)
        if not job.cancelled() and (failure := job.exception()) is not None:
            self._failures.append(failure)

"""Jobs of a run: started, awaited, and ended with it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from lapel_fleet.time.timelines import Timeline


class JobGroup:
    """Whoever acts in a run acts through this, so that nothing outlives it and no failure goes unseen."""

    def __init__(self, time: Timeline) -> None:
        self._time = time
        self._jobs: dict[asyncio.Task[None], None] = {}  # a dict keeps its order, a set does not
        self._failures: list[BaseException] = []

    def start(self, job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it beside everything else."""
        task = asyncio.create_task(job)
        self._jobs[task] = None
        task.add_done_callback(self._done)
        return task

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Do it then."""

        async def wait() -> None:
            await self._time.sleep(seconds)
            act()

        self.start(wait())

    async def end(self) -> None:
        """End what still runs, in the order in which it was begun. Raises what a job raised."""
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

"""A pool that runs its jobs here, one after the other, each result pickled as if it came from another process."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from lapel_fleet.runs.parallel.pool import Job, JobProgress

T = TypeVar("T")


class InlinePool:
    size = shards = 1
    notes: Sequence[str] = ()

    def results(
        self, jobs: Sequence[Job[T]], on_progress: Callable[[int, JobProgress], None]
    ) -> Iterator[tuple[int, T]]:
        for number, job in reversed(list(enumerate(jobs))):  # they end in any order
            sent: Job[T] = pickle.loads(pickle.dumps(job))
            yield number, pickle.loads(pickle.dumps(sent.run(lambda one, number=number: on_progress(number, one))))  # type: ignore[misc]

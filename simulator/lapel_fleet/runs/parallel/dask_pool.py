"""Jobs on the workers of a Dask cluster. Dask runs a job again when its worker dies."""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from distributed import Client, Future, KilledWorker, as_completed, get_worker

from lapel.errors import LapelError, LinkError
from lapel_fleet.runs.parallel.dask_cluster import connected, require_same_software
from lapel_fleet.runs.parallel.pool import Job, JobProgress
from lapel_fleet.runs.parallel.software import software

T = TypeVar("T")
_POLL_S = 0.1
_OF_SCHEDULER = "all"
"""The topic on which the scheduler publishes what happens to workers."""
_SHARDS_PER_WORKER = 2
"""Workers need not be equally fast, and less is run again when one dies."""


class DaskPool:
    """Implements `Pool` on a cluster."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.notes: list[str] = []
        self.size = sum(client.nthreads().values())
        self.shards = _SHARDS_PER_WORKER * self.size

    def results(
        self, jobs: Sequence[Job[T]], on_progress: Callable[[int, JobProgress], None]
    ) -> Iterator[tuple[int, T]]:
        """See `Pool.results`. Raises LinkError when the scheduler goes away."""
        topic, messages = f"lapel-{secrets.token_hex(4)}", SimpleQueue[tuple[str, Any]]()
        for source in (topic, _OF_SCHEDULER):
            self._client.subscribe_topic(source, lambda event, source=source: messages.put((source, event[1])))
        waiting = {future.key: (number, future) for number, future in enumerate(self._submitted(jobs, topic))}
        titles = {str(key): jobs[number].title for key, (number, _) in waiting.items()}
        ended = as_completed([future for _, future in waiting.values()], loop=self._client.loop)
        try:
            while waiting:
                for future in ended.next_batch(block=False):
                    number, _ = waiting.pop(future.key)  # Dask forgets the result once it is not referred to
                    yield number, _result(jobs[number], future)
                match _next(messages):
                    case [str(source), [number, *values]] if source == topic:
                        on_progress(number, JobProgress(*values))
                    case [_, {"action": "remove-worker"} as event]:
                        self._note_lost_worker(event, titles)
        finally:
            self._client.cancel([future for _, future in waiting.values()])
            for source in (topic, _OF_SCHEDULER):
                self._client.unsubscribe_topic(source)

    def _submitted(self, jobs: Sequence[Job[T]], topic: str) -> "Iterator[Future[T]]":
        wanted = dict(software())
        for number, job in enumerate(jobs):
            yield self._client.submit(_run, job, number, topic, wanted, key=f"{topic}-{number}", pure=False)

    def _note_lost_worker(self, event: Mapping[str, Any], titles: Mapping[str, str]) -> None:
        """Note which jobs Dask runs again: those that the worker had been given, and those whose result it had."""
        keys = {*event["processing-tasks"], *event["lost-computed-tasks"]}
        lost = ", ".join(title for key, title in titles.items() if key in keys)
        if lost:
            self.notes.append(f"the Dask worker {event['worker']} was lost; run again on another: {lost}")


@contextmanager
def dask_pool(address: str) -> Iterator[DaskPool]:
    """The workers of the scheduler at `address`, while the block runs. Raises what `connected` raises."""
    with connected(address) as client:
        yield DaskPool(client)


def _next(messages: SimpleQueue[T]) -> T | None:
    """The next message; None if there is none for a moment."""
    try:
        return messages.get(timeout=_POLL_S)
    except Empty:
        return None


def _result(job: Job[T], future: "Future[T]") -> T:
    match future.status:
        case "finished":
            return future.result()
        case "error":
            raise _error(job, future.exception())
        case _:
            raise LinkError(f"the Dask scheduler is gone, and {job.title} with it")


def _error(job: Job[Any], error: BaseException) -> BaseException:
    if isinstance(error, KilledWorker):
        return LapelError(f"{job.title}: every worker that ran it died; is there enough memory?")
    return error


# -- on the workers ----------------------------------------------------------------------------------------------------


def _run(job: Job[T], number: int, topic: str, wanted: Mapping[str, str]) -> T:
    require_same_software(wanted)
    worker = get_worker()
    logging.getLogger(f"distributed.{__name__}").info("begins %s", job.title)
    return job.run(lambda progress: worker.log_event(topic, [number, *progress]))

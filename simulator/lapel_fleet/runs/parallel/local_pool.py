"""Jobs in processes of this machine. Each gets its jobs, and sends progress and results, over a pipe."""

import contextlib
import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from lapel.errors import LapelError
from lapel_fleet.runs.gc_tuning import infrequent_gc
from lapel_fleet.runs.parallel.pool import Job, JobProgress

T = TypeVar("T")
_MOST_ATTEMPTS = 3
"""A job whose process dies so often is given up: it probably needs more memory than there is."""


@dataclass(frozen=True, slots=True)
class _Result:
    value: Any


@dataclass(frozen=True, slots=True)
class _Failure:
    error: Exception


class LocalPool:
    """Implements `Pool` with processes that are started when they are first needed."""

    def __init__(self, size: int) -> None:
        self.size = self.shards = size
        self.notes: list[str] = []
        self._processes: list[_Process] = []

    def results(
        self, jobs: Sequence[Job[T]], on_progress: Callable[[int, JobProgress], None]
    ) -> Iterator[tuple[int, T]]:
        """See `Pool.results`."""
        waiting, running, attempts = deque(range(len(jobs))), dict[Connection, int](), Counter[int]()
        while waiting or running:
            self._start_jobs(jobs, waiting, running)
            for pipe in wait(list(running)):
                assert isinstance(pipe, Connection)
                number = running[pipe]
                match self._receive(pipe):
                    case JobProgress() as progress:
                        on_progress(number, progress)
                    case _Result(value):
                        del running[pipe]
                        yield number, value
                    case _Failure(error):
                        raise error
                    case None:
                        del running[pipe]
                        attempts[number] += 1
                        waiting.appendleft(number)
                        self._replace(pipe, jobs[number], attempts[number])

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for process in self._processes:
            process.end()
        self._processes.clear()

    def _start_jobs(self, jobs: Sequence[Job[T]], waiting: deque[int], running: dict[Connection, int]) -> None:
        while len(self._processes) < min(self.size, len(waiting) + len(running)):
            self._processes.append(_Process())
        for process in self._processes:
            if waiting and process.pipe not in running:
                number = waiting.popleft()
                running[process.pipe] = number
                with contextlib.suppress(OSError):  # a process that died is noticed when it is received from
                    process.pipe.send(jobs[number])

    def _receive(self, pipe: Connection) -> Any:
        """The next message of a process; None if it has died."""
        try:
            with infrequent_gc():  # a result has hundreds of thousands of objects
                return pipe.recv()
        except (EOFError, OSError):
            return None

    def _replace(self, pipe: Connection, job: Job[Any], attempt: int) -> None:
        dead = next(one for one in self._processes if one.pipe is pipe)
        self._processes.remove(dead)
        reason = dead.end()
        if attempt == _MOST_ATTEMPTS:
            raise LapelError(f"{job.title}: its process {reason}, {attempt} times; is there enough memory?")
        self.notes.append(f"the process of {job.title} {reason}; {job.title} was run again")


class _Process:
    """A process and the pipe to it."""

    def __init__(self) -> None:
        self.pipe, there = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
        self._process.start()
        there.close()

    def end(self) -> str:
        """Kill it. Returns how it had ended before, if it had."""
        self.pipe.close()
        self._process.join(1.0)
        code = self._process.exitcode
        self._process.kill()
        self._process.join()
        return f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else "ended unexpectedly"


@contextmanager
def local_pool(size: int) -> Iterator[LocalPool]:
    """A pool of so many processes, while the block runs."""
    pool = LocalPool(size)
    try:
        yield pool
    finally:
        pool.close()


# -- in each process ---------------------------------------------------------------------------------------------------


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends this process
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        while True:
            pipe.send(_run(pipe.recv(), pipe))


def _run(job: Job[Any], pipe: Connection) -> _Result | _Failure:
    try:
        return _Result(job.run(pipe.send))
    except LapelError as error:
        return _Failure(error)

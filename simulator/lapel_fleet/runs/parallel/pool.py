"""Jobs and the workers that run them: processes of this machine (`local_pool`) or of a Dask cluster (`dask_pool`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R", covariant=True)


class JobProgress(NamedTuple):
    """How far a job is; see `lapel_fleet.runs.run.OnProgress`."""

    share: float
    domain_s: float
    states: Mapping[str, int]
    messages: int
    recordings: int


class Job(Protocol[R]):
    """Something that a worker runs, and that can be run again: its result depends on its fields alone."""

    @property
    def title(self) -> str:
        """As in `shard 2/4`."""

    def run(self, on_progress: Callable[[JobProgress], None]) -> R:
        """Run it, here and now."""


class Pool(Protocol):
    """Workers that run jobs."""

    @property
    def size(self) -> int:
        """How many jobs run side by side."""

    @property
    def shards(self) -> int:
        """Into how many jobs one run is best divided."""

    @property
    def notes(self) -> Sequence[str]:
        """What happened to the workers without changing a result: one that died, and whose job was run again."""

    def results(
        self, jobs: Sequence[Job[T]], on_progress: Callable[[int, JobProgress], None]
    ) -> Iterator[tuple[int, T]]:
        """Run all jobs. Yields the number and the result of each as it ends. `on_progress` receives a job's number and
        its progress. Raises what a job raised, and LapelError for a job that ends its worker again and again.
        """

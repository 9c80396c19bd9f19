"""One virtual run divided by camera into shards. The result is that of one process: record, verdict and trace."""

import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from lapel_fleet.cameras.percents import merged_counts
from lapel_fleet.checkers import user_checkers
from lapel_fleet.checkers.records import Checker
from lapel_fleet.checkers.registry import CHECKERS, Finding, Outcome, delivery_loss, findings_of, outcomes_of
from lapel_fleet.runs import virtual
from lapel_fleet.runs.measurement import samples
from lapel_fleet.runs.parallel.pool import JobProgress, Pool
from lapel_fleet.runs.run import OnProgress, Run, no_progress
from lapel_fleet.runs.trace import Trace, merged_lines
from lapel_fleet.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What comes back from a shard."""

    run: Run
    outcomes: list[dict[str, Outcome]]
    """Of the checkers, for each case of `run`."""
    trace: bytes
    """Compressed with gzip."""


@dataclass(frozen=True, slots=True)
class ShardJob:
    """Some cameras of a virtual run. Implements `Job`."""

    scenario: Scenario
    seed: int
    shard: tuple[int, int]
    """(i, n): every n-th camera, from the i-th on."""
    checkers: tuple[str, ...] = ()
    """The user's own, as `MODULE:FUNCTION`."""

    @property
    def title(self) -> str:
        """See `Job.title`."""
        return f"shard {self.shard[0] + 1}/{self.shard[1]}"

    def run(self, on_progress: Callable[[JobProgress], None]) -> ShardResult:
        """See `Job.run`."""
        trace = io.BytesIO()
        with gzip.open(trace, "wt", compresslevel=1, encoding="utf-8") as lines:
            assert isinstance(lines, io.TextIOWrapper)
            done = virtual.run(
                self.scenario, self.seed, lines, lambda *values: on_progress(JobProgress(*values)), shard=self.shard
            )
        checkers = all_checkers(self.checkers)
        outcomes = [outcomes_of(case, checkers) for case in done.cases]
        for actual, _ in done.cases:
            actual.ledger = None  # large, and made again from the audit log where it is needed
        return ShardResult(done, outcomes, trace.getvalue())


@cache
def all_checkers(names: tuple[str, ...]) -> Mapping[str, Checker]:
    """Lapel's checkers, and the user's own. Raises ConfigError for one that cannot be loaded."""
    return {**CHECKERS, **user_checkers.loaded(names)}


def run_in_shards(
    pool: Pool,
    whole: ShardJob,
    count: int,
    trace: Path | None = None,
    progress: OnProgress = no_progress,
) -> tuple[Run, list[Finding]]:
    """Run `whole` as `count` jobs on the workers of `pool`, and merge what comes back; as one job where the cameras of
    a site share its dock. Returns the run, and what the checkers found.

    Raises StorageError when the trace cannot be written, and what the jobs raise.
    """
    lines = Trace(trace)
    names = whole.scenario.cameras[whole.shard[0] :: whole.shard[1]]
    is_divided = not whole.scenario.has_shared_docks
    jobs = list(divided(whole, min(count, len(names)) if is_divided else 1))
    notes = len(pool.notes)
    received = dict(pool.results(jobs, MergedProgress(len(jobs), progress).update))
    parts = [received[number] for number in range(len(jobs))]
    for line in merged_lines([_lines(one.trace) for one in parts]):
        lines.add_line(line)
    run = _merged_run(
        [one.run for one in parts], names, lines, [*pool.notes[notes:], *([] if is_divided else [_SHARED])]
    )
    outcomes = {case[0].camera: found for one in parts for case, found in zip(one.run.cases, one.outcomes, strict=True)}
    loss = delivery_loss(run.cases)
    return run, findings_of([outcomes[name] for name in names], all_checkers(whole.checkers), loss)


def divided(whole: ShardJob, count: int) -> Iterator[ShardJob]:
    """`count` jobs that have the cameras of `whole` between them."""
    first, step = whole.shard
    for number in range(count):
        shard = (first + number * step, step * count)
        yield ShardJob(whole.scenario, whole.seed, shard, whole.checkers)


class MergedProgress:
    """The progress of several jobs as that of one run."""

    def __init__(self, count: int, report: OnProgress) -> None:
        self._parts = [JobProgress(0.0, 0.0, {}, 0, 0)] * count
        self._report = report

    def update(self, number: int, progress: JobProgress) -> None:
        """Take the progress of a job, and report that of all."""
        self._parts[number] = progress
        parts = self._parts
        self._report(
            sum(one.share for one in parts) / len(parts),
            sum(one.domain_s for one in parts) / len(parts),
            merged_counts(one.states for one in parts),
            sum(one.messages for one in parts),
            sum(one.recordings for one in parts),
        )


_SHARED = "not divided among the workers: the cameras of a site share its dock"


def _merged_run(parts: Sequence[Run], names: Iterable[str], lines: Trace, notes: list[str]) -> Run:
    cases = {case[0].camera: case for one in parts for case in one.cases}
    return msgspec.structs.replace(
        parts[0],
        cases=[cases[name] for name in names],
        trace_sha256=lines.close(),
        trace_lines=lines.lines,
        messages=sum(one.messages for one in parts),
        samples=samples.merged([one.samples for one in parts if one.samples is not None]),
        notes=notes,
    )


def _lines(trace: bytes) -> Iterator[str]:
    with gzip.open(io.BytesIO(trace), "rt", encoding="utf-8", newline="\n") as lines:
        yield from lines

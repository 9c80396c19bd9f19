"""A campaign: one virtual run for each of many seeds, each a job of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from lapel_fleet.checkers.expectations import judge_expectations
from lapel_fleet.checkers.registry import Finding, judge
from lapel_fleet.runs import virtual
from lapel_fleet.runs.chaos import with_chaos
from lapel_fleet.runs.parallel.pool import JobProgress
from lapel_fleet.runs.parallel.shards import all_checkers
from lapel_fleet.runs.run import Run
from lapel_fleet.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What comes back from the run of one seed."""

    run: Run
    """Without cases and samples: thousands of runs are kept."""
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class SeedJob:
    """A virtual run of the whole fleet with one seed. Implements `Job`."""

    scenario: Scenario
    seed: int
    chaos: bool
    """Whether faults drawn from the seed are added."""
    checkers: tuple[str, ...] = ()
    """The user's own, as `MODULE:FUNCTION`."""

    @property
    def title(self) -> str:
        """See `Job.title`."""
        return f"seed {self.seed}"

    def run(self, on_progress: Callable[[JobProgress], None]) -> SeedResult:
        """See `Job.run`."""
        checkers = all_checkers(self.checkers)
        scenario = with_chaos(self.scenario, self.seed) if self.chaos else self.scenario
        done = virtual.run(scenario, self.seed, progress=lambda *values: on_progress(JobProgress(*values)))
        findings = judge(done.cases, checkers) + judge_expectations(done.cases, scenario.expect)
        return SeedResult(msgspec.structs.replace(done, cases=[], samples=None), findings)

"""`lapel-fleet run --shrink FILE`: writes the smallest scenario that still fails, and reports the search."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import msgspec

from lapel.clock import Clock
from lapel.errors import StorageError
from lapel_fleet import report
from lapel_fleet.checkers.expectations import judge_expectations
from lapel_fleet.checkers.records import Checker
from lapel_fleet.checkers.registry import Finding, judge
from lapel_fleet.report.formatting import counted
from lapel_fleet.runs import shrink, virtual
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.scenario.toml_writer import as_toml

_PROGRESS_EVERY_S = 10.0


def shrink_failure(
    path: Path,
    scenario: Scenario,
    result: report.Result,
    checkers: Mapping[str, Checker],
    clock: Clock,
    out: TextIO,
    *,
    options: str,
) -> None:
    """Shrink `scenario`, whose virtual run `result` failed, for the first checker that found something. `path` always
    holds the smallest scenario so far. `options`: what the line that replays it needs beside file and seed. Raises
    StorageError when the file cannot be written.
    """
    finding = next(one for one in result.findings if one.verdict == "failed")
    seed = result.run.seed
    start = shrink.explicit(_judged_by(scenario, finding), seed)

    def fails(candidate: Scenario) -> bool:
        cases = virtual.run(candidate, seed).cases
        if finding.checker in checkers:
            found = judge(cases, {finding.checker: checkers[finding.checker]})
        else:
            found = judge_expectations(cases, candidate.expect)
        return any(one.failures for one in found)

    replay = f"lapel-fleet run {shlex.quote(str(path))} {options} --seed {seed}"
    progress = _Progress(path, f"# {finding.checker} fails; replay: {replay}\n", start, clock)
    if not fails(start):
        print(f"{finding.checker} did not fail again: {path} is not written", file=out, flush=True)
        return
    progress.write(start)
    done = shrink.shrink(start, fails, suspects=_suspects(finding, start), on_run=progress.on_run)
    print(f"shrunk to {_size(done.scenario)} in {counted(done.runs, 'run')}: {finding.checker} still fails", file=out)
    if done.is_exhausted:
        print(f"no more than {shrink.MOST_RUNS} runs are made; a smaller scenario may exist", file=out)
    print(f"replay: {replay}", file=out, flush=True)


def _judged_by(scenario: Scenario, finding: Finding) -> Scenario:
    """With no expectation but the one that failed, if one did: others would fail with fewer cameras."""
    return msgspec.structs.replace(scenario, expect=[one for one in scenario.expect if one.title == finding.checker])


def _suspects(finding: Finding, scenario: Scenario) -> list[str]:
    """The cameras that failed, each once, in order."""
    cameras = set(scenario.cameras)
    named = (failure.partition(":")[0] for failure in finding.failures)
    return list(dict.fromkeys(name for name in named if name in cameras))


def _size(scenario: Scenario) -> str:
    faults, cameras = counted(len(scenario.faults), "fault"), counted(len(scenario.cameras), "camera")
    return f"{faults}, {cameras} and {scenario.duration_s:g} s"


class _Progress:
    """Writes each smaller scenario to the file, and reports it on standard error."""

    def __init__(self, path: Path, head: str, start: Scenario, clock: Clock) -> None:
        self._path, self._head, self._clock = path, head, clock
        self._smallest, self._reported_s = start, clock.mono_s()

    def on_run(self, runs: int, smallest: Scenario) -> None:
        """After each run."""
        now_s, is_smaller = self._clock.mono_s(), smallest is not self._smallest
        if is_smaller:
            self.write(smallest)
        if now_s - self._reported_s >= _PROGRESS_EVERY_S or runs == 1 or _size(smallest) != _size(self._smallest):
            self._reported_s = now_s
            print(
                f"shrinking, run {runs} of at most {shrink.MOST_RUNS}: {_size(smallest)}", file=sys.stderr, flush=True
            )
        self._smallest = smallest

    def write(self, scenario: Scenario) -> None:
        """Replace the file."""
        try:
            self._path.write_text(self._head + as_toml(scenario), encoding="utf-8")
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from error

"""A virtual run with its findings, for the tests of the report."""

from functools import cache
from pathlib import Path

from lapel_fleet.checkers.registry import judge
from lapel_fleet.report import Result
from lapel_fleet.runs.virtual import run
from lapel_fleet.scenario.loading import load


def observed(name: str, seed: int, trace: Path | None = None) -> Result:
    """The result of a virtual run. Its real time is set to 1.5 s, so that the report is always the same."""
    scenario = load(name)
    done = run(scenario, seed, trace)
    return Result(name, done, judge(done.cases), 1.5, scenario.faults, trace)


@cache
def smoke() -> Result:
    """The result of `smoke`: ten cameras."""
    return observed("smoke", 3)

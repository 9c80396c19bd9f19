"""Virtual runs: what the report's tests tell of."""

from functools import cache
from pathlib import Path

from lapel_fleet.checkers.fleet import Finding, judge
from lapel_fleet.report import Result
from lapel_fleet.scenario import load
from lapel_fleet.virtual import run


def observed(name: str, seed: int, trace: Path | None = None, findings: list[Finding] | None = None) -> Result:
    """`findings` in place of what the checkers find."""
    scenario = load(name)
    done = run(scenario, seed, trace)
    return Result(name, done, findings or judge(done.cases), 1.5, scenario.faults, trace)


@cache
def smoke() -> Result:
    """Ten cameras; quick."""
    return observed("smoke", 7)

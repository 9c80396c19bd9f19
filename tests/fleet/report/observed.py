"""A virtual run, judged: what the report's tests tell of."""

from functools import cache
from pathlib import Path

from lapel_fleet.checkers.registry import judge
from lapel_fleet.report import Result
from lapel_fleet.runs.virtual import run
from lapel_fleet.scenario.loading import load


def observed(name: str, seed: int, trace: Path | None = None) -> Result:
    """Took 1.5 s, whatever it took: what is told of it is the same each time."""
    scenario = load(name)
    done = run(scenario, seed, trace)
    return Result(name, done, judge(done.cases), 1.5, scenario.faults, trace)


@cache
def smoke() -> Result:
    """Ten cameras; quick."""
    return observed("smoke", 3)

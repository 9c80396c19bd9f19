"""How long a whole shift of a fleet takes in virtual time, and what a camera costs in it."""

from time import perf_counter

from bench.figure import Figure
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs.virtual import run
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Scenario

_BOUND_S = 120.0


def main(scenario: Scenario | None = None) -> list[Figure]:
    """Seconds of one core for eight hours of 1,600 cameras, every checker green; and times real time."""
    wanted = scenario or load("five-cities")
    began = perf_counter()
    done = run(wanted, 1)
    took_s = perf_counter() - began
    assert not any(finding.failures for finding in judge(done.cases))
    return [
        Figure(
            f"{len(wanted.cameras)} cameras for {wanted.duration_s / 3600:g} h, virtual", took_s, "s", bound=_BOUND_S
        ),
        Figure("  of it a message", 1e6 * took_s / done.messages, "us"),
    ]

"""Whole fleets on a real Mosquitto, in real time: twenty minutes, two with `--short`. Needs a Mosquitto."""

import asyncio
import sys
from collections.abc import Iterator

import msgspec

from bench.figure import Figure
from lapel_fleet.broker.embedded import mosquitto_path
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs.live import LiveOptions, run_live
from lapel_fleet.runs.run import Run
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Operator, Scenario
from lapel_fleet.scenario.wearer import Wearer


def main(length_s: float = 600.0) -> list[Figure]:
    """1,600 cameras of which a tenth records, and 13,400 that each record once."""
    if mosquitto_path() is None:
        return []
    length_s = 60.0 if "--short" in sys.argv else length_s
    return [*_five_cities(length_s), *_nationwide(length_s)]


def _five_cities(length_s: float) -> Iterator[Figure]:
    recorders = Wearer(activations_per_hour=6, length_s=(30, 90))  # a minute each, ten minutes apart
    commands = Operator(commands_per_hour=20 * 3600)
    done = _run(
        load("five-cities"), duration_s=length_s, media="clip", telemetry_s=30, wearer=recorders, operator=commands
    )
    yield from _figures("five-cities, clip", done, up_bound_s=60.0)
    assert done.samples is not None
    lag_s, start_s = done.samples.overall("lags").percentile_s(99), done.samples.overall("presses").percentile_s(99)
    yield Figure("  event loop lag p99", 1000 * (lag_s or 0.0), "ms", bound=50)
    yield Figure("  command to retained recording p99", 1000 * (start_s or 0.0), "ms", bound=250)


def _nationwide(length_s: float) -> Iterator[Figure]:
    once = Wearer(activations=1, length_s=(20, 40))
    done = _run(load("nationwide"), duration_s=length_s, telemetry_s=30, wearer=once)
    yield from _figures("nationwide, none", done, up_bound_s=None)
    cameras = len(done.cases)
    without = sum(not any(one.status == "complete" for one in actual.accounts) for actual, _ in done.cases)
    yield Figure("  cameras without a complete recording", without, "", bound=0)
    yield Figure("  memory of a camera", done.workers_bytes / cameras / 1000, "KB", bound=60)


def _run(scenario: Scenario, **changes: object) -> Run:
    return asyncio.run(run_live(msgspec.structs.replace(scenario, **changes), 7, LiveOptions()))


def _figures(name: str, done: Run, up_bound_s: float | None) -> Iterator[Figure]:
    findings = judge(done.cases)
    failures = [failure for finding in findings for failure in finding.failures]
    for line in [*done.inconclusive, *failures[:10]]:
        print(f"  {name}: {line}", file=sys.stderr)
    yield Figure(f"{name}: {len(done.cases)} cameras online after", done.online_after_s, "s", bound=up_bound_s)
    yield Figure("  findings of the checkers", len(failures) + len(done.inconclusive), "", bound=0)
    yield Figure("  messages a second", done.messages / (done.domain_s - done.online_after_s), "")

"""What virtual time costs: beside a fixed piece of Python, and a camera of a large fleet beside one of a small."""

import heapq
import json
import sys
from collections.abc import Iterator

import msgspec

from bench.figure import Figure, compared
from bench.measuring import cpu_s, in_turn
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs.run import Run
from lapel_fleet.runs.virtual import run
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Scenario, shorten

_HALF_OF_BEFORE = 2.5
"""The ratio was 5.05 on 2026-11-27, before work on it began."""
_LINEAR = 1.15
_SHIFT_S = 120.0
_SMALL, _LARGE, _DAY_S = 10, 13_400, 600.0


def main(minutes: float = 15.0, rounds: int = 3, large: int = _LARGE, hours: float = 8.0) -> list[Figure]:
    """CPU of five cities, of a camera in fleets of different size, and of the whole shift."""
    if "--short" in sys.argv:
        minutes, rounds, large, hours = 10.0, 3, 1600, 0.0
    figures = [beside_python(minutes, rounds), _growth(large)]
    return [*figures, *(_shift(hours) if hours else ())]


def beside_python(minutes: float, rounds: int, cameras: int = 400) -> Figure:
    """CPU of some cameras of `five-cities`, and of the workload."""
    scenario = shorten(_fleet(cameras), minutes * 60)
    ours, theirs = in_turn(lambda: cpu_s(lambda: run(scenario, 1)), lambda: cpu_s(workload), rounds=rounds)
    name = f"{cameras} cameras of five-cities for {minutes:g} min, CPU"
    return compared(name, ours, "a fixed piece of Python", theirs, "s", target=_HALF_OF_BEFORE)


def workload(count: int = 60_000) -> None:
    """What a simulation in Python does, without the simulation: a queue of timers, small objects, JSON, string keys."""
    queue, states = [(float(number % 997), number) for number in range(997)], dict[str, int]()
    heapq.heapify(queue)
    for _ in range(count):
        at_s, number = heapq.heappop(queue)
        message = json.dumps({"camera": f"cam-{number:04}", "at_s": at_s, "state": "buffering", "flags": []})
        found = json.loads(message)
        states[found["camera"]] = states.get(found["camera"], 0) + 1
        heapq.heappush(queue, (at_s + 1 + number % 7, number))


def _growth(large: int) -> Figure:
    """CPU of a camera in a large fleet beside one in a fleet of ten, both with their start and end."""
    repeats = 40
    small_ms = 1000 / _SMALL / repeats * cpu_s(lambda: [_day(_SMALL, seed) for seed in range(repeats)])
    large_ms = 1000 / large * cpu_s(lambda: _day(large, 1))
    name = f"a camera among {large:,}, ten minutes, CPU"
    return compared(name, [large_ms], f"one among {_SMALL}", [small_ms], "ms", target=_LINEAR)


def _day(cameras: int, seed: int) -> Run:
    return run(shorten(_fleet(cameras), _DAY_S), seed)


def _fleet(cameras: int) -> Scenario:
    """Cameras that do what those of `five-cities` do; the operator sends as much for each."""
    whole = load("five-cities")
    share = cameras / len(whole.cameras)
    operator = msgspec.structs.replace(whole.operator, commands_per_hour=whole.operator.commands_per_hour * share)
    return msgspec.structs.replace(whole, sites={"bench": cameras}, operator=operator)


def _shift(hours: float) -> Iterator[Figure]:
    scenario = shorten(load("five-cities"), hours * 3600)
    runs: list[Run] = []
    took_s = cpu_s(lambda: runs.append(run(scenario, 1)))
    assert not any(finding.failures for finding in judge(runs[0].cases))
    yield Figure(f"1,600 cameras for {hours:g} h, CPU", took_s, "s", bound=_SHIFT_S)
    yield Figure("  of it a message", 1e6 * took_s / runs[0].messages, "us")

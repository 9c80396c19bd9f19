"""A shard of a fleet is that part of the whole: line by line of the trace."""

from pathlib import Path

import msgspec

from lapel_fleet.runs.chaos import with_chaos
from lapel_fleet.runs.virtual import run
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Scenario

SHARDS = 3


def chaotic_day() -> Scenario:
    scenario = msgspec.structs.replace(load("bad-day"), sites={"baltimore": 4, "buffalo": 3})
    return with_chaos(scenario, 11)


def lines(scenario: Scenario, trace: Path, shard: tuple[int, int] = (0, 1)) -> list[str]:
    run(scenario, 11, trace, shard=shard)
    return trace.read_text().splitlines()


def of(who: str, trace: list[str]) -> list[str]:
    """What it did or what was done to it, in order."""
    return [line for line in trace if who in line.split(" ")[1]]


def test_each_camera_s_lines_are_the_same_in_its_shard_as_in_the_whole(tmp_path: Path) -> None:
    scenario = chaotic_day()
    whole = lines(scenario, tmp_path / "whole")
    shards = [lines(scenario, tmp_path / "shard", (number, SHARDS)) for number in range(SHARDS)]
    for number, name in enumerate(scenario.cameras):
        assert of(name, shards[number % SHARDS]) == of(name, whole)
    outages = of("broker", whole)
    assert len(outages) == sum(fault.kind == "broker.outage" for fault in scenario.faults)
    assert all(of("broker", shard) == outages for shard in shards)  # it is everybody's, and stands in each
    assert set(whole) == {line for shard in shards for line in shard}

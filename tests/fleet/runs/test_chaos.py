"""Chaos: faults drawn from the seed, on top of a scenario's own, raise no false alarm."""

import pytest
from msgspec.structs import replace

from lapel_fleet.checkers.expectations import judge_expectations
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs import virtual
from lapel_fleet.runs.chaos import with_chaos
from lapel_fleet.scenario.faults import FAULTS
from lapel_fleet.scenario.loading import load, parse
from lapel_fleet.scenario.offload import Offload
from lapel_fleet.scenario.toml_writer import as_toml

QUICK = (1, 3, 38, 51, 93, 115, 124, 166, 177, 198)
"""Those that raised a false alarm once, at least one for each cause; and two that never did."""
EXPECTS = """
duration_s = 600
[sites]
baltimore = 1
[[expect]]
name = "of an ordinary day"
what = "online-share"
at_least = 0.99
[[expect]]
name = "whatever goes wrong"
what = "events"
kind = "events-dropped"
at_most = 0
under_chaos = true
"""


@pytest.mark.parametrize("seed", QUICK)
def test_a_firmware_without_a_bug_passes(seed: int) -> None:
    assert failures(seed) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 201))
def test_a_firmware_without_a_bug_passes_with_each_of_200_seeds(seed: int) -> None:
    assert failures(seed) == []


def failures(seed: int) -> list[str]:
    scenario = with_chaos(load("bad-day"), seed)
    cases = virtual.run(scenario, seed).cases
    findings = [*judge(cases), *judge_expectations(cases, scenario.expect)]
    return [failure for finding in findings for failure in finding.failures]


def test_the_same_seed_adds_the_same_faults_to_the_scenario_s_own() -> None:
    own = load("bad-day")
    added = with_chaos(own, 7).faults[len(own.faults) :]
    assert with_chaos(own, 7).faults[: len(own.faults)] == own.faults
    assert added == with_chaos(own, 7).faults[len(own.faults) :]
    assert added != with_chaos(own, 8).faults[len(own.faults) :]
    assert [one.at_s for one in added] == sorted(one.at_s for one in added)


def test_every_kind_of_fault_is_drawn_and_could_stand_in_a_file() -> None:
    own, kinds = load("bad-day"), set()
    for seed in range(1, 101):
        scenario = with_chaos(own, seed)
        kinds |= {fault.kind for fault in scenario.faults[len(own.faults) :]}
        assert parse(as_toml(scenario), "mine.toml") == scenario
    assert kinds == {kind for kind in FAULTS if not kind.startswith(("delivery.", "evidence."))}


def test_faults_of_an_evidence_back_end_are_drawn_where_cameras_offload() -> None:
    own, kinds = replace(load("bad-day"), offload=Offload()), set()
    for seed in range(1, 101):
        scenario = with_chaos(own, seed)
        kinds |= {fault.kind for fault in scenario.faults[len(own.faults) :]}
        assert parse(as_toml(scenario), "mine.toml") == scenario
    assert kinds == {kind for kind in FAULTS if not kind.startswith("delivery.")}


def test_what_is_expected_of_an_ordinary_day_is_not_expected_under_chaos() -> None:
    """Seeds 32, 51, 62, 109, 121, 122 and 131: more faults, a smaller share of the day online."""
    scenario = parse(EXPECTS, "mine.toml")
    assert [one.name for one in scenario.expect] == ["of an ordinary day", "whatever goes wrong"]
    assert [one.name for one in with_chaos(scenario, 1).expect] == ["whatever goes wrong"]

"""What wearers come upon is drawn for each camera and encounter alone."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lapel.errors import ConfigError
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs.virtual import run
from lapel_fleet.scenario.encounters import PAUSE_S, Encounters, Place, planned_encounters
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.loading import load, parse
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.scenario.toml_writer import as_toml
from lapel_fleet.scenario.wearer import Wearer

SHARES = st.floats(0, 1)
KIND = Encounters(declared=["arrest"], per_hour=4, declared_before_s=30, remote=0.5, early_stops=0.5, attests=0.5)
SITES = "[sites]\nbaltimore = 2\n"
ZONE = """
name = "zone"
title = "A court house, over the federal rules."
extends = "federal-2024"
[[zone]]
id = "court-house"
text = "The court house in this test."
context = "courtroom"
latitude = 40.5
longitude = -76.5
radius_m = 80
"""


def plan(kind: Encounters, seed: int = 1, duration_s: float = 28_800) -> list[tuple[float, float, float]]:
    planned = planned_encounters([kind], "baltimore/cam-0001", RandomStreams(seed), duration_s)
    return [(one.declared_s, one.begins_s, one.ends_s) for one in planned]


@given(SHARES, SHARES, SHARES, st.integers(1, 50))
def test_another_share_changes_nothing_else(recorded: float, remote: float, attests: float, seed: int) -> None:
    assert plan(replace(KIND, recorded=recorded, remote=remote, attests=attests), seed) == plan(KIND, seed)


@given(st.integers(1, 200))
def test_encounters_follow_each_other_with_a_pause_and_end_within_the_day(seed: int) -> None:
    found = plan(KIND, seed)
    assert all(later[0] >= earlier[2] + PAUSE_S for earlier, later in pairwise(found))
    assert all(ends_s + PAUSE_S <= 28_800 for _, _, ends_s in found)


def test_a_kind_of_another_site_is_never_met() -> None:
    assert plan(replace(KIND, sites=["buffalo"])) == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('policy = "federal-2025"\n' + SITES, r"mine.toml: policy: federal-2025: .*did you mean `federal-2024`"),
        ('policy = "none.toml"\n' + SITES, r"mine.toml: policy: none.toml: cannot be read"),
        (SITES + "[[encounters]]\ndeclare = []\n", r"encounters\[0\].declare: no such key; did you mean `declared`"),
        (SITES + '[[encounters]]\ndeclared = ["arest"]\n', r"arest.*encounters\[0\].declared"),
        (SITES + "[[encounters]]\nlength_s = [90, 30]\n", r"encounters\[0\].length_s = \[90, 30\]: give the shortest"),
        (SITES + "[[encounters]]\nsites = ['buffalo']\n", r"encounters\[0\].sites: there is no buffalo"),
    ],
)
def test_bad_keys_and_values_are_named(text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        parse(text, "mine.toml")


def test_a_written_scenario_with_encounters_is_read_back_unchanged() -> None:
    kind = replace(KIND, place=Place(latitude=39.29, longitude=-76.61), length_s=(60, 90), trigger="man-down")
    scenario = replace(load("policy-day"), encounters=[kind, KIND], policy="federal-2024")
    assert parse(as_toml(scenario), "written.toml") == scenario


def test_a_camera_in_a_zone_of_the_profile_is_in_a_protected_context_though_nobody_declares_it(tmp_path: Path) -> None:
    (tmp_path / "zone.toml").write_text(ZONE)
    scenario = Scenario(
        duration_s=7200, sites={"baltimore": 2}, wearer=Wearer(activations_per_hour=0),
        policy=str(tmp_path / "zone.toml"),
        encounters=[Encounters(per_hour=5, length_s=(60, 120), place=Place(latitude=40.5, longitude=-76.5))],
    )  # fmt: skip
    cases = run(scenario, 1).cases
    decisions = [account.decision for actual, _ in cases for account in actual.accounts]
    assert decisions
    assert {(one.rule, *one.zones) for one in decisions if one is not None} == {
        ("private-places-attestation", "court-house")
    }
    assert {one.checker: one.failures for one in judge(cases) if one.failures} == {}


def test_what_is_declared_survives_a_restart_of_the_camera() -> None:
    fault = Fault(kind="power.cut", at_s=200, for_s=5)
    scenario = Scenario(
        duration_s=1200, sites={"baltimore": 1}, wearer=Wearer(activations_per_hour=0), policy="federal-2024",
        faults=[fault],
        encounters=[Encounters(declared=["medical"], per_hour=360, length_s=(900, 1000), start_after_s=(300, 310))],
    )  # fmt: skip
    [(actual, _)] = run(scenario, 1).cases
    assert actual.power_cuts == 1
    assert [one.decision.contexts for one in actual.accounts if one.decision is not None] == [["medical"]]


def test_a_profile_s_file_is_looked_up_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text('name = "ours"\ntitle = "The rules of our agency."\nextends = "federal-2024"\n')
    (tmp_path / "day.toml").write_text('policy = "ours.toml"\n' + SITES)
    assert load(str(tmp_path / "day.toml")).policy == str(tmp_path / "ours.toml")

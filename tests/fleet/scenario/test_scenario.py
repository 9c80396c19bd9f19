from pathlib import Path

import msgspec
import pytest

from lapel.errors import ConfigError
from lapel_fleet.checkers.expectations import judge_expectations
from lapel_fleet.runs.virtual import run
from lapel_fleet.scenario.loading import load, parse, shipped_scenarios
from lapel_fleet.scenario.scenario import shorten

SITES = "[sites]\nbaltimore = 2\n"


@pytest.mark.parametrize("name", shipped_scenarios())
def test_a_shipped_scenario_can_be_loaded(name: str) -> None:
    scenario = load(name)
    assert scenario.title
    assert len(scenario.cameras) == sum(scenario.sites.values())


def test_the_shipped_fleets_have_their_documented_sizes() -> None:
    assert {name: len(load(name).cameras) for name in ("smoke", "five-cities", "nationwide")} == {
        "smoke": 10,
        "five-cities": 1600,
        "nationwide": 13400,
    }


@pytest.mark.parametrize("activations", [0, 1, 3])
def test_wearers_make_exactly_as_many_recordings_as_activations_says(activations: int) -> None:
    wearer = f"[wearer]\nactivations = {activations}\nlength_s = [20, 40]\n"
    done = run(parse("duration_s = 600\n[sites]\nbaltimore = 5\n" + wearer, "mine.toml"), 7)
    assert [[one.status for one in actual.accounts] for actual, _ in done.cases] == [["complete"] * activations] * 5


@pytest.mark.parametrize("name", shipped_scenarios())
def test_a_shipped_scenario_meets_its_own_expectations(name: str) -> None:
    """With two cameras of each site, for an hour: no expectation depends on the number of cameras."""
    scenario = load(name)
    small = msgspec.structs.replace(scenario, sites={site: min(count, 2) for site, count in scenario.sites.items()})
    small = small if small.duration_s <= 3600 else shorten(small, 3600)
    findings = judge_expectations(run(small, 1).cases, small.expect)
    assert findings
    assert {finding.checker: finding.failures for finding in findings if finding.failures} == {}


def test_a_shortened_day_drops_expectations_that_count_over_the_whole_day() -> None:
    short = shorten(load("smoke"), 5)
    assert [one.what for one in load("smoke").expect if one not in short.expect] == ["recordings"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "missing required field `sites`"),
        ("[sites", "is not TOML"),
        ("[sites]\n", r"length >= 1.*sites"),
        ("[sites]\n'a/b' = 1\n", r"sites: 'a/b' contains '/'"),
        (SITES + "[wearers]\n", r"wearers: no such key; did you mean `wearer`"),
        (SITES + "[wearer]\nlenght_s = [1, 2]\n", r"wearer\.lenght_s: no such key; did you mean `length_s`"),
        (SITES + "[wearer]\nlength_s = [5, 2]\n", r"wearer\.length_s = \[5\.0, 2\.0\]: give the shortest first"),
        ("[sites]\nbaltimore = 0\n", r">= 1.*sites"),
        (SITES + "[[faults]]\nkind = 'flood'\nat_s = 1\n", r"faults\[0\]\.kind: flood: no such fault"),
        (SITES + "[[faults]]\nkind = 'power.cut'\nat = 1\n", r"faults\[0\]\.at: no such key; did you mean `at_s`"),
        (SITES + "[[faults]]\nkind = 'power.cut'\nat_s = 61\n", r"faults\[0\]\.at_s = 61 comes after the end at 60 s"),
        (SITES + "[[faults]]\nkind = 'power_cut'\n", r"power_cut: no such fault; did you mean `power\.cut`"),
        (SITES + "[[faults]]\nkind = 'power.cut'\nloss = 0.5\n", r"faults\[0\]\.loss: means nothing to power\.cut"),
        (SITES + "[[faults]]\nkind = 'clock.step'\nfor_s = 5\n", r"for_s: means nothing to clock\.step"),
        (SITES + "[[faults]]\nkind = 'power.cut'\nsites = ['x']\n", r"faults\[0\]\.sites: there is no x in this"),
        ("clip_cameras = ['x/y']\n" + SITES, "clip_cameras: there is no x/y in this scenario"),
        (SITES + "[[docks]]\nbay = 9\n", r"docks\[0\].bay: no such key; did you mean `bays`"),
        (SITES + "[[docks]]\nbays = 0\n", r"Expected `int` >= 1 - at `\$.docks\[0\].bays`"),
        (SITES + "[[docks]]\n[[docks]]\nsites = ['detroit']\n", r"docks\[1\].sites: there is no detroit"),
        (SITES + "[[docks]]\n[[docks]]\n", r"docks\[1\]: baltimore has its station in docks\[0\]"),
        (SITES + "[offload]\nupload = 9\n", r"offload.upload: no such key; did you mean `uploads`"),
        (SITES + "[[faults]]\nkind = 'evidence.full'\n", r"faults\[0\].kind: evidence.full: no camera offloads"),
        (SITES + "[[shifts]]\nstart_s = 9\nend_s = 3\n", r"shifts\[0\]: ends at 3 s, before it starts at 9 s"),
        ("duration_s = 'x'\n" + SITES, "duration_s"),
    ],
)
def test_an_error_names_the_file_and_the_key(text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)mine\.toml: .*{error}"):
        parse(text, "mine.toml")


def test_a_missing_or_unreadable_scenario_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean `smoke`"):
        load("smok")
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        load(str(tmp_path / "none.toml"))
    (tmp_path / "mine.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is not TOML"):
        load(str(tmp_path / "mine.toml"))

"""A failing run becomes the fewest cameras and faults, and the shortest day, that still fail."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.checkers import test_planted_bugs as planted
from fleet.one_line import refusal
from lapel_fleet.cli import main
from lapel_fleet.runs import virtual
from lapel_fleet.runs.chaos import with_chaos
from lapel_fleet.runs.shrink import ddmin, explicit, shrink
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Operator, Scenario
from lapel_fleet.scenario.toml_writer import as_toml

Patch = pytest.MonkeyPatch
SMALL = msgspec.structs.replace(load("bad-day"), sites={"baltimore": 8, "buffalo": 4}, expect=[])
FLEET = Scenario(
    sites={"baltimore": 6, "buffalo": 2}, duration_s=3600, operator=Operator(commands_per_hour=10),
    faults=[
        Fault(kind="network.down", at_s=10, for_s=100, share=0.5),
        Fault(kind="broker.outage", at_s=500, for_s=300),
        Fault(kind="power.cut", at_s=900, for_s=60),
        Fault(kind="clock.step", at_s=1000, step_s=5, sites=["buffalo"]),
        Fault(kind="heat", at_s=2000, for_s=60),
    ],
)  # fmt: skip


def of(scenario: Scenario, kind: str) -> Fault | None:
    return next((one for one in scenario.faults if one.kind == kind), None)


# -- the search --------------------------------------------------------------------------------------------------------


@given(st.sets(st.integers(0, 30)))
def test_delta_debugging_finds_just_what_is_needed(needed: set[int]) -> None:
    assert ddmin(range(31), lambda some: needed <= set(some)) == sorted(needed)


@given(st.integers(0, 2**20))
def test_delta_debugging_leaves_nothing_that_can_be_left_out(rng: int) -> None:
    """Whatever fails, be it without rhyme or reason."""

    def fails(some: list[int]) -> bool:
        return len(some) == 12 or hash((rng, *some)) % 3 == 0

    kept = ddmin(range(12), fails)
    assert fails(kept)
    assert not any(fails(kept[:left_out] + kept[left_out + 1 :]) for left_out in range(len(kept)))


def test_a_scenario_shrinks_to_the_faults_cameras_and_times_that_fail() -> None:
    """Two cameras, each with a fault of its own, in a broker outage of at least 20 s."""

    def fails(one: Scenario) -> bool:
        cut, outage, step = of(one, "power.cut"), of(one, "broker.outage"), of(one, "clock.step")
        return (
            cut is not None and step is not None and outage is not None and outage.for_s >= 20
            and "baltimore/cam-0005" in cut.cameras and "buffalo/cam-0002" in step.cameras
            and {"baltimore/cam-0005", "buffalo/cam-0002"} <= set(one.cameras)
        )  # fmt: skip

    sizes: list[int] = []
    done = shrink(explicit(FLEET, 1), fails, on_run=lambda runs, one: sizes.append(len(one.faults)))
    assert done.scenario == Scenario(
        sites=FLEET.sites, only_cameras=["baltimore/cam-0005", "buffalo/cam-0002"], duration_s=done.scenario.duration_s,
        faults=[
            Fault(kind="broker.outage", at_s=500, for_s=done.scenario.faults[0].for_s),
            Fault(kind="power.cut", at_s=900, cameras=["baltimore/cam-0005"], for_s=done.scenario.faults[1].for_s),
            Fault(kind="clock.step", at_s=1000, step_s=5, cameras=["buffalo/cam-0002"]),
        ],
    )  # fmt: skip
    assert 1000 < done.scenario.duration_s <= 1020
    assert 20 <= done.scenario.faults[0].for_s <= 21
    assert done.scenario.faults[1].for_s <= 1
    assert (done.runs, done.is_exhausted) == (len(sizes), False)
    assert done.runs <= 100
    assert sizes == sorted(sizes, reverse=True)


def test_a_camera_that_failed_is_tried_alone_first() -> None:
    tried: list[list[str]] = []

    def fails(one: Scenario) -> bool:
        tried.append(one.cameras)
        return "buffalo/cam-0001" in one.cameras

    shrink(explicit(FLEET, 1), fails, suspects=["baltimore/cam-0001", "buffalo/cam-0001"])
    assert tried[:2] == [["baltimore/cam-0001"], ["buffalo/cam-0001"]]
    assert all(one == ["buffalo/cam-0001"] for one in tried[2:])


def test_the_number_of_runs_is_bounded() -> None:
    whole = explicit(FLEET, 1)
    done = shrink(whole, lambda one: len(one.cameras) > 3, most_runs=5)
    assert (done.runs, done.is_exhausted) == (5, True)
    assert 3 < len(done.scenario.cameras) <= len(whole.cameras)
    assert shrink(whole, lambda _: True, most_runs=0).scenario == whole


def test_nothing_of_a_run_changes_when_its_faults_name_their_cameras(tmp_path: Path) -> None:
    scenario = with_chaos(SMALL, 11)
    assert virtual.run(explicit(scenario, 11), 11).trace_sha256 == virtual.run(scenario, 11).trace_sha256


def test_a_camera_does_the_same_with_fewer_cameras_beside_it(tmp_path: Path) -> None:
    scenario = explicit(with_chaos(SMALL, 11), 11)
    virtual.run(scenario, 11, tmp_path / "all")
    virtual.run(msgspec.structs.replace(scenario, only_cameras=["buffalo/cam-0002"]), 11, tmp_path / "one")
    all_lines = (tmp_path / "all").read_text().splitlines()
    mine = [line for line in all_lines if "buffalo/cam-0002" in line.split(" ")[1] or line.split(" ")[1] == "broker"]
    assert (tmp_path / "one").read_text().splitlines() == mine


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plant", "checker", "seed"),
    [
        (planted.gaps_are_not_reported, "missing-frames-are-reported", 1),
        (planted.events_are_dropped_when_the_connection_breaks, "markers-are-kept", 1),
        (planted.expired_commands_are_carried_out, "every-recording-has-a-trigger", 2),
    ],
)
def test_a_planted_bug_shrinks_to_a_few_faults_and_the_file_fails_alike(
    plant: Callable[[Patch], None],
    checker: str,
    seed: int,
    tmp_path: Path,
    monkeypatch: Patch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, small = tmp_path / "whole.toml", tmp_path / "small.toml"
    whole.write_text(as_toml(msgspec.structs.replace(planted.BAD_DAY, expect=[])), encoding="utf-8")
    plant(monkeypatch)
    chaos = f"run {whole} --virtual --chaos --seed {seed} --shrink {small}"
    assert main(chaos.split()) == 1
    out, progress = capsys.readouterr()
    found = re.search(r"shrunk to (\d+) faults?, (\d+) cameras? and [\d.]+ s in (\d+) runs: (\S+) still fails\n", out)
    assert found, out
    faults, cameras, runs = map(int, found.groups()[:3])
    assert found[4] == checker
    assert faults <= 3
    assert cameras <= 2
    assert runs <= 200
    assert progress.startswith("shrinking, run 1 of at most 200: ")
    scenario = load(str(small))
    assert (len(scenario.faults), len(scenario.cameras)) == (faults, cameras)
    replay = out.rstrip().rpartition("\nreplay: lapel-fleet ")[2]
    assert replay == f"run {small} --virtual --seed {seed}"
    assert main(replay.split()) == 1
    again = capsys.readouterr().out
    assert re.search(rf"failed +\d+  {re.escape(checker)}\n", again), again
    monkeypatch.undo()
    assert main(replay.split()) == 0


BUSY = """
duration_s = 600
[sites]
baltimore = 3
[wearer]
activations_per_hour = 30
length_s = [5, 20]
[[expect]]
name = "a quiet day"
what = "recordings"
at_most = 1
under_chaos = true
[[expect]]
name = "a day"
what = "recordings"
at_least = 1
under_chaos = true
"""


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """A file whose expectation `a quiet day` is not met."""
    path = tmp_path / "busy.toml"
    path.write_text(BUSY, encoding="utf-8")
    return path


def test_an_expectation_that_is_not_met_shrinks_too(busy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without any fault, and with that expectation alone: the other might not be met on a smaller day."""
    small = busy.with_name("small day.toml")
    assert main(["run", str(busy), "--virtual", "--chaos", "--seed", "1", "--shrink", str(small)]) == 1
    out = capsys.readouterr().out
    assert f"replay: lapel-fleet run '{small}' --virtual --seed 1\n" in out
    scenario = load(str(small))
    assert ([one.name for one in scenario.expect], scenario.faults) == (["a quiet day"], [])
    assert len(scenario.cameras) == 1
    assert scenario.duration_s < 600
    assert main(["run", str(small), "--virtual", "--seed", "1"]) == 1


def test_with_json_the_result_stays_the_only_thing_on_standard_output(
    busy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = busy.with_name("small.toml")
    assert main(f"run {busy} --virtual --seed 1 --json --shrink {small}".split()) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["verdict"] == "failed"
    assert "a quiet day still fails\n" in err


def test_a_run_that_passes_is_not_shrunk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = tmp_path / "small.toml"
    assert main(f"run smoke --virtual --seed 1 --shrink {small}".split()) == 0
    assert not small.exists()
    assert "shr" not in "".join(capsys.readouterr())


def test_chaos_that_fails_mentions_that_it_can_be_shrunk(busy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"run {busy} --virtual --chaos --seed 1".split()) == 1
    assert capsys.readouterr().err == "--shrink FILE finds the fewest faults and cameras that still fail\n"


def test_a_checker_of_one_s_own_is_part_of_the_line_that_replays(
    busy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = busy.with_name("own.py")
    own.write_text(
        "def no_recording_by_hand(case):\n"
        "    for account in case[0].accounts:\n"
        "        yield 'by hand' if account.start.source == 'button' else None\n"
    )
    busy.write_text(BUSY.partition("[[expect]]")[0])
    small = busy.with_name("small.toml")
    assert main(f"run {busy} --virtual --seed 1 --checker {own}:no_recording_by_hand --shrink {small}".split()) == 1
    replay = capsys.readouterr().out.rstrip().rpartition("\nreplay: lapel-fleet ")[2]
    assert replay == f"run {small} --virtual --checker {own}:no_recording_by_hand --seed 1"
    assert main(replay.split()) == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("--shrink small.toml", "--shrink without --virtual: only in virtual time does a run repeat exactly"),
        ("--virtual --shrink small", "--shrink small: name a TOML file, as in failing.toml"),
        ("--virtual --shrink nowhere/small.toml", "--shrink nowhere/small.toml: there is no folder nowhere"),
        ("--virtual --shrink small.toml --shard 1/2", "--shrink with --shard: cameras are left out one by one"),
    ],
)
def test_what_cannot_be_shrunk_is_refused_before_the_run(
    options: str, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert error in refusal(f"run smoke {options}", capsys)


def test_the_scenario_itself_is_not_overwritten(busy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is the scenario itself; name another file" in refusal(f"run {busy} --virtual --shrink {busy}", capsys)

"""A fleet in virtual time: its verdicts, its wearers, and that a run can be repeated."""

from typing import Any

import msgspec
import pytest

from fleet import watched
from lapel.camera import Camera
from lapel_fleet.checkers import offload, policy
from lapel_fleet.checkers.registry import CHECKERS, judge
from lapel_fleet.runs.run import Run
from lapel_fleet.runs.virtual import run
from lapel_fleet.scenario.loading import load, parse
from lapel_fleet.scenario.scenario import Scenario

SMOKE, STORM, BAD_DAY = load("smoke"), load("broker-storm"), load("bad-day")
SMALL_STORM = msgspec.structs.replace(STORM, sites={"baltimore": 12})


def failed(done: Run) -> set[str]:
    return {finding.checker for finding in judge(done.cases) if finding.failures}


def test_a_bad_day_passes_every_checker_and_gives_each_occasions() -> None:
    done, _ = watched.run(BAD_DAY, 1)
    findings = {finding.checker: finding for finding in judge(done.cases)}
    assert {name: finding.failures for name, finding in findings.items() if finding.failures} == {}
    skipped = {name for name, finding in findings.items() if finding.verdict == "skipped"}
    without_occasion = {offload.__name__, policy.__name__}  # it has neither offload nor rules
    assert skipped == {name for name, one in CHECKERS.items() if one.__module__ in without_occasion}


@pytest.mark.parametrize("seed", range(2, 6))
def test_a_bad_day_passes_with_other_seeds(seed: int) -> None:
    done, _ = watched.run(BAD_DAY, seed)
    assert failed(done) == set()


def test_a_checker_without_an_occasion_is_skipped() -> None:
    quiet = msgspec.structs.replace(SMOKE, wearer=msgspec.structs.replace(SMOKE.wearer, activations_per_hour=0))
    verdicts = {finding.checker: finding.verdict for finding in judge(run(quiet, 1).cases)}
    assert verdicts["expired-commands-are-refused"] == "skipped"
    assert verdicts["retained-state-is-true"] == "passed"


def test_a_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert run(SMALL_STORM, 1).trace_sha256 == run(SMALL_STORM, 1).trace_sha256
    assert run(SMALL_STORM, 1).trace_sha256 != run(SMALL_STORM, 2).trace_sha256


def test_more_cameras_in_one_city_change_nothing_in_another() -> None:
    """Except for the operator's commands, which go to cameras drawn from all."""
    alone = msgspec.structs.replace(SMOKE, operator=msgspec.structs.replace(SMOKE.operator, commands_per_hour=0))
    larger = msgspec.structs.replace(alone, sites={**SMOKE.sites, "baltimore": 9})

    def in_buffalo(scenario: Scenario) -> list[Any]:
        cases = run(scenario, 1).cases
        return [
            (actual.accounts, received.events) for actual, received in cases if actual.camera.startswith("buffalo/")
        ]

    assert in_buffalo(alone) == in_buffalo(larger)


def test_cameras_are_docked_outside_their_shift_each_a_little_late() -> None:
    day = parse(
        "duration_s = 1200\n[sites]\nbaltimore = 4\nbuffalo = 1\n[wearer]\nactivations_per_hour = 60\n"
        "length_s = [5, 10]\n[[shifts]]\nsites = ['baltimore']\nstart_s = 300\nend_s = 900\nlate_s = 60\n",
        "mine.toml",
    )
    *baltimore, buffalo = (actual for actual, _ in run(day, 1).cases)
    left_s = [next(at_s for at_s, state in one.states if at_s > 200 and state == "buffering") for one in baltimore]
    assert all(300 <= at_s <= 361 for at_s in left_s)
    assert len(set(left_s)) == 4
    for one in baltimore:
        assert one.states_between(60, 299) == one.states_between(1000, 1199) == {"docked"}
        assert "recording" in one.states_between(361, 899)
    assert "docked" not in buffalo.states_between(0, 1200)


def test_a_stuck_button_ends_a_recording_though_the_power_fails_before_it_comes_up() -> None:
    day = parse(
        "duration_s = 300\n[sites]\nbaltimore = 8\n[wearer]\nactivations_per_hour = 120\nlength_s = [60, 90]\n"
        "[[faults]]\nkind = 'button.stuck'\nat_s = 100\nfor_s = 100\n"
        "[[faults]]\nkind = 'power.cut'\nat_s = 150\nfor_s = 20\n",
        "mine.toml",
    )
    done = run(day, 1)
    assert failed(done) == set()
    assert any(100 < at_s < 104 for actual, _ in done.cases for at_s in actual.stops)


def test_the_firmwares_own_camera_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    runs_of_firmware = 0
    original = Camera.run

    async def counted(self: Camera, restarted_because: str) -> None:
        nonlocal runs_of_firmware
        runs_of_firmware += 1
        await original(self, restarted_because)

    monkeypatch.setattr(Camera, "run", counted)
    run(SMOKE, 1)
    assert runs_of_firmware == len(SMOKE.cameras)

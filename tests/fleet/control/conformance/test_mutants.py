"""The mutation score: bugs planted in the example back end are caught, and the unpatched example is clean."""

from pathlib import Path
from typing import Any

import pytest

from examples import backend
from lapel_fleet.checkers.user_code import load_object
from lapel_fleet.cli.main import main
from lapel_fleet.control.conformance.catalogue import SITUATIONS, chosen
from lapel_fleet.control.conformance.mutants import idle_situations, scores

FILE = Path(backend.__file__).with_name("mutants.py")
FAMILIES = {
    "LateWillsAreBelieved": "late-will",
    "StatesByWallClock": "clock-stepped-back",
    "TelemetryMeansOnline": "telemetry-after-the-will",
    "FirstSessionForEver": "restart",
    "RepeatsAreCounted": "repeated-events",
    "OrderOfArrival": "swapped-events-of-one-camera",
    "OrderByMonotonicTimeAlone": "restart",
    "RecoveredIsComplete": "power-lost-while-recording",
    "SitesAreMerged": "same-name-at-two-sites",
    "ForgetsOnRestart": "restart-of-the-back-end",
    "DatabaseWins": "camera-lived-and-died-while-the-back-end-was-away",
    "UnknownKindBlocksTheRest": "unknown-kinds-of-event",
    "BrokenMessageEndsIt": "malformed-messages",
}
"""A bug of each family, and a situation that catches it."""


def planted() -> dict[str, Any]:
    mutants: dict[str, Any] = load_object("mutants", f"{FILE}:MUTANTS")
    return mutants


def test_a_bug_of_each_family_is_caught_by_the_situation_that_was_made_for_it() -> None:
    makers = {name: planted()[name] for name in FAMILIES}
    situations = chosen(dict.fromkeys(FAMILIES.values()))
    found = {score.mutant: score.caught_by for score in scores(makers, situations, 1)}
    assert {name: one for name, one in found.items() if FAMILIES[name] not in one} == {}


@pytest.mark.soak
def test_at_least_28_of_30_bugs_are_caught_and_no_situation_is_idle() -> None:
    makers, situations = planted(), list(SITUATIONS.values())
    assert len(makers) >= 30
    found = list(scores(makers, situations, 1))
    assert [one.mutant for one in found if not one.caught_by] == []
    assert idle_situations(situations, found) == ["camera-comes-online"]  # what any back end does


def test_the_command_prints_the_score_and_fails_for_a_bug_that_is_not_caught(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ours.py").write_text(OURS)
    assert main(["mutants", str(tmp_path / "ours.py")]) == 1
    text = capsys.readouterr().out
    assert "(original)" in text
    assert "NOT CAUGHT: Has no bug at all." in text
    assert "1 of 2 caught" in text


def test_an_unknown_mutant_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutants", str(FILE), "Nonsense"]) == 2
    assert "MUTANTS has no Nonsense" in capsys.readouterr().err


OURS = '''
from examples.backend import BackEnd

class Equal(BackEnd):
    """Has no bug at all."""

class Blind(BackEnd):
    """Shows nothing but *buffering* and *recording*."""

    def state(self, camera):
        return {"recording": "recording"}.get(super().state(camera), "buffering")

ORIGINAL = BackEnd
MUTANTS = {"Equal": Equal, "Blind": Blind}
'''

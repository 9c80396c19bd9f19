"""A back end is asked for the evidence that it has confirmed."""

from collections.abc import Sequence

import pytest

from fleet.checkers.records import account, case, event
from lapel_fleet.checkers.records import ClipContent
from lapel_fleet.checkers.registry import Finding, judge_back_end

CONFIRMED = event(1, "recording-confirmed", recording="clip", back_end="Store")
CONTENTS = {"clip": ClipContent(1000, "9f"), "on the way": ClipContent(500, "2b")}


class Probe:
    def __init__(self, evidence: Sequence[str]) -> None:
        self._evidence = evidence

    def state(self, camera: str) -> str:
        return "docked"

    def events(self, camera: str) -> list[str]:
        return []

    def evidence(self, camera: str) -> Sequence[str]:
        return self._evidence


def finding(*evidence: str) -> Finding:
    cases = [case(CONFIRMED, accounts=[account()], contents=CONTENTS)]
    return next(one for one in judge_back_end(cases, Probe(evidence)) if one.checker == "back-end-has-the-evidence")


@pytest.mark.parametrize("evidence", [("clip",), ("clip", "on the way")])
def test_it_has_at_least_what_it_has_confirmed(evidence: tuple[str, ...]) -> None:
    assert finding(*evidence).verdict == "passed"


@pytest.mark.parametrize(
    ("evidence", "text"),
    [((), "has confirmed clip, and does not have it"), (("clip", "other"), "has other, which this camera never made")],
)
def test_what_is_missing_or_foreign_is_found(evidence: tuple[str, ...], text: str) -> None:
    assert text in finding(*evidence).failures[0]

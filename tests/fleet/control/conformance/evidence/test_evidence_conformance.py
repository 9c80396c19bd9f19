"""The conformance suite for evidence back ends: the example and the built-in one pass, and planted bugs are caught."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from examples import evidence_back_end
from fleet.runs.evidence_back_end.axis_client import KEY, USER, in_memory
from lapel.errors import ConfigError
from lapel_fleet.checkers.user_code import load_object
from lapel_fleet.cli import main
from lapel_fleet.control.conformance.evidence.examination import Recordings, examine
from lapel_fleet.control.conformance.evidence.situations import EVIDENCE_SITUATIONS
from lapel_fleet.control.conformance.evidence.stage import EvidenceStage
from lapel_fleet.control.conformance.evidence.subject import MemoryEvidence
from lapel_fleet.control.conformance.mutants import Score, evidence_scores, idle_situations
from lapel_fleet.runs.evidence_back_end.exchange import Request, content_of

EXAMPLE = Path(evidence_back_end.__file__)
MUTANTS = EXAMPLE.with_name("evidence_mutants.py")
SITUATIONS = list(EVIDENCE_SITUATIONS.values())


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    return Recordings(7)


@pytest.fixture(scope="module")
def found() -> list[Score]:
    mutants: dict[str, Any] = load_object("mutants", f"{MUTANTS}:MUTANTS")
    original = load_object("mutants", f"{MUTANTS}:ORIGINAL")
    return list(evidence_scores({"(original)": original, **mutants}, SITUATIONS, 7))


class BuiltIn:
    """The built-in back end as the suite sees one."""

    user, key = USER, KEY

    def __init__(self) -> None:
        self._back_end, _ = in_memory()
        self.receipt_keys = [self._back_end.receipt_key]

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any, bytes]:
        answer = self._back_end.answer(Request(method, path, headers, content_of(body)))
        return answer.status, answer.headers, answer.body


def verdicts(back_end: object, recordings: Recordings) -> dict[str, str]:
    outcomes = examine(MemoryEvidence(back_end), SITUATIONS, recordings)
    return {one.id: one.verdict + "".join(str(wrong) for wrong in one.wrong) for one in outcomes}


@pytest.mark.parametrize("maker", [evidence_back_end.EvidenceBackEnd, BuiltIn])
def test_a_back_end_without_a_bug_passes_every_situation(maker: Any, recordings: Recordings) -> None:
    assert set(verdicts(maker(), recordings).values()) == {"passed"}


def test_every_planted_bug_is_caught_and_every_situation_catches_one(found: list[Score]) -> None:
    original, *planted = found
    assert original.caught_by == []
    assert [one.mutant for one in planted if not one.caught_by] == []
    assert len(planted) >= 10
    assert idle_situations(SITUATIONS, planted) == []


def test_what_a_back_end_does_not_say_is_not_applicable(recordings: Recordings) -> None:
    class Silent(evidence_back_end.EvidenceBackEnd):
        def __init__(self) -> None:
            super().__init__()
            self.receipt_keys = []

        def read(self, container: str, name: str) -> Any:
            return 405, {}, b""

        recording = property(lambda self: (_ for _ in ()).throw(AttributeError))  # type: ignore[assignment]

    assert set(verdicts(Silent(), recordings).values()) <= {"passed", "not-applicable"}
    assert verdicts(Silent(), recordings)["recording-arrives"] == "not-applicable"


def test_an_error_of_the_back_end_is_a_failure(recordings: Recordings) -> None:
    class Broken(evidence_back_end.EvidenceBackEnd):
        def put_object(self, *args: Any) -> Any:
            raise KeyError("oops")

    assert "raised KeyError" in verdicts(Broken(), recordings)["recording-arrives"]


def test_a_back_end_that_gives_no_token_cannot_be_examined() -> None:
    class Closed(evidence_back_end.EvidenceBackEnd):
        def log_in(self, headers: Any) -> Any:
            return 401, {}, b"go away"

    with pytest.raises(ConfigError, match="gives no token: 401 go away"):
        EvidenceStage(MemoryEvidence(Closed()), []).log_in()


def test_the_command_examines_lists_and_explains(capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{EXAMPLE}:EvidenceBackEnd"
    assert main(["conformance", "same-short-id", "--evidence", name, "--seed", "3"]) == 0
    assert "1 passed, 0 failed" in capsys.readouterr().out
    assert main(["conformance", "--evidence", name, "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(SITUATIONS)
    assert main(["conformance", "--evidence", "http://127.0.0.1:9/auth/v1.0"]) == 2
    assert "give --evidence-user and --evidence-secret" in capsys.readouterr().err
    assert main(["conformance", "same-short-idd", "--evidence", name]) == 2
    assert "did you mean `same-short-id`" in capsys.readouterr().err


def test_the_command_scores_mutants_of_either_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutants", str(MUTANTS), "ReceiptsAreLost", "AnyTokenWillDo"]) == 0
    assert "2 of 2 caught" in capsys.readouterr().out

"""What an examination finds, what it refuses to judge, and what it says."""

from typing import Any

import pytest

from fleet.control.conformance.back_ends import Naive
from lapel.errors import ConfigError
from lapel_fleet.control.conformance.catalogue import SITUATIONS, chosen
from lapel_fleet.control.conformance.examination import Examiner, Outcome
from lapel_fleet.control.conformance.subject import MemorySubject


def outcomes(back_end: object, *ids: str) -> dict[str, Outcome]:
    return {one.id: one for one in Examiner(MemorySubject(back_end), 7).examine(chosen(ids))}


def test_a_first_version_fails_where_its_bugs_show_and_nowhere_else() -> None:
    failed = {id_ for id_, one in outcomes(Naive()).items() if one.verdict == "failed"}
    assert failed == {
        "late-will", "late-state-of-a-former-session", "repeated-events", "repeated-event-after-many-others",
        "events-repeated-after-a-restart", "swapped-events-of-one-camera", "burst-of-10000-events", "unknown-topics",
        "malformed-messages",
    }  # fmt: skip


def test_a_failure_shows_what_was_believed_what_is_true_and_what_led_there() -> None:
    (one,) = outcomes(Naive(), "late-will").values()
    (belief,) = one.wrong
    assert str(belief) == "late-will/cam-0001: state: believed offline; true is recording"
    assert "last will" in str(one.messages[-1])
    assert str(one.messages[-1]).endswith("<- held back until after the successor's birth")
    assert one.messages[-1].payload.startswith('{"state":"offline"')


def test_a_missing_question_makes_a_situation_not_applicable_and_never_green() -> None:
    found = outcomes(Naive(), "restart", "recording-in-progress", "late-start-of-the-back-end")
    assert {one.verdict for one in found.values()} == {"not-applicable"}
    assert found["restart"].reason == "the probe does not answer: session"
    assert "cannot be stopped and started" in found["late-start-of-the-back-end"].reason


def test_a_wrong_answer_is_a_failure_though_another_question_has_no_answer() -> None:
    class Lost(Naive):
        def events(self, camera: str) -> Any:
            return []

    (one,) = outcomes(Lost(), "restart").values()
    assert one.verdict == "failed"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (7, 'the probe must answer text, such as "recording", not int'),
        (None, "the back end does not know this camera"),
        ({"state": "recording"}, 'the probe must answer text, such as "recording", not dict'),
    ],
)
def test_a_nonsensical_answer_is_a_failure_with_a_clear_message(answer: object, problem: str) -> None:
    class Nonsense(Naive):
        def state(self, camera: str) -> Any:
            return super().state(camera) if camera.startswith("connection") else answer

    (one,) = outcomes(Nonsense(), "camera-comes-online").values()
    assert (one.verdict, one.wrong[0].problem) == ("failed", problem)


def test_events_must_be_a_list_of_texts() -> None:
    class Nonsense(Naive):
        def events(self, camera: str) -> Any:
            return [1, 2]

    (one,) = outcomes(Nonsense(), "repeated-events").values()
    assert one.wrong[0].problem == "the probe must answer a list of event ids, in order, not list"


def test_what_is_wrong_with_events_is_named() -> None:
    class Wrong(Naive):
        def events(self, camera: str) -> Any:
            if not (kept := list(dict.fromkeys(super().events(camera)))):
                return []
            return [kept[-1], kept[0], kept[-1], "foreign-1"]

    (one,) = outcomes(Wrong(), "repeated-events").values()
    problem = one.wrong[0].problem
    assert "1 more than once" in problem
    assert "missing" in problem
    assert "1 not of this camera, first foreign-1" in problem
    assert "stands after a later one" in problem


def test_a_probe_that_raises_is_a_failure_of_the_situation() -> None:
    class Raises(Naive):
        def events(self, camera: str) -> Any:
            if not camera.startswith("connection"):
                raise KeyError(camera)
            return []

    (one,) = outcomes(Raises(), "repeated-events").values()
    assert one.wrong[0].problem == "events('repeated-events/cam-0001') raised KeyError: 'repeated-events/cam-0001'"


def test_a_back_end_that_raises_while_it_receives_fails_and_the_rest_is_examined() -> None:
    found = outcomes(Naive(), "malformed-messages", "commands-and-replies")
    assert "raised JSONDecodeError" in found["malformed-messages"].wrong[0].problem
    assert found["commands-and-replies"].verdict == "passed"


def test_a_back_end_that_shows_nothing_is_one_clear_error() -> None:
    class Deaf(Naive):
        def receive(self, topic: str, payload: bytes, retained: bool) -> None:
            pass

    with pytest.raises(ConfigError, match="not show what is published: a camera connection/zz-witness came online"):
        outcomes(Deaf(), "restart")


def test_an_object_that_is_no_probe_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"object has no method state\(camera\)"):
        MemorySubject(object())


def test_with_a_contract_of_ones_own_the_situations_about_json_are_not_applicable() -> None:
    from examples.foreign_contract import Units

    class Words(Naive):
        def receive(self, topic: str, payload: bytes, retained: bool) -> None:
            _, unit, leaf = topic.split("/")
            site, _, camera = unit.partition(".")
            name = f"{site}/{camera}"
            if leaf == "status" and payload:
                word = payload.decode().split()[0]
                self.states[name] = {"REC": "recording", "READY": "buffering", "OFF": "offline"}.get(word, word)
            if leaf == "log":
                self.kept.setdefault(name, []).append(payload.decode().split()[0])

    examiner = Examiner(MemorySubject(Words()), 7, contract=lambda agency, site, camera: Units(f"{site}.{camera}"))
    found = {one.id: one for one in examiner.examine(SITUATIONS.values())}
    assert found["late-will"].verdict == "failed"
    assert found["power-is-lost"].verdict == "passed"
    assert found["repeated-events"].verdict == "failed"
    assert "JSON of lapel/v1" in found["unknown-fields"].reason

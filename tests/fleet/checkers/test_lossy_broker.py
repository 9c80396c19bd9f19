"""A broker that loses events and replies: checkers that need every one of them are inconclusive, the others are not."""

from dataclasses import replace

import pytest

from fleet.checkers.records import account, case, event, press, state, telemetry
from lapel_fleet.broker.delivery import delivery_loss
from lapel_fleet.checkers.back_end import BACK_END_CHECKERS
from lapel_fleet.checkers.expectations import judge_expectations, parsed
from lapel_fleet.checkers.records import Case
from lapel_fleet.checkers.registry import CHECKERS, NEED_EVERY_MESSAGE, Finding, judge, judge_back_end, overall

AMQTT = delivery_loss("amqtt 0.12.1")


def lossy(one: Case) -> Case:
    return one[0], replace(one[1], delivery_loss=AMQTT)


def found(name: str, one: Case) -> Finding:
    (finding,) = judge([one], {name: CHECKERS[name]})
    return finding


def verdict(name: str, one: Case) -> str:
    return found(name, one).verdict


@pytest.mark.parametrize(
    ("software", "loses"),
    [("amqtt 0.12.1", True), ("aMQTT 0.12.1", True), ("mosquitto 2.0.11", False), ("virtual", False), ("", False)],
)
def test_amqtt_is_known_to_lose_messages(software: str, loses: bool) -> None:
    assert bool(delivery_loss(software)) is loses


def test_the_reason_names_the_broker_and_its_issue() -> None:
    finding = found("saved-recordings-are-announced", lossy(case(accounts=[account()])))
    assert finding.inconclusive == "amqtt loses QoS 1 messages in flight when a client reconnects (its issue 401)"
    assert finding.failures == ["s/c: clip is complete, which was not announced"]


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("events-are-complete-and-in-order", case(event(1), event(3))),
        ("events-are-complete-and-in-order", case(event(1), event(2))),
        ("saved-recordings-are-announced", case(accounts=[account()])),
        ("state-changes-are-reported", case(states=[(1.0, "buffering"), (100.0, "recording")])),
        ("commands-have-one-final-reply", case(commands=["c-1"])),
        ("markers-are-kept", case(markers=[103.0])),
        ("activations-are-recorded-or-refused", case(activations=[press()])),
    ],
)
def test_a_checker_that_needs_every_message_is_inconclusive(name: str, one: Case) -> None:
    assert verdict(name, one) in ("failed", "passed")
    assert verdict(name, lossy(one)) == "inconclusive"


def test_without_an_occasion_it_is_skipped() -> None:
    assert {verdict(name, lossy(case())) for name in NEED_EVERY_MESSAGE & set(CHECKERS)} == {"skipped"}


def test_the_other_checkers_still_prove_something() -> None:
    wrong = lossy(case((50.0, telemetry("fault")), state("buffering"), states=[(0.0, "buffering")], state="buffering"))
    assert verdict("reported-states-are-true", wrong) == "failed"
    assert verdict("no-recording-is-lost", lossy(case(event(1, "recovered", recording="x")))) == "failed"


def test_a_proved_failure_counts_more_than_an_inconclusive_checker() -> None:
    inconclusive = found("events-are-complete-and-in-order", lossy(case(event(1), event(3))))
    failed = found("incomplete-recordings-are-explained", lossy(case(accounts=[account(status="interrupted")])))
    passed = found("incomplete-recordings-are-explained", lossy(case(accounts=[account()])))
    assert overall([passed, inconclusive]) == "inconclusive"
    assert overall([passed, inconclusive, failed]) == "failed"
    assert overall([passed]) == "passed"


def test_an_expected_number_of_events_is_inconclusive_and_a_number_of_recordings_is_not() -> None:
    tables = parsed([{"what": "events", "at_least": 1}, {"what": "recordings", "at_least": 1}], "mine.toml")
    verdicts = [one.verdict for one in judge_expectations([lossy(case())], tables)]
    assert verdicts == ["inconclusive", "failed"]


def test_a_back_end_is_not_blamed_for_a_lost_event() -> None:
    class Empty:
        def state(self, camera: str) -> str:
            return "buffering"

        def events(self, camera: str) -> list[str]:
            return []

    one = lossy(case(event(1), state="recording"))
    verdicts = {finding.checker: finding.verdict for finding in judge_back_end([one], Empty())}
    assert verdicts["back-end-misses-no-event"] == "inconclusive"
    assert verdicts["back-end-shows-the-current-state"] == "failed"


def test_every_name_in_the_list_is_a_checker() -> None:
    assert {*CHECKERS, *BACK_END_CHECKERS} >= NEED_EVERY_MESSAGE

"""The checkers of policy find bugs that are planted as a patch of the firmware, and nothing in the unpatched one."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from lapel import recording_policy
from lapel.link.event_details import DutyCutShort, DutyMissed, EventDetail, Refused
from lapel.policy.decision import Decision, Start, decide
from lapel.policy.profile import Profile
from lapel.recording_policy import RecordingPolicy, Ruling
from lapel.reporter import Reporter
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs import virtual
from lapel_fleet.runs.chaos import with_chaos
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Scenario

Patch = pytest.MonkeyPatch
DAY = replace(load("policy-day"), sites={"baltimore": 8}, policy="federal-2024", expect=[])
COURT = replace(DAY, policy="court-order-example")
SEEDS = range(1, 4)


def a_rule_is_ignored(patch: Patch) -> None:
    def forgetful(profile: Profile, start: Start) -> Decision:
        found = decide(profile, start)
        return replace_answer(found, "allow") if found.rule == "first-amendment-not-remote" else found

    patch.setattr(recording_policy, "decide", forgetful)


def replace_answer(one: Decision, answer: Any) -> Decision:
    return Decision(answer, one.rule, one.reason, one.duties)


def a_refusal_has_no_rule(patch: Patch) -> None:
    reported_with(patch, lambda one: msgspec.structs.replace(one, rule="") if isinstance(one, Refused) else one)


def a_refusal_is_not_reported(patch: Patch) -> None:
    reported_with(patch, lambda one: None if isinstance(one, Refused) else one)


def an_attestation_is_skipped(patch: Patch) -> None:
    ask = RecordingPolicy._ask

    def never_ask(self: RecordingPolicy, request: Any, source: Any, decision: Decision, at: Any) -> Any:
        return ("allow", None) if request == "start" and decision.answer == "ask" else ask(
            self, request, source, decision, at
        )  # fmt: skip

    patch.setattr(RecordingPolicy, "_ask", never_ask)


def a_missed_duty_is_not_reported(patch: Patch) -> None:
    reported_with(patch, lambda one: None if isinstance(one, DutyMissed) else one)


def an_early_stop_is_not_reported(patch: Patch) -> None:
    reported_with(patch, lambda one: None if isinstance(one, DutyCutShort) else one)


def the_account_has_the_decision_before(patch: Patch) -> None:
    """Of the start that was asked for before this one."""
    decide_start = RecordingPolicy.decide_start
    before: dict[int, Ruling] = {}

    def late(self: RecordingPolicy, *args: Any, **more: Any) -> Ruling:
        ruling = decide_start(self, *args, **more)
        note = before.get(id(self), ruling).note
        before[id(self)] = ruling
        return Ruling(ruling.answer, ruling.rule, ruling.reason, note)

    patch.setattr(RecordingPolicy, "decide_start", late)


def reported_with(patch: Patch, change: Callable[[EventDetail], EventDetail | None]) -> None:
    emit = Reporter.emit

    def emit_changed(self: Reporter, detail: EventDetail) -> None:
        if (changed := change(detail)) is not None:
            emit(self, changed)

    patch.setattr(Reporter, "emit", emit_changed)


PLANTED: list[tuple[Callable[[Patch], None], str]] = [
    (a_rule_is_ignored, "policy-rules-are-followed"),
    (a_refusal_has_no_rule, "policy-refusals-are-explained"),
    (a_refusal_is_not_reported, "policy-refusals-are-explained"),
    (an_attestation_is_skipped, "policy-attestations-are-not-skipped"),
    (a_missed_duty_is_not_reported, "missed-duties-are-reported"),
    (an_early_stop_is_not_reported, "early-stops-are-reported"),
    (the_account_has_the_decision_before, "policy-decisions-are-in-the-accounts"),
]


@pytest.mark.parametrize("scenario", [DAY, COURT], ids=lambda one: one.policy)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_unpatched_firmware_passes(scenario: Scenario, seed: int) -> None:
    assert failures(scenario, seed) == {}


@pytest.mark.parametrize("seed", range(1, 9))
def test_faults_raise_no_false_alarm(seed: int) -> None:
    assert failures(with_chaos(DAY, seed), seed) == {}


def test_every_checker_of_policy_has_occasions() -> None:
    found = {one.checker: one.occasions for one in judge(virtual.run(DAY, 1).cases)}
    assert all(found[checker] for _, checker in PLANTED)


@pytest.mark.parametrize(("plant", "checker"), PLANTED, ids=[one[0].__name__ for one in PLANTED])
def test_each_planted_bug_is_found(plant: Callable[[Patch], None], checker: str, monkeypatch: Patch) -> None:
    plant(monkeypatch)
    assert any(checker in failures(DAY, seed) for seed in SEEDS)


def failures(scenario: Scenario, seed: int) -> dict[str, list[str]]:
    findings = judge(virtual.run(scenario, seed).cases)
    return {one.checker: one.failures for one in findings if one.failures}

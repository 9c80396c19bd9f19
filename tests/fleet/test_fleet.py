"""A fleet in virtual time: what it is, that it repeats itself, and that its checkers catch planted bugs."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lapel.camera import Camera
from lapel.link import session as session_module
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.media.clip import Clip
from lapel.media.recorder import Saved
from lapel.reporter import Reporter
from lapel_fleet.checkers.fleet import judge, judge_back_end
from lapel_fleet.checkers.ledger import Heard
from lapel_fleet.run import Run
from lapel_fleet.scenario import Scenario, load
from lapel_fleet.virtual import run

SMOKE, STORM, BAD_DAY = load("smoke"), load("broker-storm"), load("bad-day")
SMALL_STORM = msgspec.structs.replace(STORM, sites={"baltimore": 12})


def failed(done: Run) -> set[str]:
    return {finding.checker for finding in judge(done.cases) if finding.failures}


def test_all_is_well_and_every_checker_had_occasions() -> None:
    done = run(BAD_DAY, 1)
    findings = judge(done.cases)
    assert {finding.checker: finding.failures for finding in findings if finding.verdict != "passed"} == {}


@pytest.mark.parametrize("seed", range(2, 6))
def test_a_bad_day_stays_green_on_other_seeds(seed: int) -> None:
    assert failed(run(BAD_DAY, seed)) == set()


def test_a_checker_without_an_occasion_says_so() -> None:
    quiet = msgspec.structs.replace(SMOKE, wearer=msgspec.structs.replace(SMOKE.wearer, activations_per_hour=0))
    verdicts = {finding.checker: finding.verdict for finding in judge(run(quiet, 1).cases)}
    assert verdicts["late-commands-are-refused"] == "skipped"
    assert verdicts["the-retained-state-is-true"] == "passed"


def test_a_seed_repeats_itself_and_another_does_not() -> None:
    assert run(SMALL_STORM, 1).trace_sha256 == run(SMALL_STORM, 1).trace_sha256
    assert run(SMALL_STORM, 1).trace_sha256 != run(SMALL_STORM, 2).trace_sha256


def test_a_camera_more_in_one_city_changes_nothing_in_another() -> None:
    """But for the operator, who draws whom to ask from all."""
    alone = msgspec.structs.replace(SMOKE, operator=msgspec.structs.replace(SMOKE.operator, commands_per_hour=0))
    larger = msgspec.structs.replace(alone, sites={**SMOKE.sites, "baltimore": 9})

    def in_buffalo(scenario: Scenario) -> list[Any]:
        cases = run(scenario, 1).cases
        return [(truth.accounts, heard.events) for truth, heard in cases if truth.camera.startswith("buffalo/")]

    assert in_buffalo(alone) == in_buffalo(larger)


def test_it_is_the_real_camera_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    lives = 0
    original = Camera.run

    async def counted(self: Camera) -> None:
        nonlocal lives
        lives += 1
        await original(self)

    monkeypatch.setattr(Camera, "run", counted)
    run(SMOKE, 1)
    assert lives == len(SMOKE.cameras)


# -- planted bugs: each as a patch of the firmware, each to be caught --------------------------------------------------


def events_sent_before_the_wire_has_them(patch: pytest.MonkeyPatch) -> None:
    async def send(self: Session, connection: Any, one: Any) -> None:
        self._outbox.done(one)
        await connection.publish(self._contract.encode(one.message))

    patch.setattr(Session, "_send_waiting", send)


def the_newest_event_goes_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outbox, "first_event", lambda self: self._events[-1] if self._events else None)
    patch.setattr(Outbox, "done", lambda self, one: (self._lane(one).remove(one), self._forget(one)))


def one_id_for_two_events(patch: pytest.MonkeyPatch) -> None:
    original = Reporter.emit

    def emit(self: Reporter, kind: Any, **detail: Any) -> None:
        self._events -= self._events % 2
        original(self, kind, **detail)

    patch.setattr(Reporter, "emit", emit)


def a_stop_changes_no_state(patch: pytest.MonkeyPatch) -> None:
    original = Camera._publish_state

    def publish(self: Camera) -> None:
        if self._reporter.wire_state != "buffering":
            original(self)

    patch.setattr(Camera, "_publish_state", publish)


def nobody_says_what_was_saved(patch: pytest.MonkeyPatch) -> None:
    original = Camera._notice
    patch.setattr(Camera, "_notice", lambda self, notice: None if isinstance(notice, Saved) else original(self, notice))


def half_of_the_pre_event_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    original = Clip.told

    def told(self: Clip) -> Any:
        account = original(self)
        return msgspec.structs.replace(account, prebuffer_actual_s=account.prebuffer_actual_s / 2)

    patch.setattr(Clip, "told", told)


def repeated_commands_are_carried_out_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outbox, "answer", lambda self, command_id: None)


def expired_commands_are_carried_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(session_module, "objection", lambda *args, **keys: None)


def refusals_leave_no_trace(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Camera, "_refuse", lambda self, happening, reason: None)


def the_birth_is_left_out_after_a_reconnect(patch: pytest.MonkeyPatch) -> None:
    original = Session._send

    async def send(self: Session, connection: Any, message: Any) -> None:
        if not (self._had_name and not self._connected):
            await original(self, connection, message)

    patch.setattr(Session, "_send", send)


PLANTED: list[tuple[Callable[[pytest.MonkeyPatch], None], Scenario, str]] = [
    (events_sent_before_the_wire_has_them, BAD_DAY, "events-come-once-and-in-order"),
    (the_newest_event_goes_first, SMALL_STORM, "events-come-once-and-in-order"),
    (one_id_for_two_events, SMOKE, "events-come-once-and-in-order"),
    (a_stop_changes_no_state, SMOKE, "the-retained-state-is-true"),
    (nobody_says_what_was_saved, SMOKE, "saved-is-said"),
    (half_of_the_pre_event_is_forgotten, SMOKE, "pre-event-is-there-or-explained"),
    (repeated_commands_are_carried_out_again, BAD_DAY, "commands-have-one-end"),
    (expired_commands_are_carried_out, BAD_DAY, "late-commands-are-refused"),
    (refusals_leave_no_trace, BAD_DAY, "commands-have-one-end"),
    (the_birth_is_left_out_after_a_reconnect, BAD_DAY, "the-retained-state-is-true"),
]
SEEDS = range(1, 6)


@pytest.mark.parametrize(("plant", "scenario", "checker"), PLANTED, ids=[one[0].__name__ for one in PLANTED])
def test_each_planted_bug_is_caught(
    plant: Callable[[pytest.MonkeyPatch], None], scenario: Scenario, checker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert any(checker in failed(run(scenario, seed)) for seed in SEEDS)


def test_a_planted_bug_changes_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    before = run(SMOKE, 1).trace_sha256
    nobody_says_what_was_saved(monkeypatch)
    assert run(SMOKE, 1).trace_sha256 != before


# -- a back end of somebody's own --------------------------------------------------------------------------------------


class Believer:
    """A back end made of what was heard, with a bug where one is asked for."""

    def __init__(self, heard: dict[str, Heard], bug: str = "") -> None:
        self._heard, self._bug = heard, bug

    def state(self, camera: str) -> str:
        states = self._heard[camera].states
        if self._bug == "one state behind":
            return states[-2].state
        if self._bug == "every will is believed" and any(one.time is None for one in states):
            return "offline"
        return states[-1].state

    def events(self, camera: str) -> list[str]:
        ids = [event.id for event in self._heard[camera].events]
        if self._bug == "counts repeats":
            return [*ids, ids[-1]]
        once = list(dict.fromkeys(ids))
        if self._bug == "keeps the newest only":
            return once[-5:]
        return once[::-1] if self._bug == "puts the newest first" else once


BUGS = [
    "one state behind",
    "every will is believed",
    "counts repeats",
    "keeps the newest only",
    "puts the newest first",
]


@pytest.mark.parametrize("bug", ["", *BUGS])
def test_a_back_end_is_judged_against_the_truth(bug: str) -> None:
    done = run(BAD_DAY, 1)
    probe = Believer({truth.camera: heard for truth, heard in done.cases}, bug)
    found = {finding.checker for finding in judge_back_end(done.cases, probe) if finding.failures}
    assert bool(found) == bool(bug)

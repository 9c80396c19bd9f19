"""The verdicts on a fleet: each checker counts its occasions. One that saw none says *skipped*, never *passed*."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from lapel.link.messages import EventMessage
from lapel_fleet.checkers.ledger import BackEndProbe, Heard, Truth

_TOLERANCE_S = 0.1
_REFUSALS = ("refused", "command-rejected", "recording-failed")
Case = tuple[Truth, Heard]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one checker found."""

    checker: str
    occasions: int
    failures: list[str]

    @property
    def verdict(self) -> Literal["passed", "failed", "skipped"]:
        """In a word."""
        if self.failures:
            return "failed"
        return "passed" if self.occasions else "skipped"


Checker = Callable[[Case], Iterator[str | None]]
"""Yields once for each occasion: None when all is well, else what is wrong."""


def judge(cases: Iterable[Case], checkers: dict[str, Checker] | None = None) -> list[Finding]:
    """Every checker's finding over all cameras, each failure with its camera."""
    cases = list(cases)
    findings = []
    for name, checker in (checkers or CHECKERS).items():
        results = [(case[0].camera, result) for case in cases for result in checker(case)]
        failures = [f"{camera}: {result}" for camera, result in results if result is not None]
        findings.append(Finding(name, len(results), failures))
    return findings


def judge_back_end(cases: Iterable[Case], probe: BackEndProbe) -> list[Finding]:
    """The same for a back end of somebody's own: whether it believes what is true, and has every event once."""
    states, events = [], []
    for truth, heard in cases:
        believed = probe.state(truth.camera)
        true = truth.state if truth.state != "off" else "offline"
        states.append(None if believed == true else f"{truth.camera}: believes {believed}, it is {true}")
        kept, sent = probe.events(truth.camera), [event.id for event in first_hearings(heard)]
        counts, known = Counter(kept), set(sent)
        events += [None if counts[id_] == 1 else f"{truth.camera}: has event {id_} {counts[id_]} times" for id_ in sent]
        if [id_ for id_ in kept if id_ in known] != sent:
            events.append(f"{truth.camera}: has its events in another order")
    return [
        Finding("back-end-state", len(states), [one for one in states if one]),
        Finding("back-end-events", len(events), [one for one in events if one]),
    ]


def activations_are_answered(case: Case) -> Iterator[str | None]:
    """Each is a recording, or a refusal or failure on record."""
    truth, heard = case
    triggers = {account.trigger_time for account in truth.accounts}
    commands = {account.start.command for account in truth.accounts}
    refusals_s = [event.mono_s for event in heard.events if event.kind in _REFUSALS]
    for one in truth.activations:
        recorded = one.command in commands if one.command else one.utc in triggers
        said_no = any(abs(time_s - one.at_s) < _TOLERANCE_S for time_s in refusals_s)
        yield None if recorded or said_no else f"activation at {one.at_s:.1f} s is neither recorded nor refused"


def recordings_end_well(case: Case) -> Iterator[str | None]:
    """Complete; interrupted only where power was cut or the card took nothing, failed only with a reason."""
    truth, _ = case
    interrupted = sum(account.status == "interrupted" for account in truth.accounts)
    if interrupted > truth.power_cuts + truth.card_faults:
        yield f"{interrupted} are interrupted; {truth.power_cuts} power cuts, {truth.card_faults} card faults"
    for account in truth.accounts:
        unexplained = account.status == "failed" and not (account.stop and account.stop.reason)
        bad = account.status == "recording" or unexplained
        yield f"{account.recording} is {account.status}" if bad else None


def pre_event_is_there_or_explained(case: Case) -> Iterator[str | None]:
    """Each recording holds what was asked from before the press, or says why not."""
    for account in case[0].accounts:
        missing_s = account.prebuffer_configured_s - account.prebuffer_actual_s
        short = missing_s > _TOLERANCE_S and not account.prebuffer_shortfall and account.status != "failed"
        yield f"{account.recording}: {missing_s:.1f} s are missing without a reason" if short else None


def recordings_hold_all_their_time(case: Case) -> Iterator[str | None]:
    """From the first picture to the stop nothing is missing but what is told as a gap."""
    for account in case[0].accounts:
        if account.status != "complete":
            continue
        pictures_s = account.frames / 30
        gaps_s = sum(gap.duration_s for gap in account.gaps)
        missing_s = account.duration_s - gaps_s - pictures_s
        wrong = abs(missing_s) > _TOLERANCE_S + 0.02 * len(account.gaps) + account.fragments / 30
        yield f"{account.recording}: {missing_s:.2f} s neither seen nor told" if wrong else None


def no_two_recordings_at_once(case: Case) -> Iterator[str | None]:
    """A camera records one thing at a time."""
    if case[0].clock_steps:
        return  # the accounts tell their times by the wall clock
    whole = [one for one in case[0].accounts if one.status == "complete" and one.end_time and not one.continues]
    for earlier, later in pairwise(whole):
        ended = datetime.fromisoformat(earlier.end_time or "") - timedelta(seconds=_TOLERANCE_S)
        overlap = datetime.fromisoformat(later.trigger_time) < ended
        yield f"{later.recording} began while {earlier.recording} went on" if overlap else None


def saved_is_said(case: Case) -> Iterator[str | None]:
    """Each complete recording was announced, and with its true length."""
    truth, heard = case
    said = {event.detail["recording"]: event for event in heard.events if event.kind == "recording-saved"}
    for account in truth.accounts:
        if account.status == "complete":
            event = said.get(account.recording)
            if event is None:
                yield f"{account.recording} is complete, which was never said"
            else:
                length_s = event.detail["duration_s"]
                yield None if length_s == account.duration_s else f"{account.recording}: {length_s} s were said"


def events_come_once_and_in_order(case: Case) -> Iterator[str | None]:
    """None is missing between the first and the last of a session, none overtakes, a repeat is the same."""
    by_id: dict[str, EventMessage] = {}
    for event in case[1].events:
        if event.id in by_id and by_id[event.id] != event:
            yield f"event {event.id} came twice and differs"
        by_id.setdefault(event.id, event)
    sessions: dict[str, list[int]] = {}
    for event in first_hearings(case[1]):
        sessions.setdefault(event.session, []).append(int(event.id.rsplit("-", 1)[1]))
    for session, numbers in sessions.items():
        missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
        if missing:
            yield f"session {session}: events {missing[:5]} never came"
        yield None if numbers == sorted(numbers) else f"session {session}: events overtook each other"


def the_retained_state_is_true(case: Case) -> Iterator[str | None]:
    """What a back end that asks now is told is what the camera does."""
    truth, heard = case
    if heard.state is None:
        yield "was never heard of"
        return
    true = truth.state if truth.state != "off" else "offline"
    agree = heard.state.state == true and (true == "offline" or heard.state.session == truth.session)
    yield None if agree else f"is shown {heard.state.state} ({heard.state.session}), is {true} ({truth.session})"


def states_name_real_recordings(case: Case) -> Iterator[str | None]:
    """A state that says *recording* says which, and there is such a recording."""
    real = {account.recording for account in case[0].accounts}
    for state in case[1].states:
        if state.state == "recording":
            yield None if state.recording in real else f"a state names the recording {state.recording}, there is none"


def commands_have_one_end(case: Case) -> Iterator[str | None]:
    """Each that reached the camera has one end; a repeat of it says the same."""
    truth, heard = case
    for id_ in truth.commands:
        ends = {reply.result for reply in heard.replies if reply.id == id_} - {"accepted", "progress"}
        yield None if len(ends) == 1 else f"command {id_} has {len(ends)} ends: {sorted(ends)}"


def late_commands_are_refused(case: Case) -> Iterator[str | None]:
    """What came too late is never carried out."""
    truth, heard = case
    for id_ in truth.expired:
        ends = {reply.result for reply in heard.replies if reply.id == id_}
        yield None if ends <= {"refused"} else f"command {id_} had expired and was {', '.join(sorted(ends))}"


CHECKERS: dict[str, Checker] = {
    "activations-are-answered": activations_are_answered,
    "recordings-end-well": recordings_end_well,
    "pre-event-is-there-or-explained": pre_event_is_there_or_explained,
    "recordings-hold-all-their-time": recordings_hold_all_their_time,
    "no-two-recordings-at-once": no_two_recordings_at_once,
    "saved-is-said": saved_is_said,
    "events-come-once-and-in-order": events_come_once_and_in_order,
    "the-retained-state-is-true": the_retained_state_is_true,
    "states-name-real-recordings": states_name_real_recordings,
    "commands-have-one-end": commands_have_one_end,
    "late-commands-are-refused": late_commands_are_refused,
}


def first_hearings(heard: Heard) -> list[EventMessage]:
    """Each event once, in the order of its first coming."""
    first: dict[str, EventMessage] = {}
    for event in heard.events:
        first.setdefault(event.id, event)
    return list(first.values())

"""Checkers of the agency's policy: each decision is worked out again from what was declared, and compared.

They judge no moment at which it is open what was declared: shortly before or after a change of it, around a restart,
and on a camera whose wall clock was stepped, which ends its declarations.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from lapel.clock import time_zone_of
from lapel.policy.decision import Decision, Start, decide, duties_of
from lapel.policy.profile import ACTIVITIES, CONTEXTS, SOURCES, Context, Declarable, Duty, StartState
from lapel.recording import Account
from lapel_fleet.checkers.recordings import activations_with_clips
from lapel_fleet.checkers.records import Activation, ActualRecord, Case, Declared, events_of

_OPEN_S = 1.0
"""So shortly before or after a change it is open which came first; in real time, more."""
_LOW_PERCENT = 15.0
"""With less charge the state chart may refuse a start before any rule is asked."""


class _Judged(NamedTuple):
    """A recording that was asked for, and what the rules say about it."""

    activation: Activation
    account: Account
    start: Start
    decision: Decision


def rules_are_followed(case: Case) -> Iterator[str | None]:
    """No recording starts that a rule of the policy refuses."""
    for one in _judged(case[0]):
        is_wrong = one.decision.answer == "refuse"
        yield (
            f"{one.account.recording}: started by {one.start.source}, against {one.decision.rule}" if is_wrong else None
        )


def attestations_are_not_skipped(case: Case) -> Iterator[str | None]:
    """Where a rule asks the wearer to attest, a recording starts with the second press only; its account says so. In
    stealth the wearer is not asked, and the account says that.
    """
    for one in _judged(case[0]):
        if one.decision.answer == "ask":
            note = one.account.decision
            is_attested = one.activation.attests and note is not None and note.attested_after_s is not None
            is_attested |= note is not None and bool(note.unattested)
            yield None if is_attested else f"{one.account.recording}: started without what {one.decision.rule} asks for"


def accounts_have_the_decision(case: Case) -> Iterator[str | None]:
    """Each account has the decision of its moment: profile, source, what was declared, rule and its sentence."""
    profile = case[0].policy
    for one in _judged(case[0]):
        note = one.account.decision
        if note is None or profile is None:
            yield f"{one.account.recording}: has no decision"
            continue
        found = (note.profile, note.source, set(note.contexts), set(note.activities), note.rule, note.reason)
        right = (
            profile.name, one.start.source, set(one.start.contexts), set(one.start.activities), one.decision.rule,
            one.decision.reason,
        )  # fmt: skip
        yield None if found == right else f"{one.account.recording}: its decision is {found}, {right} is right"


def refusals_are_explained(case: Case) -> Iterator[str | None]:
    """A start that a rule refuses is reported with the rule's id and sentence, and is in the audit log."""
    actual, _ = case
    if actual.card_faults or any(sample.left < _LOW_PERCENT for sample in actual.battery):
        return
    recorded = {activation for activation, _ in activations_with_clips(actual)}
    for activation in actual.activations:
        start = None if activation in recorded else _start(actual, activation, None)
        decision = decide(actual.policy, start) if actual.policy is not None and start is not None else None
        if decision is not None and decision.answer == "refuse":
            right = decision.rule, decision.reason
            for where, records in (("reported", _reported(case)), ("in the audit log", _audited(actual))):
                near = [
                    detail
                    for at_s, kind, detail in records
                    if kind == "refused" and abs(at_s - activation.at_s) <= _open_s(actual)
                ]
                is_explained = any((one.get("rule"), one["reason"]) == right for one in near)
                text = f"the start at {activation.at_s:.1f} s is refused by {decision.rule}, which is not {where}"
                yield None if is_explained else text


def missed_duties_are_reported(case: Case) -> Iterator[str | None]:
    """Each duty for which no recording started in time is reported once and in the audit log, and no other."""
    actual, _ = case
    for where, records in (("reported", _reported(case)), ("in the audit log", _audited(actual))):
        if actual.card_faults and where != "reported":
            return
        found = [
            (at_s, str(detail["rule"]), str(detail["activity"]))
            for at_s, kind, detail in records
            if kind == "duty-missed"
        ]
        for declared, duty in _duties(actual):
            due_s = declared.at_s + duty.start_within_s
            mine = [
                one for one in found if abs(one[0] - due_s) <= _open_s(actual) and one[1:] == (duty.id, declared.what)
            ]
            is_missed = _is_missed(actual, declared, due_s)
            if is_missed is not None:
                right = len(mine) == is_missed
                text = f"{duty.id}, due at {due_s:.1f} s, is {where} as missed {len(mine)} times, not {is_missed:d}"
                yield None if right else text


def early_stops_are_reported(case: Case) -> Iterator[str | None]:
    """Each recording that ends while a duty is not over is reported against it, and is audited; no other is."""
    actual, _ = case
    if actual.policy is None or not actual.policy.rules:
        return
    for where, records in (("reported", _reported(case)), ("in the audit log", _audited(actual))):
        if actual.card_faults and where != "reported":
            return
        found = [(at_s, str(detail["rule"])) for at_s, kind, detail in records if kind == "duty-cut-short"]
        for end_s, after in _ends(actual):
            declared = _declared_at(actual, end_s)
            if declared is None or after not in ("buffering", "standby"):
                continue
            duties = {one.id for one in duties_of(actual.policy, declared, _day(actual, end_s))}
            mine = {rule for at_s, rule in found if abs(at_s - end_s) <= _open_s(actual)}
            text = f"the stop at {end_s:.1f} s is {where} against {sorted(mine)}, {sorted(duties)} is right"
            yield None if mine == duties else text


def _judged(actual: ActualRecord) -> Iterator[_Judged]:
    profile = actual.policy
    if profile is None or not (profile.rules or actual.declared):
        return
    for activation, clips in activations_with_clips(actual):
        start = _start(actual, activation, clips[0])
        if start is not None:
            yield _Judged(activation, clips[0], start, decide(profile, start))


def _start(actual: ActualRecord, one: Activation, account: Account | None) -> Start | None:
    """What was asked for; None where it is open. A zone counts where the account says that the camera was in it."""
    declared, state = _declared_at(actual, one.at_s), _state_at(actual, one.at_s)
    if declared is None or state is None or actual.policy is None:
        return None
    if account is None and actual.policy.zones:
        return None
    zones = account.decision.zones if account is not None and account.decision is not None else []
    contexts: list[Context] = [what for what in CONTEXTS if what in declared]
    contexts += [zone.context for zone in actual.policy.zones if zone.id in zones]
    asked_by = "command" if one.command else one.trigger or "wearer"
    source = next(known for known in SOURCES if known == asked_by)
    return Start(source, state, contexts, [what for what in ACTIVITIES if what in declared], _day(actual, one.at_s))


def _declared_at(actual: ActualRecord, at_s: float) -> set[Declarable] | None:
    """What was declared at that moment; None where it is open."""
    if actual.clock_steps:
        return None
    newest: dict[Declarable, Declared] = {}
    for one in actual.declared:
        if abs(one.at_s - at_s) <= _open_s(actual) or _is_off_near(actual, one.at_s):
            return None
        if one.at_s < at_s:
            newest[one.what] = one
    if any(abs(one.until_s - at_s) <= _open_s(actual) for one in newest.values()):
        return None
    return {one.what for one in newest.values() if at_s < one.until_s}


def _state_at(actual: ActualRecord, at_s: float) -> StartState | None:
    """The state in which a start was asked for; None where there is another, or it is open."""
    match sorted(actual.states_between(at_s - _open_s(actual), at_s) - {"recording"}):
        case ["buffering"]:
            return "buffering"
        case ["standby"]:
            return "standby"
    return None


def _duties(actual: ActualRecord) -> Iterator[tuple[Declared, Duty]]:
    if actual.policy is not None and actual.policy.rules:
        for declared in actual.declared:
            for duty in duties_of(actual.policy, [declared.what], _day(actual, declared.at_s)):
                yield declared, duty


def _is_missed(actual: ActualRecord, one: Declared, due_s: float) -> bool | None:
    """Whether no recording started by then; None where it is open."""
    open_s = _open_s(actual)
    again = any(
        other is not one and other.what == one.what and one.at_s <= other.at_s <= due_s for other in actual.declared
    )
    ends_s = actual.battery[-1].at_s if actual.battery else float("inf")
    if again or actual.clock_steps or abs(one.until_s - due_s) <= open_s or ends_s < due_s + open_s:
        return None
    if not actual.states_between(one.at_s - open_s, due_s + open_s) <= {"buffering", "standby", "recording"}:
        return None
    within = "recording" in actual.states_between(one.at_s, due_s)
    if within != ("recording" in actual.states_between(one.at_s + open_s, due_s - open_s)):
        return None
    return one.until_s > due_s and not within


def _ends(actual: ActualRecord) -> Iterator[tuple[float, str]]:
    """When each recording ended, and the state after it."""
    for (_, before), (at_s, after) in pairwise(actual.states):
        if before == "recording":
            yield at_s, after


def _is_off_near(actual: ActualRecord, at_s: float) -> bool:
    """Whether the camera lost what reached it then, or might have."""
    return bool(actual.states_between(at_s - _open_s(actual), at_s + _open_s(actual)) & {"off", "booting"})


def _open_s(actual: ActualRecord) -> float:
    return _OPEN_S + 4 * actual.precision_s


def _day(actual: ActualRecord, at_s: float) -> date:
    """The day at that moment, in the camera's time zone."""
    entry = min(actual.audit, key=lambda one: abs(one.mono_s - at_s), default=None)
    zone = next((account.time_zone for account in actual.accounts if account.time_zone), "")
    known = datetime.fromisoformat(entry.utc) if entry is not None else datetime(2026, 1, 1)
    return known.astimezone(time_zone_of(zone)).date() if entry is not None and zone else known.date()


_Record = tuple[float, str, Mapping[str, object]]


def _reported(case: Case) -> list[_Record]:
    return [(event.mono_s, event.kind, event.detail) for event in events_of(case)]


def _audited(actual: ActualRecord) -> list[_Record]:
    return [(entry.mono_s, entry.event, entry.detail) for entry in actual.audit]

"""Checkers of evidence: manifests are whole; the audit log accounts for every recording and every second."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from lapel.audit_entry import DELETIONS, AuditEntry
from lapel.evidence.audit_reader import Logged
from lapel.evidence.ledger import Ledger, Reason, Span, ledger_of
from lapel.recording import Account
from lapel_fleet.checkers.records import ActualRecord, Case

_ENDINGS = {"complete": "close", "failed": "close", "interrupted": "recovered", "recording": ""}
"""Kind of a manifest's last record, by the status of its clip."""
_BEGUN = ("recording-started", "recording-saved", "recording-failed", "recovered")
_STATES: dict[Reason, set[str]] = {
    "recorded": {"recording"},
    "buffering": {"buffering"},
    "asleep": {"standby"},
    "docked": {"docked"},
    "starting": {"off", "booting"},
    "fault": {"fault"},
    "off-by-button": {"off"},
    "off-by-battery": {"off"},
    "off": {"off"},
}
"""What a camera's lights show, by the reason in its ledger."""
_SETTLED_S = 2.0
"""So long after a change the lights may show the state before: a recording is shown once it is on the card."""
_SILENT_INTERVALS = 8
"""Telemetry intervals without an entry of a camera that runs: those between two heartbeats, and one more."""
_ROUNDING_S = 0.1
_CONTIGUOUS = timedelta(milliseconds=1)


def manifests_are_intact(case: Case) -> Iterator[str | None]:
    """The records of a clip's manifest are signed, follow each other, and describe what the last one counts, which fits
    the clip's status.
    """
    actual, _ = case
    status = {account.recording: account.status for account in actual.accounts}
    for one in actual.manifests:
        ending = _ENDINGS.get(status.get(one.recording, ""), "")
        if one.problem:
            yield f"{one.recording}: its manifest is not intact: {one.problem}"
        elif one.ending != ending:
            yield f"{one.recording}: the last record is {one.ending or 'missing'}, expected: {ending or 'none'}"
        else:
            wrong = bool(ending) and one.counted != one.described
            yield f"{one.recording}: {one.described} fragments are described, {one.counted} counted" if wrong else None


def recordings_are_in_the_audit_log(case: Case) -> Iterator[str | None]:
    """The audit log has an entry of every recording that holds frames, unless its camera lost power or its card failed
    before it could write one.
    """
    actual, _ = case
    if not actual.audit:
        return
    named = _named(actual.audit, _BEGUN)
    for account in actual.accounts:
        if account.frames and account.status != "recording" and not _may_be_untold(actual, account):
            is_named = account.recording in named
            yield None if is_named else f"{account.recording}: no entry of the audit log names it"


def deletions_are_in_the_audit_log(case: Case) -> Iterator[str | None]:
    """A recording that the audit log names is on the card, or an entry says that it was deleted."""
    actual, _ = case
    present = {account.recording for account in actual.accounts}
    deleted = _named(actual.audit, DELETIONS)
    for recording in _named(actual.audit, _BEGUN[:2]):
        is_explained = recording in present or recording in deleted
        yield None if is_explained else f"{recording}: was recorded, is gone, and no entry says that it was deleted"


def every_second_is_accounted_for(case: Case) -> Iterator[str | None]:
    """The ledger by a camera's audit log has one reason for each second between its first and its last entry, and no
    second has two.
    """
    actual, _ = case
    if not actual.audit:
        return
    spans = _ledger(actual).spans
    for before, after in pairwise(spans):
        is_whole = abs(after.start - before.end) < _CONTIGUOUS
        yield None if is_whole else f"{before.end:%H:%M:%S} to {after.start:%H:%M:%S}: is missing, or counted twice"
    if not actual.clock_steps:  # between two runs of the firmware only the wall clock shows how much time has passed
        passed_s, counted_s = actual.audit[-1].mono_s - actual.audit[0].mono_s, sum(span.seconds for span in spans)
        is_whole = abs(counted_s - passed_s) <= _ROUNDING_S
        yield None if is_whole else f"the ledger accounts for {counted_s:.1f} s, {passed_s:.1f} s have passed"


def the_ledger_is_true(case: Case) -> Iterator[str | None]:
    """The ledger's reason agrees with what the camera's lights showed. It is *unknown* only around a loss of power."""
    actual, _ = case
    if not actual.audit or actual.clock_steps:
        return  # the lights are known by the time of the run, which a set clock does not show
    ledger, first = _ledger(actual), actual.audit[0]
    for (from_s, state), (to_s, _) in pairwise(actual.states):
        at_s = (from_s + to_s) / 2
        if to_s - from_s > 2 * (_SETTLED_S + actual.precision_s) and at_s > first.mono_s:
            span = _span_at(ledger, _utc(first, at_s))
            yield _contradiction(actual, span, state, at_s) if span is not None else None


def _contradiction(actual: ActualRecord, span: Span, state: str, at_s: float) -> str | None:
    """How a span contradicts the state that the camera was in at the time `at_s`; None when it does not."""
    if span.reason == "unknown":
        return _groundless(actual, span)
    true = {state}
    if state == "buffering" and actual.without_frames_s(at_s - span.seconds, at_s):
        true.add("recording")  # shown once it has a frame
    if true & _STATES.get(span.reason, set()):
        return None
    return f"at {at_s:.1f} s the ledger says {span.reason} ({span.detail}), the camera was {state}"


def _groundless(actual: ActualRecord, span: Span) -> str | None:
    """A camera that ran has logged what it did, except since its last entry before a loss of power."""
    first = actual.audit[0]
    from_s, to_s = ((one - _utc(first, 0.0)).total_seconds() for one in (span.start, span.end))
    silent_s = math.inf if actual.card_faults else _SILENT_INTERVALS * max(60.0, actual.telemetry_s)
    until_s = min(from_s + silent_s, to_s + _ROUNDING_S)  # the ledger has wall-clock times, the lights monotonic ones
    is_explained = "off" in actual.states_between(from_s - _SETTLED_S, until_s)
    return None if is_explained else f"{from_s:.1f} to {to_s:.1f} s: the ledger says unknown, the camera had power"


def _ledger(actual: ActualRecord) -> Ledger:
    if actual.ledger is None:
        actual.ledger = ledger_of([Logged(entry) for entry in actual.audit])
    return actual.ledger


def _span_at(ledger: Ledger, at: datetime) -> Span | None:
    return next((span for span in ledger.spans if span.start <= at < span.end), None)


def _utc(first: AuditEntry, at_s: float) -> datetime:
    return datetime.fromisoformat(first.utc) + timedelta(seconds=at_s - first.mono_s)


def _named(audit: Sequence[AuditEntry], events: Sequence[str]) -> dict[str, None]:
    """The recordings that entries of these kinds name, in their order."""
    return dict.fromkeys(str(entry.detail.get("recording")) for entry in audit if entry.event in events)


def _may_be_untold(actual: ActualRecord, account: Account) -> bool:
    """Whether the entry about it may have been lost in memory."""
    return account.status != "complete" and bool(actual.power_cuts and actual.card_faults)

"""All checkers by name, and their findings. A checker without an occasion reports *skipped*, never *passed*."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

from lapel_fleet.checkers import (
    commands,
    events,
    evidence,
    indications,
    offload,
    policy,
    recordings,
    resources,
    sound,
    states,
)
from lapel_fleet.checkers.back_end import BACK_END_CHECKERS, BackEndChecker
from lapel_fleet.checkers.records import BackEndProbe, Case, Checker

Verdict = Literal["passed", "failed", "skipped", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one checker over all cameras."""

    checker: str
    occasions: int
    failures: list[str]
    inconclusive: str = ""
    """Why neither the failures nor their absence prove anything. Empty: they do."""

    @property
    def verdict(self) -> Verdict:
        """*Skipped* without an occasion; *inconclusive* whatever failed, where nothing is proved."""
        if not self.occasions and not self.failures:
            return "skipped"
        if self.inconclusive:
            return "inconclusive"
        return "failed" if self.failures else "passed"


CHECKERS: dict[str, Checker] = {
    "activations-are-recorded-or-refused": recordings.activations_are_recorded_or_refused,
    "every-recording-has-a-trigger": recordings.every_recording_has_a_trigger,
    "no-recording-is-lost": recordings.no_recording_is_lost,
    "incomplete-recordings-are-explained": recordings.incomplete_recordings_are_explained,
    "pre-event-shortfalls-are-explained": recordings.pre_event_shortfalls_are_explained,
    "pre-event-length-is-correct": recordings.pre_event_length_is_correct,
    "missing-frames-are-reported": recordings.missing_frames_are_reported,
    "recording-length-is-correct": recordings.recording_length_is_correct,
    "gaps-are-reported": recordings.gaps_are_reported,
    "no-two-recordings-at-once": recordings.no_two_recordings_at_once,
    "saved-recordings-are-announced": recordings.saved_recordings_are_announced,
    "markers-are-kept": recordings.markers_are_kept,
    "sound-is-recorded-as-promised": sound.sound_is_recorded_as_promised,
    "sound-gaps-are-reported": sound.sound_gaps_are_reported,
    "sound-level-is-plausible": sound.sound_level_is_plausible,
    "microphone-faults-are-reported": sound.microphone_faults_are_reported,
    "recordings-are-indicated": indications.recordings_are_indicated,
    "stealth-is-on-record": indications.stealth_is_on_record,
    "policy-rules-are-followed": policy.rules_are_followed,
    "policy-attestations-are-not-skipped": policy.attestations_are_not_skipped,
    "policy-decisions-are-in-the-accounts": policy.accounts_have_the_decision,
    "policy-refusals-are-explained": policy.refusals_are_explained,
    "missed-duties-are-reported": policy.missed_duties_are_reported,
    "early-stops-are-reported": policy.early_stops_are_reported,
    "reported-states-are-true": states.reported_states_are_true,
    "last-reported-state-is-current": states.last_reported_state_is_current,
    "state-changes-are-reported": states.state_changes_are_reported,
    "retained-state-is-true": states.retained_state_is_true,
    "states-name-real-recordings": states.states_name_real_recordings,
    "telemetry-is-plausible": states.telemetry_is_plausible,
    "events-are-complete-and-in-order": events.events_are_complete_and_in_order,
    "events-are-repeated-only-after-a-reconnect": events.events_are_repeated_only_after_a_reconnect,
    "every-connection-begins-with-a-birth": events.every_connection_begins_with_a_birth,
    "commands-have-one-final-reply": commands.commands_have_one_final_reply,
    "expired-commands-are-refused": commands.expired_commands_are_refused,
    "manifests-are-intact": evidence.manifests_are_intact,
    "recordings-are-in-the-audit-log": evidence.recordings_are_in_the_audit_log,
    "deletions-are-in-the-audit-log": evidence.deletions_are_in_the_audit_log,
    "every-second-is-accounted-for": evidence.every_second_is_accounted_for,
    "the-ledger-is-true": evidence.the_ledger_is_true,
    "battery-charge-is-consistent": resources.battery_charge_is_consistent,
    "storage-space-is-consistent": resources.storage_space_is_consistent,
    "clips-are-offloaded-once": offload.clips_are_offloaded_once,
    "offloaded-clips-are-whole": offload.offloaded_clips_are_whole,
    "linked-clips-are-offloaded-in-order": offload.linked_clips_are_offloaded_in_order,
    "keys-are-offloaded": offload.keys_are_offloaded,
    "complete-is-declared-once-and-last": offload.complete_is_declared_once_and_last,
    "nothing-is-deleted-early": offload.nothing_is_deleted_early,
    "critical-recordings-leave-first": offload.critical_recordings_leave_first,
    "rejected-recordings-are-not-sent-again": offload.rejected_recordings_are_not_sent_again,
}

NEED_EVERY_MESSAGE = frozenset({
    "activations-are-recorded-or-refused",
    "saved-recordings-are-announced",
    "markers-are-kept",
    "microphone-faults-are-reported",
    "policy-refusals-are-explained",
    "missed-duties-are-reported",
    "early-stops-are-reported",
    "state-changes-are-reported",
    "events-are-complete-and-in-order",
    "commands-have-one-final-reply",
    "back-end-misses-no-event",
    "back-end-knows-the-recordings",
})  # fmt: skip
"""Checkers that take an event or a reply that was not received for one that was not sent. State messages do not count:
they are retained, so a subscriber gets the newest again when it reconnects.
"""


class Outcome(NamedTuple):
    """What a checker found in one camera's case."""

    occasions: int
    failures: list[str]


def judge(cases: Iterable[Case], checkers: Mapping[str, Checker] | None = None) -> list[Finding]:
    """Every checker's finding over all cameras; each failure begins with its camera. A camera whose messages were
    disturbed behind it is judged by the checkers of a back end only: what was received says nothing about it.
    """
    cases, checkers = list(cases), checkers or CHECKERS
    return findings_of([outcomes_of(case, checkers) for case in cases], checkers, delivery_loss(cases))


def outcomes_of(case: Case, checkers: Mapping[str, Checker]) -> dict[str, Outcome]:
    """What each checker with an occasion found in one camera's case."""
    outcomes = {}
    for name, checker in checkers.items():
        if name in BACK_END_CHECKERS or not case[0].delivery_faults:
            results = list(checker(case))
            if results:
                failures = [f"{case[0].camera}: {result}" for result in results if result is not None]
                outcomes[name] = Outcome(len(results), failures)
    return outcomes


def findings_of(outcomes: Sequence[Mapping[str, Outcome]], names: Iterable[str], loss: str) -> list[Finding]:
    """The finding of each named checker over all cameras, from what was found in each camera's case. `loss`: why the
    broker may have lost events; empty when it loses none.
    """
    return [
        _finding(name, [one[name] for one in outcomes if name in one], loss if name in NEED_EVERY_MESSAGE else "")
        for name in names
    ]


def _finding(name: str, outcomes: Sequence[Outcome], inconclusive: str) -> Finding:
    occasions, failures = sum(one.occasions for one in outcomes), [text for one in outcomes for text in one.failures]
    return Finding(name, occasions, failures, inconclusive)


def judge_back_end(cases: Iterable[Case], probe: BackEndProbe) -> list[Finding]:
    """The findings about the user's back end, which is queried through `probe`."""
    return judge(cases, {name: partial(_query, checker, probe) for name, checker in BACK_END_CHECKERS.items()})


def overall(findings: Iterable[Finding]) -> Literal["passed", "failed", "inconclusive"]:
    """The verdict of all together: a failure that is proved counts, whatever else is inconclusive."""
    verdicts = {one.verdict for one in findings}
    if "failed" in verdicts:
        return "failed"
    return "inconclusive" if "inconclusive" in verdicts else "passed"


def delivery_loss(cases: Iterable[Case]) -> str:
    """Why the broker of these cases may have lost events and replies; empty when it loses none."""
    return next((received.delivery_loss for _, received in cases if received.delivery_loss), "")


def _query(checker: BackEndChecker, probe: BackEndProbe, case: Case) -> Iterator[str | None]:
    return checker(case, probe)

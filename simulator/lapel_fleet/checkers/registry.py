"""The verdicts on a fleet: each checker counts its occasions. One that saw none says *skipped*, never *passed*."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from lapel_fleet.checkers import commands, events, recordings, resources, states
from lapel_fleet.checkers.back_end import BACK_END_CHECKERS, BackEndChecker
from lapel_fleet.checkers.records import BackEndProbe, Case, Checker


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


CHECKERS: dict[str, Checker] = {
    "activations-are-answered": recordings.activations_are_answered,
    "every-recording-was-asked-for": recordings.every_recording_was_asked_for,
    "no-recording-is-lost": recordings.no_recording_is_lost,
    "recordings-end-well": recordings.recordings_end_well,
    "pre-event-is-there-or-explained": recordings.pre_event_is_there_or_explained,
    "pre-event-is-as-long-as-it-could-be": recordings.pre_event_is_as_long_as_it_could_be,
    "recordings-hold-all-their-time": recordings.recordings_hold_all_their_time,
    "recordings-last-as-long-as-wanted": recordings.recordings_last_as_long_as_wanted,
    "gaps-are-told": recordings.gaps_are_told,
    "no-two-recordings-at-once": recordings.no_two_recordings_at_once,
    "saved-is-said": recordings.saved_is_said,
    "markers-are-kept": recordings.markers_are_kept,
    "every-state-told-is-true": states.every_state_told_is_true,
    "no-stale-state-is-left-standing": states.no_stale_state_is_left_standing,
    "what-happened-is-told": states.what_happened_is_told,
    "the-retained-state-is-true": states.the_retained_state_is_true,
    "states-name-real-recordings": states.states_name_real_recordings,
    "telemetry-is-plausible": states.telemetry_is_plausible,
    "events-come-once-and-in-order": events.events_come_once_and_in_order,
    "events-are-repeated-only-after-a-reconnect": events.events_are_repeated_only_after_a_reconnect,
    "every-connection-begins-with-a-birth": events.every_connection_begins_with_a_birth,
    "commands-have-one-end": commands.commands_have_one_end,
    "late-commands-are-refused": commands.late_commands_are_refused,
    "batteries-add-up": resources.batteries_add_up,
    "storage-adds-up": resources.storage_adds_up,
}


def judge(cases: Iterable[Case], checkers: Mapping[str, Checker] | None = None) -> list[Finding]:
    """Every checker's finding over all cameras, each failure with its camera."""
    cases = list(cases)
    findings = []
    for name, checker in (checkers or CHECKERS).items():
        results = [(case[0].camera, result) for case in cases for result in checker(case)]
        failures = [f"{camera}: {result}" for camera, result in results if result is not None]
        findings.append(Finding(name, len(results), failures))
    return findings


def judge_back_end(cases: Iterable[Case], probe: BackEndProbe) -> list[Finding]:
    """The same for a back end of somebody's own, asked through `probe` when the run is over."""
    return judge(cases, {name: partial(_asked, checker, probe) for name, checker in BACK_END_CHECKERS.items()})


def _asked(checker: BackEndChecker, probe: BackEndProbe, case: Case) -> Iterator[str | None]:
    return checker(case, probe)

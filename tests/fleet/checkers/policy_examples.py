"""Starts, stops and declarations made by hand: what the checkers of the policy pass, and what they fail."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fleet.checkers.records import LIGHTS, account, audit, case, event, press
from lapel.policy.profile import load_profile
from lapel.recording import Account, Cause, StartDecision
from lapel_fleet.checkers.records import Case, Declared

FEDERAL = load_profile("federal-2024")
SENTENCES = {rule.id: rule.text for rule in FEDERAL.rules}
WITHOUT_RECORDING = LIGHTS[:2]
COURTROOM = Declared(50.0, "courtroom", "dispatcher", 500.0)
ARREST = Declared(50.0, "arrest", "wearer", 500.0)
ATTESTED = replace(press(), attests=True)
BY_COMMAND = press(command="c-1")


def decided(rule: str = "", **fields: Any) -> Account:
    """The recording, with the decision that the wearer's start gets by that rule."""
    reason = SENTENCES.get(rule, "no rule limits it")
    return account(decision=StartDecision(profile=FEDERAL.name, reason=reason, rule=rule, source="wearer", **fields))


def under_policy(*records: tuple[float, str, dict[str, Any]], **actual: Any) -> Case:
    """A case under federal-2024. `records` are reported, and in the audit log."""
    events = [event(number, kind, at_s, **detail) for number, (at_s, kind, detail) in enumerate(records, 1)]
    return case(*events, **{"states": LIGHTS, "policy": FEDERAL, "audit": audit(*records), **actual})


def refused(rule: str) -> tuple[float, str, dict[str, Any]]:
    return 100.0, "refused", {"event": "start", "source": "command", "rule": rule, "reason": SENTENCES.get(rule, "")}


MISSED = (110.0, "duty-missed", {"rule": "enforcement-activities", "activity": "arrest"})
CUT_SHORT = (110.0, "duty-cut-short", {"rule": "enforcement-activities"})
REMOTE = {"activations": [BY_COMMAND], "states": WITHOUT_RECORDING}
COURT = {"activations": [ATTESTED], "declared": [COURTROOM]}
ATTESTATION = "private-places-attestation"

PASSES: Mapping[str, Sequence[Case]] = {
    "policy-rules-are-followed": [under_policy(activations=[press()], accounts=[decided()])],
    "policy-attestations-are-not-skipped": [
        under_policy(accounts=[decided(ATTESTATION, contexts=["courtroom"], attested_after_s=3.0)], **COURT),
    ],
    "policy-decisions-are-in-the-accounts": [
        under_policy(activations=[press()], accounts=[decided()]),
        under_policy(accounts=[decided(ATTESTATION, contexts=["courtroom"], attested_after_s=3.0)], **COURT),
    ],
    "policy-refusals-are-explained": [under_policy(refused("remote-start-off"), **REMOTE)],
    "missed-duties-are-reported": [
        under_policy(MISSED, states=WITHOUT_RECORDING, declared=[ARREST]),
        under_policy(activations=[press()], accounts=[account()], declared=[ARREST]),
        under_policy(states=WITHOUT_RECORDING, declared=[replace(ARREST, until_s=90.0)]),
    ],
    "early-stops-are-reported": [
        under_policy(CUT_SHORT, declared=[ARREST]),
        under_policy(declared=[replace(ARREST, until_s=105.0)]),
    ],
}

FAILS: Mapping[str, Sequence[tuple[Case, str]]] = {
    "policy-rules-are-followed": [
        (
            under_policy(activations=[BY_COMMAND], accounts=[account(start=Cause("command", "", "c-1"))]),
            "clip: started by command, against remote-start-off",
        ),
    ],
    "policy-attestations-are-not-skipped": [
        (
            under_policy(accounts=[decided(ATTESTATION, contexts=["courtroom"])], **COURT),
            f"clip: started without what {ATTESTATION} asks for",
        ),
        (
            under_policy(
                accounts=[decided(ATTESTATION, contexts=["courtroom"], attested_after_s=3.0)],
                activations=[press()],
                declared=[COURTROOM],
            ),
            f"clip: started without what {ATTESTATION} asks for",
        ),
    ],
    "policy-decisions-are-in-the-accounts": [
        (under_policy(activations=[press()], accounts=[account()]), "clip: has no decision"),
        (under_policy(accounts=[decided()], **COURT), "is right"),
    ],
    "policy-refusals-are-explained": [
        (under_policy(refused(""), **REMOTE), "is refused by remote-start-off, which is not reported"),
        (
            under_policy(refused("remote-start-off"), **{**REMOTE, "audit": []}),
            "is refused by remote-start-off, which is not in the audit log",
        ),
    ],
    "missed-duties-are-reported": [
        (
            under_policy(states=WITHOUT_RECORDING, declared=[ARREST]),
            "enforcement-activities, due at 110.0 s, is reported as missed 0 times, not 1",
        ),
        (
            under_policy(MISSED, activations=[press()], accounts=[account()], declared=[ARREST]),
            "is reported as missed 1 times, not 0",
        ),
    ],
    "early-stops-are-reported": [
        (under_policy(declared=[ARREST]), "the stop at 110.0 s is reported against []"),
        (under_policy(CUT_SHORT), "['enforcement-activities'], [] is right"),
    ],
}

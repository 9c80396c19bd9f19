"""What came of each encounter of a camera: what the policy answered, and whether it was recorded.

Read from the actual record alone: what was shown by the lights, and what the audit log says.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import msgspec

from lapel.audit_entry import AuditEntry
from lapel_fleet.checkers.records import ActualRecord, Encounter

_TOLERANCE_S = 0.5
"""A recording that ends so shortly before the encounter was not cut short."""
_STOP_AFTER_S = 1.0
"""The wearer stops a recording so long after the encounter; one that ends before that was cut short."""

Effect = Literal[
    "refused", "asked", "not attested", "not recorded", "stop asked", "went on", "cut short", "duty missed",
    "duty cut short",
]  # fmt: skip


class Mark(msgspec.Struct, frozen=True, order=True):
    """Something that the policy did in an encounter, or that came of it."""

    effect: Effect
    rule: str = ""
    """Id of the rule; empty where none was involved."""
    source: str = ""
    """Of a refusal: who or what asked."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one encounter."""

    camera: str
    number: int
    title: str
    requested: bool
    """Whether a recording was requested."""
    is_recorded: bool
    marks: list[Mark]
    """In order; each once, but for refusals."""

    def count(self, effect: Effect) -> int:
        """How often that happened."""
        return sum(mark.effect == effect for mark in self.marks)


def outcomes_of(actual: ActualRecord) -> Iterator[Outcome]:
    """What came of each encounter of a camera, in order."""
    since_s = 0.0
    for encounter in actual.encounters:
        yield _outcome(actual, encounter, since_s)
        since_s = encounter.ends_s + _STOP_AFTER_S


def _outcome(actual: ActualRecord, one: Encounter, since_s: float) -> Outcome:
    """`since_s`: from when on entries belong to this encounter, which may have been declared before it begins."""
    entries = [entry for entry in actual.audit if since_s <= entry.mono_s < one.ends_s + _STOP_AFTER_S]
    activations = [act for act in actual.activations if one.begins_s <= act.at_s < one.ends_s and not act.attests]
    spans = [
        (max(from_s, one.begins_s), min(to_s, one.ends_s))
        for from_s, to_s in _recorded(actual)
        if from_s < one.ends_s and to_s > one.begins_s
    ]
    marks = [*_answers(entries, "start"), *_answers(entries, "stop"), *_events(entries)]
    if not spans and activations:
        marks.append(Mark("not recorded", next((mark.rule for mark in reversed(marks) if mark.rule), "")))
    if spans and spans[-1][1] < one.ends_s - _TOLERANCE_S:
        marks.append(Mark("cut short"))
    return Outcome(
        camera=actual.camera,
        number=one.number,
        title=one.title,
        requested=bool(activations),
        is_recorded=bool(spans),
        marks=marks,
    )


def _recorded(actual: ActualRecord) -> Iterator[tuple[float, float]]:
    for (from_s, state), (to_s, _) in pairwise([*actual.states, (float("inf"), "")]):
        if state == "recording":
            yield from_s, to_s


def _answers(entries: list[AuditEntry], request: str) -> Iterator[Mark]:
    """What the policy answered to that request, where a rule did. The answer to a second press is no new one."""
    for entry in entries:
        if entry.event == "policy-decided" and entry.detail["request"] == request:
            rule, source = str(entry.detail["rule"]), str(entry.detail["source"])
            match request, entry.detail["answer"]:
                case "start", "refuse":
                    yield Mark("refused", rule, source)
                case "start", "ask":
                    yield Mark("asked", rule)
                case "stop", "ask" | "refuse":
                    yield Mark("stop asked", rule)


def _events(entries: list[AuditEntry]) -> Iterator[Mark]:
    for entry in entries:
        match entry.event:
            case "not-confirmed":
                yield Mark(
                    "not attested" if entry.detail["request"] == "start" else "went on", str(entry.detail["rule"])
                )
            case "duty-missed":
                yield Mark("duty missed", str(entry.detail["rule"]))
            case "duty-cut-short":
                yield Mark("duty cut short", str(entry.detail["rule"]))

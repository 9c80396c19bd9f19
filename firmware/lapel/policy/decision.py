"""May this recording start, must it, may it stop, may its sound be muted? Pure functions of what is *declared*."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal

from lapel.policy.profile import (
    Activity,
    ConfirmStop,
    Context,
    Declarable,
    Duty,
    Limit,
    NoMute,
    Profile,
    Source,
    StartState,
)

Answer = Literal["allow", "ask", "refuse"]
"""*ask*: the wearer is asked to press once more."""

_UNLIMITED = "no rule limits it"


@dataclass(frozen=True, slots=True)
class Start:
    """A start that is asked for, and what is declared at that moment."""

    source: Source
    state: StartState = "buffering"
    contexts: Collection[Context] = ()
    activities: Collection[Activity] = ()
    on: date = date(2026, 1, 1)
    """The day, in the camera's time zone."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that a person asks for, and what is declared at that moment."""

    by_wearer: bool
    reason: str = ""
    activities: Collection[Activity] = ()
    on: date = date(2026, 1, 1)
    """The day, in the camera's time zone."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, in words and with the rule that gave it."""

    answer: Answer
    rule: str
    """Id of the rule; empty where no rule applies."""
    reason: str
    duties: tuple[Duty, ...] = ()
    """The duties that the declared activities bring with them."""


def decide(profile: Profile, start: Start) -> Decision:
    """The decision of the first rule that applies; without one the start is allowed.

    No rule refuses the wearer's own start: at most it asks for an attestation. A rule that could switch recording off
    would be a way to abuse the camera.
    """
    duties = duties_of(profile, start.activities, start.on)
    for rule in profile.rules:
        if isinstance(rule, Duty) and rule in duties:
            return Decision("allow", rule.id, rule.text, duties)
        if isinstance(rule, Limit) and _applies(rule, start):
            return Decision(rule.answer, rule.id, rule.text, duties)
    return Decision("allow", "", _UNLIMITED, duties)


def decide_stop(profile: Profile, stop: Stop) -> Decision:
    """Whether a recording may be stopped. The wearer is asked at most; a command without a reason can be refused."""
    duties = duties_of(profile, stop.activities, stop.on)
    for rule in profile.rules:
        if isinstance(rule, Duty) and rule in duties and rule.early_stop_needs_reason and not stop.reason:
            return Decision("ask" if stop.by_wearer else "refuse", rule.id, rule.text, duties)
        if isinstance(rule, ConfirmStop) and stop.by_wearer and rule.is_valid(stop.on):
            return Decision("ask", rule.id, rule.text, duties)
    return Decision("allow", "", _UNLIMITED, duties)


def decide_mute(profile: Profile, contexts: Collection[Context], on: date) -> Decision:
    """Whether the sound may be muted."""
    for rule in profile.rules:
        if isinstance(rule, NoMute) and rule.is_valid(on) and _includes(rule.contexts, contexts):
            return Decision("refuse", rule.id, rule.text)
    return Decision("allow", "", _UNLIMITED)


def duties_of(profile: Profile, declared: Collection[Declarable], on: date) -> tuple[Duty, ...]:
    """The duties that what is declared brings with it on that day, each once, by precedence."""
    duties = (rule for rule in profile.rules if isinstance(rule, Duty) and rule.is_valid(on))
    return tuple(duty for duty in duties if set(duty.activities) & set(declared))


def _applies(limit: Limit, start: Start) -> bool:
    """Refusals are for all but the wearer, questions for the wearer alone: whatever a profile says."""
    return (
        (limit.answer == "ask") == (start.source == "wearer")
        and limit.is_valid(start.on)
        and (not limit.sources or start.source in limit.sources)
        and (not limit.states or start.state in limit.states)
        and _includes(limit.contexts, start.contexts)
    )


def _includes(rule: Collection[Context], declared: Collection[Context]) -> bool:
    """Whether a rule for these contexts applies; one without any applies always."""
    return not rule or bool(set(rule) & set(declared))

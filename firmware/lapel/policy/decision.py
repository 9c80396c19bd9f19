"""May this recording start, must it, and what is noted? A pure function of what is declared, never of what is seen."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal

from lapel.policy.profile import Activity, Context, Duty, Limit, Profile, Source, StartState

Answer = Literal["allow", "ask", "refuse"]


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
class Decision:
    """The answer to a start, in words and with the rule that gave it."""

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
    duties = duties_of(profile, start)
    for rule in profile.rules:
        if isinstance(rule, Duty) and rule in duties:
            return Decision("allow", rule.id, rule.text, duties)
        if isinstance(rule, Limit) and _applies(rule, start):
            return Decision(rule.answer, rule.id, rule.text, duties)
    return Decision("allow", "", "no rule limits it", duties)


def duties_of(profile: Profile, start: Start) -> tuple[Duty, ...]:
    """The duties that the declared activities bring with them on that day, each once, by precedence."""
    duties = (rule for rule in profile.rules if isinstance(rule, Duty) and rule.is_valid(start.on))
    return tuple(duty for duty in duties if set(duty.activities) & set(start.activities))


def _applies(limit: Limit, start: Start) -> bool:
    """Refusals are for all but the wearer, questions for the wearer alone: whatever a profile says."""
    return (
        (limit.answer == "ask") == (start.source == "wearer")
        and limit.is_valid(start.on)
        and (not limit.sources or start.source in limit.sources)
        and (not limit.states or start.state in limit.states)
        and (not limit.contexts or bool(set(limit.contexts) & set(start.contexts)))
    )

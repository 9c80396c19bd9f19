"""Compares one day under two profiles: totals by site, and the differences by the rule that causes them."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from lapel.policy.profile import Profile
from lapel_fleet.cli.policy_diff.outcomes import Effect, Mark, Outcome

_IN_WORDS: dict[Effect, str] = {
    "refused": "a start by {source} is refused",
    "asked": "the start is left to the wearer, who is asked to attest",
    "not attested": "the wearer does not attest",
    "not recorded": "nothing is recorded, though it was asked for",
    "stop asked": "a stop is not carried out at once: it needs a second press, or a reason",
    "went on": "an early stop is not confirmed, and the recording goes on",
    "cut short": "the recording ends before the encounter does",
    "duty missed": "a duty is missed: no recording was started in time",
    "duty cut short": "a recording is stopped early, which is reported against a duty",
}


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the encounters of one site, or of all."""

    encounters: int
    requested: int
    """Encounters in which a recording was requested."""
    covered: int
    """Encounters with a recording."""
    refused: int
    """Starts that were asked for and refused; there may be several in an encounter."""
    cut_short: int
    """Encounters whose recording ended before they did."""
    left_to_wearer: int
    """Encounters in which the wearer was asked to attest."""
    not_attested: int
    duties_missed: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened under one profile, in encounters in which it did not under the other."""

    profile: str
    """The one under which it happened."""
    what: str
    """In words."""
    rule: str
    """Id of the rule that causes it; empty where it follows from the others."""
    sentence: str
    """The rule's."""
    count: int
    """Encounters."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One day under two profiles."""

    scenario: str
    seed: int
    duration_s: float
    profiles: tuple[str, str]
    sites: dict[str, tuple[Totals, Totals]]
    total: tuple[Totals, Totals]
    differences: list[Difference]


def compare(
    scenario: str, seed: int, duration_s: float, profiles: tuple[Profile, Profile], names: tuple[str, str],
    days: tuple[Sequence[Outcome], Sequence[Outcome]],
) -> Comparison:  # fmt: skip
    """`days`: the outcomes of the same encounters under each of the profiles. `names`: what these are called."""
    sites = dict.fromkeys(one.camera.partition("/")[0] for one in days[0])
    return Comparison(
        scenario=scenario,
        seed=seed,
        duration_s=duration_s,
        profiles=names,
        sites={site: _both(days, f"{site}/") for site in sites},
        total=_both(days, ""),
        differences=[
            *_differences(names[0], profiles[0], days[0], days[1]),
            *_differences(names[1], profiles[1], days[1], days[0]),
        ],
    )


def totals(outcomes: Iterable[Outcome]) -> Totals:
    """The sums."""
    all_ = list(outcomes)

    def with_(effect: Effect) -> int:
        return sum(bool(one.count(effect)) for one in all_)

    return Totals(
        encounters=len(all_),
        requested=sum(one.requested for one in all_),
        covered=sum(one.is_recorded for one in all_),
        refused=sum(one.count("refused") for one in all_),
        cut_short=with_("cut short"),
        left_to_wearer=with_("asked"),
        not_attested=with_("not attested"),
        duties_missed=sum(one.count("duty missed") for one in all_),
    )


def changed(one: Sequence[Outcome], other: Sequence[Outcome]) -> list[tuple[Outcome, Outcome]]:
    """The encounters with another outcome, each under both profiles."""
    return [(a, b) for a, b in zip(_ordered(one), _ordered(other), strict=True) if a != b]


def _both(days: tuple[Sequence[Outcome], Sequence[Outcome]], prefix: str) -> tuple[Totals, Totals]:
    """Of the cameras whose names begin so."""
    one, other = (totals(each for each in day if each.camera.startswith(prefix)) for day in days)
    return one, other


def _differences(name: str, profile: Profile, here: Sequence[Outcome], there: Sequence[Outcome]) -> list[Difference]:
    """What happened here and not there, most frequent first."""
    sentences = {rule.id: rule.text for rule in profile.rules}
    counts = Counter[Mark]()
    for one, other in changed(here, there):
        counts.update(set(one.marks) - set(other.marks))
    return [
        Difference(
            profile=name,
            what=_IN_WORDS[mark.effect].format(source=mark.source),
            rule=mark.rule,
            sentence=sentences.get(mark.rule, ""),
            count=count,
        )
        for mark, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _ordered(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """In one order, whatever the shards were."""
    return sorted(outcomes, key=lambda one: (one.camera, one.number))

"""An agency's profile: its rules, as a TOML file that a lawyer can read.

A rule is a *duty* (an activity that must be recorded) or a *limit* (a start that is refused, or needs an attestation).
The first rule that applies decides; so their order in the file is their precedence. A profile may extend another one:
its own rules come first, and where they are not valid (any more), those of the other decide.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from lapel.config import suggestion
from lapel.errors import ConfigError

FORMAT: Final = "lapel-policy-1"

Source = Literal["wearer", "command", "peer", "light-bar", "holster", "man-down", "schedule"]
"""Who or what asks for a recording: the wearer's button, an operator, another camera nearby, a sensor, a time table."""
Context = Literal["first-amendment", "medical", "courtroom"]
"""A protected context, as it was declared: activity protected by the First Amendment, medical care, a court."""
Activity = Literal[
    "arrest", "arrest-warrant", "frisk", "search", "removal-order", "facility-protection", "violent-disturbance",
    "emergency", "enforcement-at-protest",
]  # fmt: skip
"""An activity that the wearer or an operator has declared."""
StartState = Literal["standby", "buffering"]
"""The states in which a camera can start a recording; in the others the state chart refuses."""

SOURCES: tuple[Source, ...] = get_args(Source)
CONTEXTS: tuple[Context, ...] = get_args(Context)
ACTIVITIES: tuple[Activity, ...] = get_args(Activity)
STATES: tuple[StartState, ...] = get_args(StartState)

_Id = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
_Sentence = Annotated[str, Meta(min_length=10, max_length=500)]


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, tag_field="kind"):
    """What duties and limits have in common."""

    id: _Id
    text: _Sentence
    """The rule in a sentence: it is what the wearer, the manifest and the audit log are given as the reason."""
    valid_from: date | None = None
    valid_until: date | None = None
    """The last day on which it applies."""

    def is_valid(self, on: date) -> bool:
        """Whether it applies on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )


class Duty(Rule, frozen=True, kw_only=True, tag="duty"):
    """Activities that must be recorded. A start for one of them is allowed from every source."""

    activities: Annotated[list[Activity], Meta(min_length=1)]
    start_within_s: Annotated[float, Meta(ge=0, le=3600)] = 60.0
    """Seconds after the activity was declared by which a recording must have started; later is a missed duty."""
    early_stop_needs_reason: bool = True
    """Whether a stop while the activity goes on needs a reason."""


class Limit(Rule, frozen=True, kw_only=True, tag="limit"):
    """Starts that are refused, or ask for an attestation first. An empty list stands for all."""

    answer: Literal["refuse", "ask"]
    """*refuse* is for every source but the wearer, who is never refused. *ask* is for the wearer alone, who
    presses once more to attest that the recording is justified.
    """
    sources: list[Source] = []
    states: list[StartState] = []
    contexts: list[Context] = []
    """Declared contexts in which it applies; with none it applies in every context, and without one."""


class Profile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The policy of an agency."""

    format: Literal["lapel-policy-1"] = FORMAT
    name: _Id
    title: _Sentence
    based_on: str = ""
    """The public texts that the rules are taken from."""
    extends: str = ""
    """Name of a profile whose rules apply where none of these does."""
    rules: list[Duty | Limit] = msgspec.field(name="rule", default_factory=list)
    """By precedence. In the file each is a `[[rule]]`."""


def load_profile(name: str) -> Profile:
    """A shipped profile by its name, or the one in a file. The rules of the profile that it extends follow its own.

    Raises ConfigError that names the file, the rule and what is allowed.
    """
    return _load(name, ())


def shipped_profiles() -> list[str]:
    """The names of the profiles that come with Lapel."""
    folder = files("lapel.policy") / "profiles"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def _load(name: str, extending: tuple[str, ...]) -> Profile:
    origin, text = _read(name)
    profile = parse_profile(text, origin)
    if not profile.extends:
        return profile
    if profile.name in extending:
        raise ConfigError(f"{origin}: extends itself: {' extends '.join([*extending, profile.name])}")
    base = _load(profile.extends, (*extending, profile.name))
    whole = msgspec.structs.replace(profile, rules=[*profile.rules, *base.rules])
    for problem in _double_ids(whole.rules):
        raise ConfigError(f"{origin}: {problem}")
    return whole


def _read(name: str) -> tuple[str, str]:
    """Origin and text of a profile."""
    if name in shipped_profiles():
        return name, (files("lapel.policy") / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    path = Path(name)
    if path.suffix != ".toml":
        hint = suggestion(name, shipped_profiles())
        raise ConfigError(f"{name}: is neither a shipped profile nor the path of a .toml file{hint}")
    try:
        return name, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: cannot be read: {error}") from error


def parse_profile(text: str, origin: str) -> Profile:
    """The profile in a TOML text, checked; what it extends is not looked up. Raises ConfigError."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin}: is not TOML: {error}") from error
    try:
        profile = msgspec.convert(tree, Profile)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {_at_rule(str(error), tree)}") from error
    _check(profile, origin)
    return profile


def _at_rule(message: str, tree: dict[str, object]) -> str:
    """A message of msgspec, with the id of the rule that it is about and what is allowed there."""
    place = message.rpartition("at `$.rule[")[2].partition("]")[0]
    rules = tree.get("rule")
    if place.isdigit() and isinstance(rules, list) and isinstance(rules[int(place)], dict):
        message = f"rule {rules[int(place)].get('id', int(place) + 1)}: {message}"
    for key, allowed in (("sources", SOURCES), ("contexts", CONTEXTS), ("activities", ACTIVITIES), ("states", STATES)):
        if f".{key}[" in message:
            return f"{message}; {key} are {', '.join(allowed)}"
    return message


def _check(profile: Profile, origin: str) -> None:
    for problem in _problems(profile):
        raise ConfigError(f"{origin}: {problem}")


def _problems(profile: Profile) -> Iterator[str]:
    """What makes rules contradict each other or the principles of all profiles."""
    yield from _double_ids(profile.rules)
    for rule in profile.rules:
        if rule.valid_from and rule.valid_until and rule.valid_until < rule.valid_from:
            yield f"rule {rule.id}: valid_until ({rule.valid_until}) is before valid_from ({rule.valid_from})"
        if isinstance(rule, Limit):
            yield from _wrong_sources(rule)
    yield from _contradictions([rule for rule in profile.rules if isinstance(rule, Limit)])


def _double_ids(rules: Sequence[Rule]) -> Iterator[str]:
    for rule_id, count in Counter(rule.id for rule in rules).items():
        if count > 1:
            yield f"rule {rule_id}: there are {count} of this id; each needs one of its own"


def _wrong_sources(limit: Limit) -> Iterator[str]:
    if limit.answer == "refuse" and "wearer" in limit.sources:
        yield (
            f"rule {limit.id}: the wearer's own start is never refused, since that could be used to switch recording "
            'off; write answer = "ask", or leave `wearer` out of `sources`'
        )
    if limit.answer == "ask" and limit.sources not in ([], ["wearer"]):
        yield f'rule {limit.id}: answer = "ask" is for the wearer alone; leave `sources` out, or write "refuse"'


def _contradictions(limits: list[Limit]) -> Iterator[str]:
    """A limit that an earlier one of the same answer makes pointless, since that covers all of its starts always."""
    for position, limit in enumerate(limits):
        for other in limits[:position]:
            if limit.answer == other.answer and _covers(other, limit):
                yield f"rule {limit.id}: can never apply, since rule {other.id} before it covers all of its starts"


def _covers(wide: Limit, narrow: Limit) -> bool:
    lists = ((wide.sources, narrow.sources), (wide.states, narrow.states), (wide.contexts, narrow.contexts))
    return (
        all(not all_of or (bool(these) and set(these) <= set(all_of)) for all_of, these in lists)
        and wide.valid_from is None
        and wide.valid_until is None
    )

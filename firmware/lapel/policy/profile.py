"""An agency's profile: its rules, as a TOML file that a lawyer can read.

A rule is a *duty* (an activity that must be recorded), a *limit* (a start that is refused, or needs an attestation),
*confirm-stop* or *no-mute*. The first rule that applies decides; so their order in the file is their precedence. A
*zone* is a place that is a protected context at certain times. A profile may extend another one: its own rules come
first, and where they are not valid (any more), those of the other decide.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from functools import cache
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

TriggerSource = Literal["peer", "light-bar", "holster", "man-down", "schedule"]
"""The sources that are neither a person at the camera nor an operator."""
Declarable = Context | Activity
"""What can be declared."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

SOURCES: tuple[Source, ...] = get_args(Source)
TRIGGER_SOURCES: tuple[TriggerSource, ...] = get_args(TriggerSource)
CONTEXTS: tuple[Context, ...] = get_args(Context)
ACTIVITIES: tuple[Activity, ...] = get_args(Activity)
STATES: tuple[StartState, ...] = get_args(StartState)

_Id = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
_Sentence = Annotated[str, Meta(min_length=10, max_length=500)]


class Provision(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What rules and zones have in common."""

    id: _Id
    text: _Sentence
    """In a sentence: it is what the wearer, the manifest and the audit log are given as the reason."""
    valid_from: date | None = None
    valid_until: date | None = None
    """The last day on which it applies."""

    def is_valid(self, on: date) -> bool:
        """Whether it applies on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )


class Rule(Provision, frozen=True, kw_only=True, tag_field="kind"):
    """A rule of any kind."""


class Duty(Rule, frozen=True, kw_only=True, tag="duty"):
    """Activities that must be recorded. A start for one of them is allowed from every source."""

    activities: Annotated[list[Activity], Meta(min_length=1)]
    start_within_s: Annotated[float, Meta(ge=0, le=3600)] = 60.0
    """Seconds after the activity was declared by which a recording must have started; later is a missed duty."""
    early_stop_needs_reason: bool = True
    """Whether a stop while the activity goes on needs a reason: a command gives it, the wearer confirms the stop."""


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


class ConfirmStop(Rule, frozen=True, kw_only=True, tag="confirm-stop"):
    """The wearer's stop is asked for twice, so that no recording ends by accident."""


class NoMute(Rule, frozen=True, kw_only=True, tag="no-mute"):
    """The sound may not be muted."""

    contexts: list[Context] = []
    """Declared contexts in which it applies; with none it applies always."""


class Zone(Provision, frozen=True, kw_only=True):
    """A place that is a protected context, at all times or in a time window of the camera's time zone."""

    context: Context
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    """Degrees in WGS 84, north positive."""
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    """Degrees in WGS 84, east positive."""
    radius_m: Annotated[float, Meta(gt=0, le=100_000)]
    weekdays: list[Weekday] = []
    """Days on which it applies; none stands for all. A window over midnight belongs to the day on which it begins."""
    begins: time | None = None
    ends: time | None = None
    """The time of day at which it ends; before `begins` it is the next day's."""


class Profile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The policy of an agency."""

    format: Literal["lapel-policy-1"] = FORMAT
    name: _Id
    title: _Sentence
    based_on: str = ""
    """The public texts that the rules are taken from."""
    extends: str = ""
    """Name of a profile whose rules apply where none of these does."""
    confirm_within_s: Annotated[float, Meta(ge=1, le=60)] = 10.0
    """Seconds that the wearer has for the second press of an attestation or of a stop."""
    peer_within_m: Annotated[float, Meta(ge=0, le=10_000)] = 30.0
    """Distance up to which another camera's recording may start one here."""
    rules: list[Duty | Limit | ConfirmStop | NoMute] = msgspec.field(name="rule", default_factory=list)
    """By precedence. In the file each is a `[[rule]]`."""
    zones: list[Zone] = msgspec.field(name="zone", default_factory=list)
    """Protected places. In the file each is a `[[zone]]`."""


def load_profile(name: str) -> Profile:
    """A shipped profile by its name, or the one in a file. The rules of the profile that it extends follow its own.

    Raises ConfigError that names the file, the rule and what is allowed.
    """
    return _load(name, ())


@cache
def development() -> Profile:
    """The profile without rules."""
    return load_profile("development")


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
    whole = msgspec.structs.replace(profile, rules=[*profile.rules, *base.rules], zones=[*profile.zones, *base.zones])
    for problem in _double_ids([*whole.rules, *whole.zones]):
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
    """A message of msgspec, with the id of the rule or zone that it is about and what is allowed there."""
    for kind in ("rule", "zone"):
        place = message.rpartition(f"at `$.{kind}[")[2].partition("]")[0]
        entries = tree.get(kind)
        if place.isdigit() and isinstance(entries, list) and isinstance(entries[int(place)], dict):
            message = f"{kind} {entries[int(place)].get('id', int(place) + 1)}: {message}"
    for key, allowed in _ALLOWED.items():
        if f".{key}[" in message or f".{key}`" in message:
            return f"{message}; {key} can be {', '.join(allowed)}"
    return message


_ALLOWED: Mapping[str, Sequence[str]] = {
    "sources": SOURCES,
    "contexts": CONTEXTS,
    "context": CONTEXTS,
    "activities": ACTIVITIES,
    "states": STATES,
    "weekdays": get_args(Weekday),
    "kind": ("duty", "limit", "confirm-stop", "no-mute"),
}
"""What is allowed where msgspec names only what was wrong."""


def _check(profile: Profile, origin: str) -> None:
    for problem in _problems(profile):
        raise ConfigError(f"{origin}: {problem}")


def _problems(profile: Profile) -> Iterator[str]:
    """What makes rules contradict each other or the principles of all profiles."""
    provisions = [*profile.rules, *profile.zones]
    yield from _double_ids(provisions)
    for one in provisions:
        if one.valid_from and one.valid_until and one.valid_until < one.valid_from:
            kind = "zone" if isinstance(one, Zone) else "rule"
            yield f"{kind} {one.id}: valid_until ({one.valid_until}) is before valid_from ({one.valid_from})"
        if isinstance(one, Limit):
            yield from _wrong_sources(one)
        if isinstance(one, Zone):
            yield from _wrong_window(one)
    yield from _contradictions([rule for rule in profile.rules if isinstance(rule, Limit)])


def _double_ids(provisions: Sequence[Provision]) -> Iterator[str]:
    for rule_id, count in Counter(one.id for one in provisions).items():
        if count > 1:
            yield f"rule {rule_id}: there are {count} of this id; each needs one of its own"


def _wrong_window(zone: Zone) -> Iterator[str]:
    if (zone.begins is None) is not (zone.ends is None):
        yield f"zone {zone.id}: a time window needs both `begins` and `ends`"
    elif zone.begins is not None and zone.begins == zone.ends:
        yield f"zone {zone.id}: begins and ends at {zone.begins}; leave both out for the whole day"


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

"""Selectors: the cameras that an `ls`, `send` or `watch` applies to. Pure."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import get_args

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel.link.messages import PresenceState, StateMessage

HELP = """\
A SELECTOR is one or more terms with commas between; several selectors are joined as if by commas.

  baltimore/cam-0001     one camera, as `site/camera`
  baltimore/*            every camera of a site; * ? [0-3] as in a shell (quote them)
  cam-000[0-3]           those names at any site
  *                      every camera
  state=recording        a condition: only cameras in that state
  flag=source-lost       a condition: only cameras with that flag
  state!=offline         a condition: not cameras in that state

A camera is selected if one of the names matches it, or if there are no names; if one condition on state holds, where
there are any, and one on flag; and if none of the excluded conditions (!=) applies to it. A name that matches no camera
is an error. For a name with a comma or an equals sign in it, write ? in their place.
"""
_WORDS = ("state", "flag")
_CONDITION = re.compile(r"([^!=]*)(!?=)(.*)")


@dataclass(frozen=True, slots=True)
class Condition:
    """`state=recording`, or `state!=recording` if `holds` is false."""

    word: str
    value: str
    holds: bool

    def fits(self, state: StateMessage | None) -> bool:
        """Whether it holds for that state; for a camera without a readable state no `=` condition does."""
        if state is None:
            return not self.holds
        return (self.value in (state.flags if self.word == "flag" else [state.state])) is self.holds

    def __str__(self) -> str:
        return f"{self.word}{'=' if self.holds else '!='}{self.value}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Names and conditions; see HELP."""

    names: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    def fits(self, camera: str, state: StateMessage | None) -> bool:
        """Whether it selects `site/camera` in that state."""
        if self.names and not any(_fits(name, camera) for name in self.names):
            return False
        if not all(one.fits(state) for one in self.conditions if not one.holds):
            return False
        required = [one for one in self.conditions if one.holds]
        words = {one.word for one in required}
        return all(any(one.fits(state) for one in required if one.word == word) for word in words)

    def among(self, states: Mapping[str, StateMessage | None]) -> list[str]:
        """The selected cameras, sorted; perhaps none."""
        return sorted(camera for camera, state in states.items() if self.fits(camera, state))

    def choose(self, states: Mapping[str, StateMessage | None]) -> list[str]:
        """The selected cameras, sorted. Raises ConfigError when a name, or everything together, selects none."""
        for name in self.names:
            if not any(_fits(name, camera) for camera in states):
                raise ConfigError(f"selector {name!r}: there is no such camera{_meant(name, states)}")
        chosen = self.among(states)
        if not chosen and (self.names or self.conditions):
            text = ",".join(map(str, self.conditions))
            raise ConfigError(f"selector {text!r}: holds for none of these cameras{_present(self.conditions, states)}")
        return chosen


def parse(texts: Sequence[str]) -> Selector:
    """The selector made of all these texts. Raises ConfigError."""
    names: list[str] = []
    conditions: list[Condition] = []
    for term in (term.strip() for text in texts for term in text.split(",")):
        if found := _CONDITION.fullmatch(term):
            conditions.append(_condition(term, *found.groups()))
        elif not term or term.count("/") > 1:
            raise ConfigError(f"selector {term!r}: give SITE/CAMERA, such as baltimore/cam-0001 or 'baltimore/*'")
        else:
            names.append(term)
    return Selector(tuple(names), tuple(conditions))


def _condition(term: str, word: str, sign: str, value: str) -> Condition:
    if word not in _WORDS:
        raise ConfigError(f"selector {term!r}: {word!r} is not a condition{suggestion(word, _WORDS)}")
    states = get_args(PresenceState)
    if word == "state" and value not in states:
        raise ConfigError(f"selector {term!r}: {value!r} is not a state{suggestion(value, states)}")
    if not value:
        raise ConfigError(f"selector {term!r}: name a flag")
    return Condition(word, value, holds=sign == "=")


def _fits(name: str, camera: str) -> bool:
    """Whether the pattern `name` matches, level by level: a * must not match across the slash."""
    site_pattern, slash, camera_pattern = name.rpartition("/")
    site, _, own_name = camera.partition("/")
    return fnmatchcase(own_name, camera_pattern) and (not slash or fnmatchcase(site, site_pattern))


def _meant(name: str, cameras: Iterable[str]) -> str:
    known = list(cameras)
    if not known:
        return "; no camera of this agency has published to this broker"
    sites = sorted({f"{camera.partition('/')[0]}/*" for camera in known})
    return suggestion(name, difflib.get_close_matches(name, [*known, *sites], 1) or sites)


def _present(conditions: Sequence[Condition], states: Mapping[str, StateMessage | None]) -> str:
    """The end of that error: the states and flags that there are."""
    known = [state for state in states.values() if state is not None]
    flags = sorted({flag for state in known for flag in state.flags})
    for one in conditions:
        if one.word == "flag" and one.holds and one.value not in flags:
            return suggestion(one.value, flags) if flags else "; no camera has a flag"
    counted = Counter(state.state for state in known)
    return f"; there are {', '.join(f'{count} {state}' for state, count in sorted(counted.items())) or 'none'}"

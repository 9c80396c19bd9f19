"""Which cameras are meant. Pure."""

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
  state!=offline         a condition: not those

Of the names any may fit, and no name means every camera. Of conditions on the same word (state, flag) any may hold, but
one of each word must; none of those with != may. A name that fits no camera is an error: nobody is left out unnoticed.
A name with a comma or an equals sign in it is selected with ? in its place.
"""
_WORDS = ("state", "flag")
_CONDITION = re.compile(r"([^!=]*)(!?=)(.*)")


@dataclass(frozen=True, slots=True)
class Condition:
    """`state=recording`, or `state!=recording` where `holds` is false."""

    word: str
    value: str
    holds: bool

    def fits(self, state: StateMessage | None) -> bool:
        """Whether that can be said of it; of a camera with no readable state nothing can."""
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
        """Whether `site/camera`, in that state, is meant."""
        if self.names and not any(_fits(name, camera) for name in self.names):
            return False
        if not all(one.fits(state) for one in self.conditions if not one.holds):
            return False
        wanted = [one for one in self.conditions if one.holds]
        return all(any(one.fits(state) for one in wanted if one.word == word) for word in {one.word for one in wanted})

    def choose(self, states: Mapping[str, StateMessage | None]) -> list[str]:
        """The cameras that are meant, sorted. Raises ConfigError where one of the names, or all together, fit none."""
        for name in self.names:
            if not any(_fits(name, camera) for camera in states):
                raise ConfigError(f"selector {name!r}: there is no such camera{_meant(name, states)}")
        chosen = sorted(camera for camera, state in states.items() if self.fits(camera, state))
        if not chosen and (self.names or self.conditions):
            said = ",".join(map(str, self.conditions))
            raise ConfigError(f"selector {said!r}: holds for none of these cameras{_seen(self.conditions, states)}")
        return chosen


def parse(texts: Sequence[str]) -> Selector:
    """The selector that these say together. Raises ConfigError."""
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
        raise ConfigError(f"selector {term!r}: no condition is called {word!r}{suggestion(word, _WORDS)}")
    states = get_args(PresenceState)
    if word == "state" and value not in states:
        raise ConfigError(f"selector {term!r}: {value!r} is no state{suggestion(value, states)}")
    if not value:
        raise ConfigError(f"selector {term!r}: which flag?")
    return Condition(word, value, holds=sign == "=")


def _fits(name: str, camera: str) -> bool:
    """Level by level: a * in a name must not run over into the next."""
    site, slash, own = name.rpartition("/")
    its_site, _, its_own = camera.partition("/")
    return fnmatchcase(its_own, own) and (not slash or fnmatchcase(its_site, site))


def _meant(name: str, cameras: Iterable[str]) -> str:
    known = list(cameras)
    if not known:
        return "; no camera of this agency has ever spoken to this broker"
    sites = sorted({f"{camera.partition('/')[0]}/*" for camera in known})
    return suggestion(name, difflib.get_close_matches(name, [*known, *sites], 1) or sites)


def _seen(conditions: Sequence[Condition], states: Mapping[str, StateMessage | None]) -> str:
    """The end of that error: what could have been asked for."""
    told = [state for state in states.values() if state is not None]
    flags = sorted({flag for state in told for flag in state.flags})
    for one in conditions:
        if one.word == "flag" and one.holds and one.value not in flags:
            return suggestion(one.value, flags) if flags else "; none has any flag"
    counted = Counter(state.state for state in told)
    return f"; there are {', '.join(f'{count} {state}' for state, count in sorted(counted.items())) or 'none'}"

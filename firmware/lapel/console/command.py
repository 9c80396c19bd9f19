"""Commands as a table: nouns, then verbs. Parsing, unique prefixes, help and completion come from it."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lapel.console.interface import ConsoleCamera, Role
from lapel.console.layout import Block, Pairs, Text
from lapel.console.tokens import split
from lapel.errors import ConsoleError

if TYPE_CHECKING:
    from lapel.console.invocation import Invocation


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found: `data` for programs, `blocks` for people."""

    data: Any
    blocks: tuple[Block, ...] = ()


Run = Callable[["Invocation"], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A word after the verb; with `rest`, all words up to the end."""

    name: str
    meaning: str
    optional: bool = False
    rest: bool = False
    choices: tuple[str, ...] = ()
    known: Callable[[ConsoleCamera], Iterable[str]] | None = None
    """Words to complete with, where they depend on the camera. Must not block."""

    @property
    def usage(self) -> str:
        """As help writes it."""
        word = "|".join(self.choices) if self.choices else self.name.upper()
        return f"[{word}]" if self.optional else word


@dataclass(frozen=True, slots=True)
class Option:
    """`--name VALUE`, anywhere after the verb."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that can be done. Without a name it is what the noun by itself does."""

    name: str
    run: Run
    meaning: str
    role: Role = "viewer"
    parameters: tuple[Parameter, ...] = ()
    options: tuple[Option, ...] = ()
    not_while_recording: bool = False
    interactive: bool = False
    """Needs somebody at the keys; refused in machine mode."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A thing that commands are about. The first verb is also the noun's own, if it needs no more words."""

    name: str
    meaning: str
    verbs: tuple[Verb, ...]

    @property
    def own(self) -> Verb | None:
        """What the noun by itself does."""
        first = self.verbs[0]
        return first if not first.name or all(one.optional for one in first.parameters) else None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A line understood."""

    noun: Noun
    verb: Verb
    words: Mapping[str, str] = field(default_factory=dict)
    json: bool = False
    help: bool = False

    @property
    def name(self) -> str:
        """As it would be typed in full."""
        return f"{self.noun.name} {self.verb.name}".strip()


@dataclass(frozen=True, slots=True)
class Completion:
    """What Tab may do: `add` to the line, or show `choices`."""

    add: str
    choices: tuple[str, ...]


class Table:
    """Every command there is."""

    def __init__(self, nouns: Iterable[Noun]) -> None:
        self._nouns = {noun.name: noun for noun in sorted(nouns, key=lambda one: one.name)}

    @property
    def nouns(self) -> Sequence[Noun]:
        """In the order of the alphabet."""
        return tuple(self._nouns.values())

    def parse(self, line: str) -> Parsed:
        """Understand `line`. Raises ConsoleError that says what would have been right."""
        words = split(line)
        noun = self._nouns[_meant(words[0], self._nouns, "command")]
        rest = words[1:]
        wants_help = any(word in ("-h", "--help") for word in rest)
        rest = [word for word in rest if word not in ("-h", "--help")]
        as_json = "-j" in rest
        rest = [word for word in rest if word != "-j"]
        verb, rest = _verb(noun, rest)
        if wants_help:
            return Parsed(noun, verb or noun.verbs[0], help=True)
        if verb is None:
            raise ConsoleError(f"{noun.name}: needs a verb: {', '.join(one.name for one in noun.verbs)}", "usage")
        return Parsed(noun, verb, _arguments(noun, verb, rest), as_json)

    def help(self, line: str) -> tuple[Block, ...]:
        """What may come after `line`, for `?` and `-h`."""
        words = [word for word in _loose_words(line) if not word.startswith("-")]
        if not words:
            return (
                Pairs([(noun.name, noun.meaning) for noun in self.nouns]),
                Text("Any unique beginning will do. `NOUN ?` shows its verbs; -j after any command answers in JSON."),
            )
        noun = self._nouns[_meant(words[0], self._nouns, "command")]
        verbs = noun.verbs
        if len(words) > 1:
            chosen, _ = _verb(noun, words[1:])
            verbs = (chosen,) if chosen else verbs
        return tuple(block for verb in verbs for block in _help_of(noun, verb, in_full=len(verbs) == 1))

    def complete(self, line: str, desk: ConsoleCamera) -> Completion:
        """What Tab after `line` means."""
        *before, last = [*_loose_words(line), ""] if not line or line.endswith(" ") else _loose_words(line)
        try:
            known = sorted(self._known(before, desk))
        except ConsoleError:
            known = []
        fitting = tuple(word for word in known if word.startswith(last))
        if not fitting:
            return Completion("", ())
        if len(fitting) == 1:
            return Completion(fitting[0][len(last) :] + " ", fitting)
        return Completion(_common(fitting)[len(last) :], fitting)

    def _known(self, before: Sequence[str], desk: ConsoleCamera) -> Iterable[str]:
        if not before:
            return self._nouns
        noun = self._nouns[_meant(before[0], self._nouns, "command")]
        if len(before) == 1 and noun.verbs[0].name:
            return [verb.name for verb in noun.verbs]
        verb, words = _verb(noun, list(before[1:]))
        if verb is None or len(words) >= len(verb.parameters):
            return [f"--{option.name}" for option in verb.options] if verb else []
        parameter = verb.parameters[len(words)]
        return parameter.choices or (parameter.known(desk) if parameter.known else ())


def all_commands() -> Table:
    """One module of `lapel.console.commands` is one noun: a new command is a new file there."""
    from lapel.console import commands

    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    return Table(importlib.import_module(f"{commands.__name__}.{name}").NOUN for name in names)


def _loose_words(line: str) -> list[str]:
    """For a line that is still being typed."""
    return line.replace('"', " ").split()


def _meant(word: str, known: Iterable[str], what: str) -> str:
    """The one that `word` is, or begins. Raises ConsoleError when there is none, or more than one."""
    names = list(known)
    fitting = [word] if word in names else [name for name in names if name.startswith(word)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ConsoleError(f"`{word}` may be {', '.join(fitting)}: type more of it", "usage")
    raise ConsoleError(f"`{word}` is no {what}; there are {', '.join(names)}", "usage")


def _verb(noun: Noun, words: list[str]) -> tuple[Verb | None, list[str]]:
    """The verb and the words after it. A word that is no verb is meant for the noun's own, if that takes any."""
    verbs = {verb.name: verb for verb in noun.verbs}
    if not noun.verbs[0].name or not words:
        return noun.own, words
    fitting = [name for name in verbs if name.startswith(words[0])]
    if not fitting and noun.own is not None and noun.own.parameters:
        return noun.own, words
    return verbs[_meant(words[0], verbs, f"verb of {noun.name}")], words[1:]


def _arguments(noun: Noun, verb: Verb, words: list[str]) -> dict[str, str]:
    name = f"{noun.name} {verb.name}".strip()
    found: dict[str, str] = {}
    for option in verb.options:
        flag = f"--{option.name}"
        if flag in words:
            at = words.index(flag)
            if at + 1 >= len(words):
                raise ConsoleError(f"{name}: {flag} needs a value: {option.meaning}", "usage")
            found[option.name] = words[at + 1]
            del words[at : at + 2]
    for parameter in verb.parameters:
        if not words:
            if parameter.optional:
                break
            raise ConsoleError(f"{name}: needs {parameter.usage}: {parameter.meaning}", "usage")
        if parameter.rest:
            found[parameter.name], words = " ".join(words), []
        else:
            word, words = words[0], words[1:]
            found[parameter.name] = _meant(word, parameter.choices, "choice") if parameter.choices else word
    if words:
        raise ConsoleError(f"{name}: `{words[0]}` is too much; try `{name} -h`", "usage")
    return found


def _help_of(noun: Noun, verb: Verb, *, in_full: bool) -> list[Block]:
    parts = [noun.name, verb.name, *[one.usage for one in verb.parameters]]
    parts += [f"[--{option.name} {option.name.upper()}]" for option in verb.options]
    usage = " ".join(part for part in parts if part)
    notes = [
        note
        for note, holds in (("service", verb.role == "service"), ("not while recording", verb.not_while_recording))
        if holds
    ]
    blocks: list[Block] = [Text(usage), Text(verb.meaning + (f" ({', '.join(notes)})" if notes else ""), indent=4)]
    if in_full:
        rows = [(one.usage, one.meaning) for one in verb.parameters]
        rows += [(f"--{option.name}", option.meaning) for option in verb.options]
        blocks += [Pairs(rows)] if rows else []
    return blocks


def _common(words: Sequence[str]) -> str:
    first, last = min(words), max(words)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:same]

"""Parses a line as a command, accepts unique prefixes, gives help and completion. The commands are in `commands/`."""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lapel.console.command import Noun, Verb
from lapel.console.interface import ConsoleCamera
from lapel.console.layout import Block, Pairs, Text
from lapel.console.tokens import split
from lapel.errors import ConsoleError


@dataclass(frozen=True, slots=True)
class ParsedCommand:
    """A line that is a valid command."""

    noun: Noun
    verb: Verb
    words: Mapping[str, str] = field(default_factory=dict)
    json: bool = False
    help: bool = False

    @property
    def name(self) -> str:
        """Noun and verb, unabbreviated."""
        return f"{self.noun.name} {self.verb.name}".strip()


@dataclass(frozen=True, slots=True)
class Completion:
    """The effect of Tab: text to `add` to the line, or several `choices` to show."""

    add: str
    choices: tuple[str, ...]


class CommandTable:
    """All nouns with their verbs. Implements `lapel.console.invocation.CommandReference`."""

    def __init__(self, nouns: Iterable[Noun]) -> None:
        self._nouns = {noun.name: noun for noun in sorted(nouns, key=lambda one: one.name)}

    @property
    def nouns(self) -> Sequence[Noun]:
        """In alphabetical order."""
        return tuple(self._nouns.values())

    def names(self) -> Sequence[str]:
        """See `CommandReference.names`."""
        return tuple(self._nouns)

    def parse(self, line: str) -> ParsedCommand:
        """Parse `line`. Raises ConsoleError that names what would be valid."""
        words = split(line)
        noun = self._nouns[_resolve(words[0], self._nouns, "command")]
        rest = words[1:]
        wants_help = any(word in ("-h", "--help") for word in rest)
        rest = [word for word in rest if word not in ("-h", "--help")]
        as_json = "-j" in rest
        rest = [word for word in rest if word != "-j"]
        verb, rest = _verb(noun, rest)
        if wants_help:
            return ParsedCommand(noun, verb or noun.verbs[0], help=True)
        if verb is None:
            raise ConsoleError(f"{noun.name}: needs a verb: {', '.join(one.name for one in noun.verbs)}", "usage")
        return ParsedCommand(noun, verb, _arguments(noun, verb, rest), as_json)

    def help(self, line: str) -> tuple[Block, ...]:
        """What may follow `line`, for `?` and `-h`."""
        words = [word for word in _unfinished_words(line) if not word.startswith("-")]
        if not words:
            return (
                Pairs([(noun.name, noun.meaning) for noun in self.nouns]),
                Text("Any unique prefix is enough. `NOUN ?` lists its verbs; -j after any command prints JSON."),
            )
        noun = self._nouns[_resolve(words[0], self._nouns, "command")]
        verbs = noun.verbs
        if len(words) > 1:
            chosen, _ = _verb(noun, words[1:])
            verbs = (chosen,) if chosen else verbs
        return tuple(block for verb in verbs for block in _verb_help(noun, verb, in_full=len(verbs) == 1))

    def complete(self, line: str, camera: ConsoleCamera) -> Completion:
        """The effect of Tab after `line`."""
        words = _unfinished_words(line)
        *before, last = [*words, ""] if not line or line.endswith(" ") else words
        try:
            known = sorted(self._candidates(before, camera))
        except ConsoleError:
            known = []
        matching = tuple(word for word in known if word.startswith(last))
        if not matching:
            return Completion("", ())
        if len(matching) == 1:
            return Completion(matching[0][len(last) :] + " ", matching)
        return Completion(_common_prefix(matching)[len(last) :], matching)

    def _candidates(self, before: Sequence[str], camera: ConsoleCamera) -> Iterable[str]:
        """The words that may follow the words `before`."""
        if not before:
            return self._nouns
        noun = self._nouns[_resolve(before[0], self._nouns, "command")]
        if len(before) == 1 and noun.verbs[0].name:
            return [verb.name for verb in noun.verbs]
        verb, words = _verb(noun, list(before[1:]))
        if verb is None or len(words) >= len(verb.parameters):
            return [f"--{option.name}" for option in verb.options] if verb else []
        parameter = verb.parameters[len(words)]
        return parameter.choices or (parameter.known(camera) if parameter.known else ())


def all_commands() -> CommandTable:
    """The commands of the package `lapel.console.commands`: each module there defines one noun."""
    from lapel.console import commands

    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    return CommandTable(importlib.import_module(f"{commands.__name__}.{name}").NOUN for name in names)


def _unfinished_words(line: str) -> list[str]:
    """The words of a line that is still being typed: quotation marks may be open."""
    return line.replace('"', " ").split()


def _resolve(word: str, known: Iterable[str], kind: str) -> str:
    """The name that `word` is, or is a unique prefix of. Raises ConsoleError when there is none, or more than one."""
    names = list(known)
    matching = [word] if word in names else [name for name in names if name.startswith(word)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise ConsoleError(f"`{word}` is ambiguous: {', '.join(matching)}; type more letters", "usage")
    raise ConsoleError(f"unknown {kind} `{word}`; use one of: {', '.join(names)}", "usage")


def _verb(noun: Noun, words: list[str]) -> tuple[Verb | None, list[str]]:
    """The verb and the words after it. A word that is no verb is a parameter of the default verb, if that takes any."""
    verbs = {verb.name: verb for verb in noun.verbs}
    if not noun.verbs[0].name or not words:
        return noun.default_verb, words
    matching = [name for name in verbs if name.startswith(words[0])]
    if not matching and noun.default_verb is not None and noun.default_verb.parameters:
        return noun.default_verb, words
    return verbs[_resolve(words[0], verbs, f"{noun.name} verb")], words[1:]


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
            found[parameter.name] = _resolve(word, parameter.choices, "value") if parameter.choices else word
    if words:
        raise ConsoleError(f"{name}: unexpected word `{words[0]}`; see `{name} -h`", "usage")
    return found


def _verb_help(noun: Noun, verb: Verb, *, in_full: bool) -> list[Block]:
    parts = [noun.name, verb.name, *[one.usage for one in verb.parameters]]
    parts += [f"[--{option.name} {option.name.upper()}]" for option in verb.options]
    usage = " ".join(part for part in parts if part)
    notes = [
        note
        for note, applies in (("service", verb.role == "service"), ("not while recording", verb.not_while_recording))
        if applies
    ]
    blocks: list[Block] = [Text(usage), Text(verb.meaning + (f" ({', '.join(notes)})" if notes else ""), indent=4)]
    if in_full:
        rows = [(one.usage, one.meaning) for one in verb.parameters]
        rows += [(f"--{option.name}", option.meaning) for option in verb.options]
        blocks += [Pairs(rows)] if rows else []
    return blocks


def _common_prefix(words: Sequence[str]) -> str:
    first, last = min(words), max(words)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:same]

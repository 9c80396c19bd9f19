"""The parts of a command's definition: noun, verbs, parameters, options, and the answer it returns."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lapel.console.interface import ConsoleCamera, Outcome, Role
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Text
from lapel.errors import ConsoleError


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a command: `data` for programs (as JSON), `blocks` for the terminal."""

    data: Any
    blocks: tuple[Block, ...] = ()


def require_done(command: str, outcome: Outcome) -> None:
    """Raise ConsoleError unless the camera did what `command` requested."""
    if not outcome.done:
        raise ConsoleError(f"{command}: refused: {outcome.reason}", "refused")


def answer_of(command: str, outcome: Outcome, done: str) -> Answer:
    """The answer once the camera has done what `command` requested, `done` in words. Raises ConsoleError otherwise."""
    require_done(command, outcome)
    return Answer(outcome, (Text(done, "good"),))


Run = Callable[[Invocation], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A word after the verb; with `rest`, all remaining words."""

    name: str
    meaning: str
    optional: bool = False
    rest: bool = False
    choices: tuple[str, ...] = ()
    known: Callable[[ConsoleCamera], Iterable[str]] | None = None
    """Words for completion, where they depend on the camera. Must not block."""

    @property
    def usage(self) -> str:
        """As the usage line shows it."""
        word = "|".join(self.choices) if self.choices else self.name.upper()
        return f"[{word}]" if self.optional else word


@dataclass(frozen=True, slots=True)
class Option:
    """`--name VALUE`, anywhere after the verb."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Verb:
    """An action. A verb without a name is what the noun alone does."""

    name: str
    run: Run
    meaning: str
    role: Role = "viewer"
    parameters: tuple[Parameter, ...] = ()
    options: tuple[Option, ...] = ()
    not_while_recording: bool = False
    interactive: bool = False
    """Needs a user at a terminal; refused in machine mode."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A group of commands. Its first verb may be left out, unless it has required parameters."""

    name: str
    meaning: str
    verbs: tuple[Verb, ...]

    @property
    def default_verb(self) -> Verb | None:
        """The verb that runs when none is typed."""
        first = self.verbs[0]
        return first if not first.name or all(one.optional for one in first.parameters) else None

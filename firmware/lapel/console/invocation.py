"""The input of a command: the console's services, the user's role, and the words that were typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lapel.clock import Clock
from lapel.console.candidate import CandidateConfig
from lapel.console.console_log import ConsoleLog
from lapel.console.interface import ConsoleCamera, Role
from lapel.console.layout import Block
from lapel.console.login import LoginGuard
from lapel.errors import ConsoleError
from lapel.logs import Level
from lapel.worker import Worker


class InteractiveSession(Protocol):
    """A session with a user at a terminal, for the commands that need one."""

    def show(self, *blocks: Block) -> None:
        """Show blocks now, before the command's answer."""

    async def read_key(self) -> str:
        """The next key."""

    async def read_line(self, prompt: str, *, echo: bool = True) -> str:
        """A line typed after `prompt`. Raises ConsoleError when the user cancels it with ^C."""

    def set_log_level(self, level: Level | None) -> None:
        """Show log lines of this level or higher at the prompt; None: show none."""

    def discard_pending_log(self) -> None:
        """Drop the log lines that wait to be shown: the command has shown them itself."""

    def resize(self, columns: int | None, colour: bool | None) -> None:
        """Set the terminal's width or colour; without either, query the terminal."""

    def terminal(self) -> tuple[int, bool]:
        """Columns, and whether colours are on."""

    async def send_file(self, path: Path, limit_s: float) -> float:
        """Send a file by ZMODEM; returns the seconds it took. Raises ConsoleError when the transfer fails."""

    def begin_machine_mode(self) -> None:
        """Enter machine mode after this command."""

    def log_out(self) -> None:
        """Log out after this command."""


class CommandReference(Protocol):
    """The help texts of all commands, for the command `help`."""

    def names(self) -> Sequence[str]:
        """The nouns, in alphabetical order."""

    def help(self, line: str) -> tuple[Block, ...]:
        """What may follow `line`. Raises ConsoleError for an unknown command."""


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """The objects that every session on one camera, and every command, works with."""

    camera: ConsoleCamera
    clock: Clock
    worker: Worker
    console_log: ConsoleLog
    candidate: CandidateConfig
    login: LoginGuard


@dataclass(frozen=True, slots=True)
class Invocation(ConsoleServices):
    """One command, about to be executed."""

    commands: CommandReference
    role: Role
    words: Mapping[str, str]
    interactive: InteractiveSession | None = None
    """None in machine mode."""

    @classmethod
    def of(
        cls,
        services: ConsoleServices,
        commands: CommandReference,
        role: Role,
        words: Mapping[str, str],
        interactive: InteractiveSession | None,
    ) -> "Invocation":
        """An invocation with these services."""
        own = services
        return cls(
            own.camera, own.clock, own.worker, own.console_log, own.candidate, own.login,
            commands, role, words, interactive,
        )  # fmt: skip

    def word(self, name: str, default: str = "") -> str:
        """A parameter or option as it was typed."""
        return self.words.get(name, default)

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """A parameter as a number. Raises ConsoleError that names the bounds."""
        word = self.words.get(name)
        if word is None:
            return default
        try:
            value = float(word)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise ConsoleError(f"{name}: `{word[:40]}` is not a number from {least:g} to {most:g}", "usage")
        return value

    @property
    def session(self) -> InteractiveSession:
        """The interactive session. Raises ConsoleError in machine mode."""
        if self.interactive is None:
            raise ConsoleError("this command needs an interactive session; leave machine mode with `exit`", "refused")
        return self.interactive

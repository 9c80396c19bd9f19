"""What a command is given: the camera's desk, who asks, and the words that came with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lapel.clock import Clock
from lapel.console.candidate import Candidate
from lapel.console.command import Table
from lapel.console.console_log import ConsoleLog
from lapel.console.interface import ConsoleCamera, Role
from lapel.console.layout import Block
from lapel.console.login import LoginGuard
from lapel.errors import ConsoleError
from lapel.logs import Level
from lapel.worker import Worker


class Seat(Protocol):
    """Whoever sits at the keys, for commands that need one."""

    log_level: Level | None
    """From which level on log lines are shown by themselves; None: never."""

    def show(self, *blocks: Block) -> None:
        """Say it now, before the answer."""

    async def key(self) -> str:
        """The next key."""

    async def ask(self, prompt: str, *, echo: bool = True) -> str:
        """A line, typed at `prompt`. Raises ConsoleError when it was broken off with ^C."""

    def caught_up(self) -> None:
        """What the camera said up to now has been seen: it is not told again after the command."""

    def resize(self, columns: int | None, colour: bool | None) -> None:
        """Set the terminal's width or colour; without either, ask the terminal."""

    def terminal(self) -> tuple[int, bool]:
        """Columns, and whether it shows colours."""

    async def send_file(self, path: Path, limit_s: float) -> float:
        """Send it by ZMODEM; the seconds it took. Raises ConsoleError when it cannot be sent or did not arrive."""

    def begin_machine_mode(self) -> None:
        """From the next line on, requests and replies."""

    def leave(self) -> None:
        """Log out after this command."""


@dataclass(frozen=True, slots=True)
class Means:
    """What every visit to one camera, and every command, works with."""

    desk: ConsoleCamera
    clock: Clock
    worker: Worker
    record: ConsoleLog
    candidate: Candidate
    door: LoginGuard
    table: Table


@dataclass(frozen=True, slots=True)
class Invocation(Means):
    """One command, about to be carried out."""

    role: Role
    words: Mapping[str, str]
    seat: Seat | None = None

    @classmethod
    def of(cls, means: Means, role: Role, words: Mapping[str, str], seat: Seat | None) -> "Invocation":
        """With these means."""
        on = means
        return cls(on.desk, on.clock, on.worker, on.record, on.candidate, on.door, on.table, role, words, seat)

    def word(self, name: str, otherwise: str = "") -> str:
        """A parameter or option as it was typed."""
        return self.words.get(name, otherwise)

    def number(self, name: str, otherwise: float, least: float, most: float) -> float:
        """A parameter as a number. Raises ConsoleError that names its bounds."""
        word = self.words.get(name)
        if word is None:
            return otherwise
        try:
            value = float(word)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise ConsoleError(f"{name}: `{word[:40]}` is no number from {least:g} to {most:g}", "usage")
        return value

    @property
    def at_keys(self) -> Seat:
        """Raises ConsoleError where nobody sits at the keys."""
        if self.seat is None:
            raise ConsoleError("this command needs somebody at the keys; leave machine mode first", "refused")
        return self.seat

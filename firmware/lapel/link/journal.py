"""Persistence of the outbox: unacknowledged messages, and the newest reply to each command.

`sqlite_journal.py` keeps them on disk, so that a power cut loses neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lapel.link.messages import EventMessage, Reply

KEPT_ANSWERS = 1_000
"""How many commands are remembered: a duplicate of an older one is treated as a new command."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a reply is published: the response topic and correlation data that the command's sender chose."""

    reply_to: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An unacknowledged message. Numbers increase over all messages that this camera ever queued."""

    number: int
    message: EventMessage | Reply
    route: Route = Route()


@dataclass(frozen=True, slots=True)
class Answer:
    """The newest reply to one command."""

    number: int
    reply: Reply
    route: Route = Route()


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes to write in one transaction."""

    added: Sequence[Waiting] = ()
    removed: Sequence[int] = ()
    answers: Sequence[Answer] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """The journal's content: each list in the order of its numbers."""

    waiting: list[Waiting] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


class Journal(Protocol):
    """Persists the outbox. Blocking: called through a Worker, one call at a time. Raises StorageError."""

    def load(self) -> Kept:
        """The whole content."""

    def apply(self, changes: Changes) -> None:
        """Write the changes; when this returns, a power cut cannot take them back."""

    def close(self) -> None:
        """Close the files. Harmless when closed."""


class MemoryJournal:
    """Keeps the outbox in memory, longer than one session: for simulated power cuts, and where no file is kept."""

    def __init__(self) -> None:
        self._waiting: dict[int, Waiting] = {}
        self._answers: dict[str, Answer] = {}

    def load(self) -> Kept:
        """See `Journal.load`."""
        return Kept(list(self._waiting.values()), list(self._answers.values()))

    def apply(self, changes: Changes) -> None:
        """See `Journal.apply`."""
        self._waiting.update((one.number, one) for one in changes.added)
        for number in changes.removed:
            self._waiting.pop(number, None)
        for answer in changes.answers:
            self._answers.pop(answer.reply.id, None)  # the newest is last
            self._answers[answer.reply.id] = answer
        while len(self._answers) > KEPT_ANSWERS:
            del self._answers[next(iter(self._answers))]

    def close(self) -> None:
        """Nothing to close."""

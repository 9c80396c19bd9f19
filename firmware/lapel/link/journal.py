"""What is kept of the outbox: messages that wait for the broker, and the newest reply to each command.

`sqlite_journal.py` keeps it on disk, so that neither is lost with the power.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lapel.link.messages import EventMessage, Reply

KEPT_ANSWERS = 1_000
"""How many commands are remembered: a duplicate that comes later than that is taken for a new one."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where an answer goes: a topic of the asker's choice, and what it wants to get back with it."""

    reply_to: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that was not acknowledged yet. Its number orders it among all that this camera ever said."""

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
    """What to write down, all or nothing."""

    added: Sequence[Waiting] = ()
    removed: Sequence[int] = ()
    answers: Sequence[Answer] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What was found: each list in the order of its numbers."""

    waiting: list[Waiting] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


class Journal(Protocol):
    """Keeps the outbox. Blocking: called through a Worker, one call at a time. Raises StorageError."""

    def load(self) -> Kept:
        """All that is kept."""

    def apply(self, changes: Changes) -> None:
        """Write the changes; when this returns, a power cut cannot take them back."""

    def close(self) -> None:
        """Let go of the files. Harmless when closed."""


class MemoryJournal:
    """Outlives the session that uses it, as a disk does: for the simulator and its power cuts, and for no outbox."""

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
            self._answers.pop(answer.reply.id, None)  # the newest stands last
            self._answers[answer.reply.id] = answer
        while len(self._answers) > KEPT_ANSWERS:
            del self._answers[next(iter(self._answers))]

    def close(self) -> None:
        """Nothing to let go of."""

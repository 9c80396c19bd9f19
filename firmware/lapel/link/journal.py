"""What a camera must still say, and what it answered, on a disk: so that neither is lost with the power."""

import contextlib
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from lapel.errors import StorageError
from lapel.link.messages import EventMessage, Reply

KEPT_ANSWERS = 1_000
"""How many commands are remembered: a duplicate that comes later than that is taken for a new one."""

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE waiting (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload BLOB NOT NULL, reply_to TEXT, correlation BLOB
) STRICT;
CREATE TABLE answered (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, reply BLOB NOT NULL, reply_to TEXT, correlation BLOB
) STRICT;
CREATE INDEX answered_by_age ON answered (number);
"""


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


class SqliteJournal:
    """One SQLite file. A damaged one is set aside, never thrown away, and a new one begun."""

    def __init__(self, path: Path) -> None:
        """Touches nothing: the file's folder may be on a card that is put in later."""
        self._path = path
        self._database: sqlite3.Connection | None = None
        self._busy = threading.Lock()  # a cancelled task leaves its call running in a worker's thread
        self.set_aside: Path | None = None
        """Where a damaged file was put, if one was found."""

    def load(self) -> Kept:
        """See `Journal.load`. A damaged file holds nothing that could be trusted."""
        with self._busy:
            try:
                return _read(self._opened())
            except (sqlite3.DatabaseError, msgspec.DecodeError) as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise self._trouble(error) from error
                self._put_aside()
            try:
                return _read(self._opened())
            except sqlite3.Error as error:
                raise self._trouble(error) from error

    def apply(self, changes: Changes) -> None:
        """See `Journal.apply`."""
        with self._busy:
            try:
                with self._opened() as database:
                    _write(database, changes)
            except sqlite3.Error as error:
                self._shut()  # the card may have been changed: look at it anew next time
                if type(error) is sqlite3.DatabaseError:  # damaged while it was in use
                    self._put_aside()
                raise self._trouble(error) from error

    def close(self) -> None:
        """See `Journal.close`."""
        with self._busy:
            self._shut()

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            with contextlib.suppress(OSError):  # sqlite says it better
                self._path.parent.mkdir(mode=0o700, exist_ok=True)
            database = sqlite3.connect(self._path, timeout=0.5, check_same_thread=False)
            try:
                _prepare(database)
            except sqlite3.Error:
                database.close()
                raise
            self._database = database
        return self._database

    def _shut(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _put_aside(self) -> None:
        self._shut()
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
            number += 1
        try:
            self._path.rename(aside)
        except OSError as error:
            raise StorageError(f"{self._path}: is damaged and cannot be set aside: {error.strerror}") from error
        for left in ("-wal", "-shm", "-journal"):
            self._path.with_name(self._path.name + left).unlink(missing_ok=True)
        self.set_aside = aside

    def _trouble(self, error: sqlite3.Error) -> StorageError:
        return StorageError(f"{self._path}: events cannot be kept there: {error}; check the disk")


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA locking_mode = EXCLUSIVE")  # a second camera in the same folder must wait for its turn
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")  # in WAL mode the default forgets the newest on a power cut
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        with database:
            database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT")
    elif version != _SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"schema {version}, not {_SCHEMA_VERSION}")


def _read(database: sqlite3.Connection) -> Kept:
    waiting = [
        Waiting(number, msgspec.json.decode(payload, type=_KINDS[kind]), Route(reply_to, correlation))
        for number, kind, payload, reply_to, correlation in database.execute(
            "SELECT number, kind, payload, reply_to, correlation FROM waiting ORDER BY number"
        )
    ]
    answers = [
        Answer(number, msgspec.json.decode(reply, type=Reply), Route(reply_to, correlation))
        for number, reply, reply_to, correlation in database.execute(
            "SELECT number, reply, reply_to, correlation FROM answered ORDER BY number"
        )
    ]
    return Kept(waiting, answers)


def _write(database: sqlite3.Connection, changes: Changes) -> None:
    database.executemany(
        "INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?)",
        [
            (
                one.number,
                _kind(one.message),
                msgspec.json.encode(one.message),
                one.route.reply_to,
                one.route.correlation,
            )
            for one in changes.added
        ],
    )
    database.executemany("DELETE FROM waiting WHERE number = ?", [(number,) for number in changes.removed])
    database.executemany(
        "INSERT OR REPLACE INTO answered VALUES (?, ?, ?, ?, ?)",
        [(one.reply.id, one.number, msgspec.json.encode(one.reply), *_columns(one.route)) for one in changes.answers],
    )
    if changes.answers:
        database.execute(
            "DELETE FROM answered WHERE number <= (SELECT number FROM answered ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (KEPT_ANSWERS,),
        )


_KINDS: dict[str, type[EventMessage] | type[Reply]] = {"event": EventMessage, "reply": Reply}


def _kind(message: EventMessage | Reply) -> str:
    return "reply" if isinstance(message, Reply) else "event"


def _columns(route: Route) -> tuple[str | None, bytes | None]:
    return route.reply_to, route.correlation

"""The history of a fleet in SQLite: events, states, measurements, commands and who looked. Survives a restart.

Everything is written at most once: an event has its id, a state its time. Blocking; the page calls it through a worker
with one thread.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from lapel.clock import iso
from lapel.errors import StorageError
from lapel.link.messages import EventMessage

_FORMAT = 1
_SCHEMA = f"""
PRAGMA user_version = {_FORMAT};
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    camera TEXT NOT NULL, id TEXT NOT NULL, time TEXT NOT NULL, kind TEXT NOT NULL, mono_s REAL NOT NULL,
    session TEXT NOT NULL, detail TEXT NOT NULL, received TEXT NOT NULL, UNIQUE (camera, id));
CREATE INDEX IF NOT EXISTS events_by_time ON events (camera, time);
CREATE INDEX IF NOT EXISTS events_received ON events (received);
CREATE TABLE IF NOT EXISTS states (
    camera TEXT NOT NULL, time TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, received TEXT NOT NULL,
    UNIQUE (camera, time, state));
CREATE TABLE IF NOT EXISTS samples (
    camera TEXT NOT NULL, time TEXT NOT NULL, battery_percent REAL, storage_free_bytes INTEGER,
    PRIMARY KEY (camera, time)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY, camera TEXT NOT NULL, command TEXT NOT NULL, reason TEXT NOT NULL, sender TEXT NOT NULL,
    sent TEXT NOT NULL, result TEXT NOT NULL, result_reason TEXT NOT NULL, took_s REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS commands_by_camera ON commands (camera, sent);
"""
_TIMES = {"events": "received", "states": "received", "samples": "time", "commands": "sent"}
"""Of each table, the column that decides how long a row is kept."""
_NEWEST = 200

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command that was sent from the page, and its account."""

    id: str
    camera: str
    command: str
    reason: str
    sender: str
    sent: str
    result: str = ""
    """As in `lapel-fleet send`; empty while it is open."""
    result_reason: str = ""
    took_s: float | None = None


class History:
    """The file. Every method blocks, and may raise StorageError."""

    def __init__(self, path: Path | str) -> None:
        """Open or create it. `:memory:` for none."""
        self._path = path
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False)
            self._prepare()
        except sqlite3.Error as error:
            raise StorageError(f"history {path}: {error}; name another file with --history, or remove it") from error

    def _prepare(self) -> None:
        try:
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version > _FORMAT:
                raise sqlite3.DatabaseError(f"made by a later Lapel (format {version})")
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def client_id(self) -> str:
        """The id under which a broker keeps events for the owner of this file while it is away."""
        with self._writing():
            self._connection.execute("INSERT OR IGNORE INTO about VALUES ('client', ?)", [uuid.uuid4().hex[:12]])
        return f"lapel-page-{self._rows('SELECT value FROM about WHERE key = ?', 'client')[0][0]}"

    def write(self, rows: Mapping[str, Iterable[Row]]) -> None:
        """Add rows to tables in one transaction. What is there already stays."""
        with self._writing():
            for table, values in rows.items():
                for row in values:
                    marks = ", ".join("?" * len(row))
                    self._connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)

    def set_result(self, id_: str, result: str, reason: str, took_s: float | None) -> None:
        """The account of a command."""
        with self._writing():
            self._connection.execute(
                "UPDATE commands SET result = ?, result_reason = ?, took_s = ? WHERE id = ?",
                [result, reason, took_s, id_],
            )

    def remove_before(self, oldest: datetime) -> None:
        """Remove what is older."""
        with self._writing():
            for table, column in _TIMES.items():
                self._connection.execute(f"DELETE FROM {table} WHERE {column} < ?", [iso(oldest)])

    def events(self, camera: str, most: int = _NEWEST) -> list[EventMessage]:
        """The newest events of a camera, the newest first."""
        rows = self._rows(
            "SELECT id, kind, time, mono_s, session, detail, camera FROM events WHERE camera = ? "
            "ORDER BY time DESC, rowid DESC LIMIT ?", camera, most,
        )  # fmt: skip
        return [_event(row) for row in rows]

    def newest_events(self) -> list[tuple[str, EventMessage]]:
        """The newest events of all cameras, in the order in which they came."""
        rows = self._rows(
            "SELECT id, kind, time, mono_s, session, detail, camera FROM events ORDER BY rowid DESC LIMIT ?", _NEWEST
        )
        return [(row[6], _event(row)) for row in reversed(rows)]

    def events_between(self, begin: datetime, end: datetime) -> list[tuple[str, EventMessage, str]]:
        """Camera, event and time of receiving of all that happened between two times, the end excluded."""
        rows = self._rows(
            "SELECT id, kind, time, mono_s, session, detail, camera, received FROM events WHERE time >= ? AND time < ?",
            iso(begin), iso(end),
        )  # fmt: skip
        return [(row[6], _event(row[:7]), row[7]) for row in rows]

    def states(self, camera: str, since: datetime) -> list[tuple[str, str, str]]:
        """Time, state and reason of each change since then, and of the last one before."""
        before = self._rows(
            "SELECT time, state, reason FROM states WHERE camera = ? AND time < ? "
            "ORDER BY time DESC, rowid DESC LIMIT 1",
            camera, iso(since),
        )  # fmt: skip
        after = self._rows(
            "SELECT time, state, reason FROM states WHERE camera = ? AND time >= ? ORDER BY time, rowid",
            camera, iso(since),
        )  # fmt: skip
        return [*before, *after]

    def last_states(self) -> dict[str, tuple[str, str]]:
        """Of each camera the newest time and state."""
        rows = self._rows("SELECT camera, time, state FROM states ORDER BY time, rowid")
        return {camera: (time, state) for camera, time, state in rows}  # of each camera the last one stays

    def samples(self, camera: str, since: datetime) -> list[tuple[str, float | None, int | None]]:
        """Time, charge and free storage since then."""
        return self._rows(
            "SELECT time, battery_percent, storage_free_bytes FROM samples WHERE camera = ? AND time >= ? "
            "ORDER BY time", camera, iso(since),
        )  # fmt: skip

    def commands(self, camera: str, most: int = 20) -> list[SentCommand]:
        """The newest commands that were sent to a camera from the page, the newest first."""
        rows = self._rows("SELECT * FROM commands WHERE camera = ? ORDER BY sent DESC LIMIT ?", camera, most)
        return [SentCommand(*row) for row in rows]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A transaction."""
        try:
            with self._connection:
                yield
        except sqlite3.Error as error:
            raise StorageError(f"history {self._path}: cannot be written: {error}") from error

    def _rows(self, query: str, *values: object) -> list[Row]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StorageError(f"history {self._path}: cannot be read: {error}") from error


def event_row(camera: str, event: EventMessage, received: datetime) -> Row:
    """The row of an event."""
    detail = json.dumps(msgspec.to_builtins(event.detail))
    return camera, event.id, event.time, event.kind, event.mono_s, event.session, detail, iso(received)


def kept_since(now: datetime, days: float) -> datetime:
    """The oldest time that is kept."""
    return now - timedelta(days=days)


def _event(row: Row) -> EventMessage:
    id_, kind, time, mono_s, session, detail, camera = row
    return EventMessage(
        id=id_, kind=kind, time=time, mono_s=mono_s, camera=camera.partition("/")[2], session=session,
        detail=json.loads(detail),
    )  # fmt: skip

"""The outbox on disk: one SQLite file, whose content is checked when it is read.

SQLite checks the structure of a file on request, but not its values: each row has a checksum. A damaged file is set
aside, and what is intact in it moves to a new one.
"""

import contextlib
import os
import shutil
import sqlite3
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lapel.errors import StorageError
from lapel.files import PRIVATE, PRIVATE_FOLDER, is_regular_file, open_no_follow
from lapel.link.journal import KEPT_ANSWERS, Answer, Changes, Kept, Route, Waiting
from lapel.link.messages import EventMessage, Reply
from lapel.link.sqlite_wal import log_damage
from lapel.own_files import DamageReports, set_aside

T = TypeVar("T")
Row = tuple[Any, ...]

_SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE waiting (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload BLOB NOT NULL, reply_to TEXT, correlation BLOB,
    crc32 INTEGER NOT NULL
) STRICT;
CREATE TABLE answered (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, reply BLOB NOT NULL, reply_to TEXT, correlation BLOB,
    crc32 INTEGER NOT NULL
) STRICT;
CREATE INDEX answered_by_age ON answered (number);
"""
_WAITING = "SELECT number, kind, payload, reply_to, correlation, crc32 FROM waiting ORDER BY number"
_ANSWERED = "SELECT id, number, reply, reply_to, correlation, crc32 FROM answered ORDER BY number"

_DISK_ERRORS = {
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT,
}  # fmt: skip
"""The disk, or another process, does not let us read or write now. Every other error of SQLite means damage."""
_SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises. The second when it quotes a damaged name in the message of the first."""
_BESIDE = ("-wal", "-shm", "-journal")
"""Files that SQLite keeps beside its own."""


class SqliteJournal:
    """Implements `journal.Journal` with one SQLite file."""

    def __init__(self, path: Path, damage: DamageReports | None = None) -> None:
        """Touches nothing: the file's folder may be on a card that is put in later. `damage` is where damage is
        reported.
        """
        self._path, self._damage = path, damage or DamageReports()
        self._database: sqlite3.Connection | None = None
        self._busy = threading.Lock()  # a cancelled task leaves its call running in a worker's thread

    def load(self) -> Kept:
        """See `Journal.load`. Of a damaged file, what is intact."""
        with self._busy:
            if self._database is None and (damage := self._damage_before_opening()):
                return self._begin_anew(damage)
            try:
                database = self._open()
                _check_structure(database)
                found = _Rows.of(database)
            except _SQLITE_ERRORS as error:
                if _is_of_the_disk(error):
                    raise self._storage_error(error) from error
                return self._begin_anew(str(error))
            return self._begin_anew(found.damage[0]) if found.damage else found.intact

    def apply(self, changes: Changes) -> None:
        """See `Journal.apply`."""
        with self._busy:
            try:
                with self._open() as database:
                    _write(database, changes)
            except _SQLITE_ERRORS as error:
                self._shut()  # the card may have been changed: look at it anew next time
                if _is_of_the_disk(error):
                    raise self._storage_error(error) from error
                self._begin_anew(str(error), changes)

    def close(self) -> None:
        """See `Journal.close`."""
        with self._busy:
            self._shut()

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            with contextlib.suppress(OSError):  # SQLite's own error is raised below
                self._path.parent.mkdir(PRIVATE_FOLDER, exist_ok=True)
                with open_no_follow(self._path, os.O_RDWR | os.O_CREAT, PRIVATE) as descriptor:
                    os.fchmod(descriptor, PRIVATE)  # SQLite, and earlier versions, let others read it
            database = sqlite3.connect(self._path, timeout=0.5, check_same_thread=False)
            try:
                database.text_factory = bytes  # invalid UTF-8 must not end the whole query
                _prepare(database)
            except _SQLITE_ERRORS:
                database.close()
                raise
            self._database = database
        return self._database

    def _shut(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _damage_before_opening(self) -> str:
        """What SQLite would not report, or could wait for without end. Empty when nothing is wrong."""
        if os.path.lexists(self._path) and not is_regular_file(self._path):
            return "it is not a regular file"
        with contextlib.suppress(OSError):
            return log_damage(self._beside("-wal"))
        return ""

    def _begin_anew(self, reason: str, changes: Changes | None = None) -> Kept:
        """Set the damaged file aside, and move what is intact in it to a new one, with `changes`."""
        self._shut()
        aside = self._put_aside(reason)
        kept = _salvage(aside)
        try:
            with self._open() as database:
                _write(database, Changes(added=kept.waiting, answers=kept.answers))
                if changes is not None:
                    _write(database, changes)
        except _SQLITE_ERRORS as error:
            raise self._storage_error(error) from error
        return kept

    def _put_aside(self, reason: str) -> Path:
        damage = set_aside(self._path, reason)
        self._damage.add(damage)
        if not damage.kept_as:
            raise StorageError(f"{damage}; events cannot be kept there: rename or remove it")
        for end in _BESIDE:
            with contextlib.suppress(OSError):
                self._beside(end).rename(self._path.with_name(damage.kept_as + end))
        return self._path.with_name(damage.kept_as)

    def _beside(self, end: str) -> Path:
        return self._path.with_name(self._path.name + end)

    def _storage_error(self, error: Exception) -> StorageError:
        return StorageError(f"{self._path}: events cannot be kept there: {error}; check the disk")


class _Rows:
    """The rows of a file: the intact ones, and what is wrong with the others."""

    def __init__(self) -> None:
        self.intact = Kept()
        self.damage: list[str] = []

    @classmethod
    def of(cls, database: sqlite3.Connection) -> "_Rows":
        """Raises sqlite3.Error."""
        rows = cls()
        rows.read_waiting(database)
        rows.read_answers(database)
        return rows

    def read_waiting(self, database: sqlite3.Connection) -> None:
        """Raises sqlite3.Error; what was read before is kept."""
        self._add(database.execute(_WAITING), _waiting, self.intact.waiting)

    def read_answers(self, database: sqlite3.Connection) -> None:
        """Raises sqlite3.Error; what was read before is kept."""
        self._add(database.execute(_ANSWERED), _answer, self.intact.answers)

    def _add(self, rows: Iterable[Row], make: Callable[[Row], T], into: list[T]) -> None:
        """Make something of each intact row."""
        for *values, checksum in rows:
            row = tuple(values)
            try:
                if checksum != _crc32(row):
                    raise ValueError("the checksum of a row is wrong")
                into.append(make(row))
            except (msgspec.DecodeError, ValueError, LookupError, RecursionError, TypeError, AttributeError) as error:
                self.damage.append(str(error))


def _salvage(path: Path) -> Kept:
    """What is intact in a damaged file: each row that SQLite still finds and whose checksum is right.

    A copy is opened: opening the file itself would change it.
    """
    rows = _Rows()
    with tempfile.TemporaryDirectory(prefix="lapel-outbox-") as folder:
        copy = Path(folder) / "copy"
        with contextlib.suppress(OSError, *_SQLITE_ERRORS):
            for end in ("", *_BESIDE):
                if is_regular_file(source := path.with_name(path.name + end)):
                    shutil.copy(source, copy.with_name(copy.name + end))
            with contextlib.closing(sqlite3.connect(copy)) as database:
                database.text_factory = bytes
                for read in (rows.read_waiting, rows.read_answers):
                    with contextlib.suppress(*_SQLITE_ERRORS):
                        read(database)
    # through a damaged index the same row can be found twice
    return Kept(
        sorted({one.number: one for one in rows.intact.waiting}.values(), key=lambda one: one.number),
        sorted({one.reply.id: one for one in rows.intact.answers}.values(), key=lambda one: one.number),
    )


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA locking_mode = EXCLUSIVE")  # a second camera in the same folder must wait for its turn
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")  # in WAL mode the default forgets the newest on a power cut
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        with database:
            database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT")
    elif version == 1:
        _upgrade(database)
    elif version != _SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"it has schema {version}, not {_SCHEMA_VERSION}")


def _upgrade(database: sqlite3.Connection) -> None:
    """From the schema without checksums."""
    database.text_factory = str
    waiting = database.execute("SELECT number, kind, payload, reply_to, correlation FROM waiting").fetchall()
    answered = database.execute("SELECT id, number, reply, reply_to, correlation FROM answered").fetchall()
    database.text_factory = bytes
    with database:
        database.executescript(
            f"BEGIN; DROP TABLE waiting; DROP TABLE answered; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION};"
        )
        _insert(database, "waiting", waiting)
        _insert(database, "answered", answered)


def _check_structure(database: sqlite3.Connection) -> None:
    """Raises sqlite3.DatabaseError for a damaged file."""
    (result,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if result != b"ok":
        raise sqlite3.DatabaseError(_text(result))


def _waiting(row: Row) -> Waiting:
    number, kind, payload, reply_to, correlation = row
    return Waiting(number, msgspec.json.decode(payload, type=_KINDS[_text(kind)]), _route(reply_to, correlation))


def _answer(row: Row) -> Answer:
    _, number, reply, reply_to, correlation = row
    return Answer(number, msgspec.json.decode(reply, type=Reply), _route(reply_to, correlation))


def _route(reply_to: bytes | None, correlation: bytes | None) -> Route:
    return Route(None if reply_to is None else _text(reply_to), correlation)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()


def _write(database: sqlite3.Connection, changes: Changes) -> None:
    _insert(
        database,
        "waiting",
        (
            (one.number, _kind(one.message), msgspec.json.encode(one.message), *_columns(one.route))
            for one in changes.added
        ),
    )
    database.executemany("DELETE FROM waiting WHERE number = ?", [(number,) for number in changes.removed])
    _insert(
        database,
        "answered",
        ((one.reply.id, one.number, msgspec.json.encode(one.reply), *_columns(one.route)) for one in changes.answers),
    )
    if changes.answers:
        database.execute(
            "DELETE FROM answered WHERE number <= (SELECT number FROM answered ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (KEPT_ANSWERS,),
        )


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    database.executemany(
        f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?, ?)", ((*row, _crc32(row)) for row in rows)
    )


def _crc32(row: Row) -> int:
    """Checksum of a row's values, texts as UTF-8."""
    return zlib.crc32(b"\0".join(_bytes(value) for value in row))


def _bytes(value: Any) -> bytes:
    match value:
        case None:
            return b"-"
        case bytes():
            return b"=" + value
        case _:
            return b"=" + str(value).encode()


_KINDS: dict[str, type[EventMessage] | type[Reply]] = {"event": EventMessage, "reply": Reply}


def _kind(message: EventMessage | Reply) -> str:
    return "reply" if isinstance(message, Reply) else "event"


def _columns(route: Route) -> tuple[str | None, bytes | None]:
    return route.reply_to, route.correlation


def _is_of_the_disk(error: Exception) -> bool:
    """Whether the disk, or another process, is in the way, rather than the file damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code != sqlite3.SQLITE_IOERR_SHORT_READ and code & 0xFF in _DISK_ERRORS

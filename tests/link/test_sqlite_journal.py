"""The outbox on disk: damaged in every way, what is intact comes back, and nothing else does."""

import os
import random
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from lapel.link.journal import Answer, Changes, Kept, Route, Waiting
from lapel.link.messages import EventMessage, Reply
from lapel.link.sqlite_journal import SqliteJournal
from lapel.own_files import Damage, DamageReports

NOW = "2026-11-24T07:00:00Z"
EVENTS = 30


def event(number: int) -> EventMessage:
    return EventMessage(
        id=f"e{number}",
        kind="marker",
        time=NOW,
        mono_s=1.0,
        camera="c",
        session="s",
        detail={"n": number, "t": "é" * 20},
    )


def reply(id_: str) -> Reply:
    return Reply(id=id_, command="arm", result="done", state="buffering", time=NOW)


CHANGES = Changes(
    added=[
        *(Waiting(number, event(number)) for number in range(1, EVENTS)),
        Waiting(EVENTS, reply("r"), Route("lapel/v1/a/b/c/reply/x", b"\0token")),
    ],
    answers=[Answer(number, reply(f"r{number}"), Route(None, b"\1")) for number in range(1, 6)],
)
KEPT = Kept([*CHANGES.added], [*CHANGES.answers])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal that was closed."""
    path = tmp_path / "outbox.sqlite"
    journal = SqliteJournal(path)
    journal.apply(CHANGES)
    journal.close()
    return path


@pytest.fixture
def after_a_power_cut(tmp_path: Path) -> Path:
    """A journal whose newest transactions are in its write-ahead log only."""
    journal = SqliteJournal(tmp_path / "live.sqlite")
    journal.apply(Changes(added=CHANGES.added[:10]))
    journal.apply(Changes(added=CHANGES.added[10:]))
    journal.apply(Changes(answers=CHANGES.answers))
    for end in ("", "-wal"):
        shutil.copy(tmp_path / f"live.sqlite{end}", tmp_path / f"outbox.sqlite{end}")
    journal.close()
    return tmp_path / "outbox.sqlite"


def load(path: Path) -> tuple[Kept, list[Damage]]:
    """What the next start finds; it must be able to write afterwards."""
    damage = DamageReports()
    journal = SqliteJournal(path, damage)
    kept = journal.load()
    journal.apply(Changes(added=[Waiting(1000, event(1000))]))
    again = journal.load()
    assert [one.number for one in again.waiting] == [*(one.number for one in kept.waiting), 1000]
    journal.close()
    return kept, damage.take()


def check(path: Path, may_be: Sequence[Kept], *, what: object) -> bool:
    """Whether damage was found: if not, what is read is one of `may_be`; if so, nothing that was not written."""
    kept, damage = load(path)
    if not damage:
        assert kept in may_be, what
        return False
    assert [one for one in kept.waiting if one not in KEPT.waiting] == [], what
    assert [one for one in kept.answers if one not in KEPT.answers] == [], what
    assert (path.parent / damage[0].kept_as).exists(), what
    return True


def flip_bits(path: Path, file: Path, flips: int, seed: int, may_be: Sequence[Kept] = (KEPT,)) -> int:
    """Flip a bit of `file`, load the journal at `path`, and start again from the intact files. How many were found."""
    intact = path.parent / "intact"
    intact.mkdir()
    for one in path.parent.glob(f"{path.name}*"):
        shutil.copy(one, intact)
    whole, rng, found = file.read_bytes(), random.Random(seed), 0
    for _ in range(flips):
        for one in path.parent.glob(f"{path.name}*"):
            one.unlink()
        shutil.copytree(intact, path.parent, dirs_exist_ok=True)
        bit = rng.randrange(8 * len(whole))
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        found += check(path, may_be, what=f"bit {bit} of {file.name}")
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("flips", [400, pytest.param(20_000, marks=pytest.mark.soak)])
def test_no_flipped_bit_changes_what_is_read(path: Path, flips: int) -> None:
    assert flip_bits(path, path, flips, seed=1) > flips / 10  # much of the file is unused space


@pytest.mark.timeout(300)
@pytest.mark.parametrize("flips", [200, pytest.param(10_000, marks=pytest.mark.soak)])
def test_no_flipped_bit_in_the_log_loses_a_transaction_silently(after_a_power_cut: Path, flips: int) -> None:
    log = after_a_power_cut.with_name("outbox.sqlite-wal")
    without_the_newest = Kept(KEPT.waiting, [])  # as after a power cut a moment earlier
    assert flip_bits(after_a_power_cut, log, flips, 2, (KEPT, without_the_newest)) > flips / 3


def test_a_log_that_a_power_cut_tore_is_no_damage(after_a_power_cut: Path) -> None:
    log = after_a_power_cut.with_name("outbox.sqlite-wal")
    os.truncate(log, log.stat().st_size - 100)
    kept, damage = load(after_a_power_cut)
    assert (kept.waiting, kept.answers, damage) == (KEPT.waiting, [], [])


def test_the_intact_rows_of_a_damaged_file_are_kept(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE waiting SET payload = ? WHERE number = 3", (b'{"id": "forged"}',))
        database.execute("UPDATE waiting SET payload = ? WHERE number = 4", (b"\xff",))
    database.close()
    kept, damage = load(path)
    assert [one.number for one in kept.waiting] == [1, 2, *range(5, EVENTS + 1)]
    assert kept.answers == KEPT.answers
    assert [str(one) for one in damage] == [
        f"{path}: cannot be used (the checksum of a row is wrong); kept as outbox.sqlite.damaged-1"
    ]


def test_a_file_of_the_version_without_checksums_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE waiting (
                number INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload BLOB NOT NULL, reply_to TEXT, correlation BLOB
            ) STRICT;
            CREATE TABLE answered (
                id TEXT PRIMARY KEY, number INTEGER NOT NULL, reply BLOB NOT NULL, reply_to TEXT, correlation BLOB
            ) STRICT;
            CREATE INDEX answered_by_age ON answered (number);
            PRAGMA user_version = 1;
            """
        )
        payload = msgspec.json.encode(event(1))
        database.execute("INSERT INTO waiting VALUES (1, 'event', ?, 'there', NULL)", (payload,))
    database.close()
    kept, damage = load(path)
    assert ([(one.message.id, one.route.reply_to) for one in kept.waiting], damage) == ([("e1", "there")], [])


@pytest.mark.parametrize("what", ["folder", "pipe", "link", "zeros"])
def test_what_is_in_its_place_is_set_aside(tmp_path: Path, what: str) -> None:
    path = tmp_path / "outbox.sqlite"
    match what:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(tmp_path / "elsewhere")
        case _:
            path.write_bytes(bytes(8192))
    kept, damage = load(path)
    assert kept == Kept()
    assert [one.kept_as for one in damage] == ["outbox.sqlite.damaged-1"]
    assert not (tmp_path / "elsewhere").exists()


def test_it_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "outbox.sqlite"
    journal = SqliteJournal(path)
    journal.apply(CHANGES)
    modes = {one.name: one.stat().st_mode & 0o777 for one in (path.parent, *path.parent.iterdir())}
    journal.close()
    assert modes == {"state": 0o700, "outbox.sqlite": 0o600, "outbox.sqlite-wal": 0o600}


def test_damage_while_it_is_in_use_is_set_aside_and_nothing_new_is_lost(path: Path) -> None:
    damage = DamageReports()
    journal = SqliteJournal(path, damage)
    journal.load()
    journal.close()
    path.write_bytes(path.read_bytes()[:4096] + b"x" * 8192)
    many = [Waiting(number, event(number)) for number in range(2000, 2100)]
    journal.apply(Changes(added=many))
    assert journal.load().waiting == many
    journal.close()
    (found,) = damage.take()
    assert found.kept_as == "outbox.sqlite.damaged-1"

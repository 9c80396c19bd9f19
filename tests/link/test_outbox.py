"""What waits for the broker: kept in order, across outages, restarts and disks that fail."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lapel.errors import StorageError
from lapel.link.journal import (
    KEPT_ANSWERS,
    Answer,
    Changes,
    Journal,
    Kept,
    MemoryJournal,
    Route,
    Waiting,
)
from lapel.link.messages import EventKind, EventMessage, Reply, Result
from lapel.link.outbox import Outbox
from lapel.link.sqlite_journal import SqliteJournal
from lapel.own_files import DamageReports
from lapel.worker import InlineWorker

NOW = "2026-11-24T07:00:00Z"


def event(number: int, kind: EventKind = "marker") -> EventMessage:
    return EventMessage(id=f"e{number}", kind=kind, time=NOW, mono_s=1.0, camera="c", session="s", detail={"n": number})


def reply(id_: str, result: Result = "done") -> Reply:
    return Reply(id=id_, command="arm", result=result, state="buffering", time=NOW)


class FailingJournal(MemoryJournal):
    """A disk on which every write fails while `broken`."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False

    def load(self) -> Kept:
        if self.broken:
            raise StorageError("outbox: the disk failed")
        return super().load()

    def apply(self, changes: Changes) -> None:
        if self.broken:
            raise StorageError("outbox: the disk failed")
        super().apply(changes)


async def opened(journal: Journal, limit: int = 10_000) -> tuple[Outbox, list[Reply]]:
    unfinished: list[Reply] = []
    box = Outbox(journal, InlineWorker(), limit)
    await box.open(unfinished.append)
    return box, unfinished


def waiting(box: Outbox) -> list[str]:
    """Remove everything, in the order in which it would be sent."""
    ids = []
    while one := box.first_reply() or box.first_event():
        ids.append(one.message.id)
        box.done(one)
    return ids


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "outbox.sqlite")


async def test_unacknowledged_messages_are_sent_after_a_restart_before_new_ones(journal: Journal) -> None:
    box, _ = await opened(journal)
    for number in range(4):
        box.put(event(number))
    acknowledged = box.first_event()
    assert acknowledged is not None
    box.done(acknowledged)
    await box.flush()
    after = Outbox(journal, InlineWorker())
    after.put(event(10))  # queued before the disk was read
    await after.open(lambda _: None)
    after.put(event(11))
    await after.flush()
    again, _ = await opened(journal)
    assert waiting(again) == ["e1", "e2", "e3", "e10", "e11"]
    journal.close()


async def test_answers_and_their_routes_outlive_a_restart(journal: Journal) -> None:
    box, _ = await opened(journal)
    box.expect("1", Route("there", b"\0token"))
    box.put(reply("1", "accepted"))
    box.put(reply("2", "done"))
    await box.flush()
    after, unfinished = await opened(journal)
    assert [one.id for one in unfinished] == ["1"]
    assert [after.answer(id_) is not None for id_ in ("1", "2", "3")] == [True, True, False]
    after.put(reply("1", "failed"))
    assert [one.route for one in after._replies if one.message.id == "1"] == [Route("there", b"\0token")] * 2
    journal.close()


async def test_the_number_of_remembered_answers_is_limited(journal: Journal) -> None:
    journal.apply(Changes(answers=[Answer(number, reply(str(number))) for number in range(KEPT_ANSWERS + 5)]))
    kept = [one.reply.id for one in journal.load().answers]
    assert (len(kept), kept[0]) == (KEPT_ANSWERS, "5")
    journal.close()


@given(st.lists(st.sampled_from(["marker", "state-changed", "recording-saved", "source-lost"]), max_size=40))
@settings(max_examples=50)
def test_evidence_is_never_dropped_and_dropped_messages_are_counted(kinds: list[EventKind]) -> None:
    box = Outbox(MemoryJournal(), InlineWorker(), limit=10)
    for number, kind in enumerate(kinds):
        box.put(event(number, kind))
    kept = waiting(box)
    evidence = [f"e{number}" for number, kind in enumerate(kinds) if kind in ("marker", "recording-saved")]
    assert [id_ for id_ in kept if id_ in evidence] == evidence
    assert len(kept) + box.dropped.total() == len(kinds)
    assert len(kept) <= max(10, len(evidence))
    assert set(box.dropped) <= {"state-changed", "source-lost"}


async def test_the_oldest_droppable_event_is_dropped_first_then_replies() -> None:
    box = Outbox(MemoryJournal(), InlineWorker(), limit=3)
    for number, kind in enumerate(("state-changed", "marker", "state-changed")):
        box.put(event(number, kind))  # type: ignore[arg-type]
    box.put(reply("1"))
    box.put(event(3))
    box.put(event(4))
    assert waiting(box) == ["e1", "e3", "e4"]
    assert dict(box.dropped) == {"state-changed": 2, "reply": 1}


async def test_a_disk_failure_is_reported_and_nothing_is_lost_when_it_works_again() -> None:
    disk = FailingJournal()
    box, _ = await opened(disk)
    box.put(event(0))
    await box.flush()
    disk.broken = True
    box.put(event(1))
    assert not await box.flush()
    assert "the disk failed" in box.trouble
    first = box.first_event()
    assert first is not None
    box.done(first)
    box.put(event(2))
    disk.broken = False
    assert await box.flush()
    assert box.trouble == ""
    assert [one.message.id for one in disk.load().waiting] == ["e1", "e2"]


async def test_a_disk_that_cannot_be_read_yet_is_not_overwritten() -> None:
    disk = FailingJournal()
    disk.apply(Changes(added=[Waiting(1, event(1))]))
    disk.broken = True
    box, _ = await opened(disk)
    box.put(event(2))
    assert not await box.flush()
    disk.broken = False
    await box.open(lambda _: None)
    await box.flush()
    assert [one.message.id for one in disk.load().waiting] == ["e1", "e2"]
    assert waiting(box) == ["e1", "e2"]


async def test_keep_writes_without_an_explicit_flush() -> None:
    disk = MemoryJournal()
    box, _ = await opened(disk)
    keeping = asyncio.create_task(box.keep())
    box.put(event(1))
    await asyncio.sleep(0.01)
    assert len(disk.load().waiting) == 1
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_commands_that_are_never_answered_leave_no_routes_behind() -> None:
    box, _ = await opened(MemoryJournal())
    for number in range(10_000):
        box.expect(str(number), Route(f"reply/{number}"))
    assert len(box._routes) == 2000


def test_a_damaged_file_is_set_aside_and_never_deleted(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    for number in (1, 2):
        path.write_bytes(b"no database" * 100)
        damage = DamageReports()
        journal = SqliteJournal(path, damage)
        assert journal.load() == Kept()
        journal.apply(Changes(added=[Waiting(1, event(1))]))
        assert len(journal.load().waiting) == 1
        (found,) = damage.take()
        assert (found.file, found.kept_as) == (str(path), f"outbox.sqlite.damaged-{number}")
        assert (tmp_path / found.kept_as).read_bytes() == b"no database" * 100
        journal.close()


def test_a_second_camera_in_the_same_folder_waits_for_its_turn(tmp_path: Path) -> None:
    first, second = (SqliteJournal(tmp_path / "outbox.sqlite") for _ in range(2))
    first.apply(Changes(added=[Waiting(1, event(1))]))
    with pytest.raises(StorageError, match=r"outbox\.sqlite: events cannot be kept there: .*locked"):
        second.load()
    first.close()
    assert [one.number for one in second.load().waiting] == [1]
    second.close()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"outbox\.sqlite: events cannot be kept there"):
        SqliteJournal(tmp_path / "no" / "such" / "outbox.sqlite").load()


class LivesOfAnOutbox(RuleBasedStateMachine):
    """Power cuts at any moment: what was flushed and not acknowledged comes back, in order, once."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = FailingJournal()
        self.queued: list[str] = []
        self.sent: list[str] = []
        self.flushed: set[str] = set()
        self.power_on()

    def power_on(self) -> None:
        self.box, _ = asyncio.run(opened(self.disk))

    @rule()
    def put(self) -> None:
        self.queued.append(f"e{len(self.queued)}")
        self.box.put(event(len(self.queued) - 1))

    @precondition(lambda self: self.box.first_event())
    @rule()
    def acknowledge(self) -> None:
        one = self.box.first_event()
        assert one is not None
        self.sent.append(one.message.id)
        self.box.done(one)

    @rule()
    def flush(self) -> None:
        if asyncio.run(self.box.flush()):
            self.flushed.update(self.queued)

    @rule()
    def the_disk_fails(self) -> None:
        self.disk.broken = True

    @rule()
    def the_disk_works(self) -> None:
        self.disk.broken = False

    @precondition(lambda self: not self.disk.broken)
    @rule()
    def power_cut(self) -> None:
        self.queued = [id_ for id_ in self.queued if id_ in self.flushed or id_ in self.sent]
        self.power_on()

    @invariant()
    def in_order_and_nothing_lost(self) -> None:
        left = [one.message.id for one in self.box._events]
        first_time = list(dict.fromkeys([*self.sent, *left]))
        missing = [id_ for id_ in self.queued if id_ not in first_time]
        assert not missing
        assert left == sorted(left, key=lambda id_: int(id_[1:]))


TestLivesOfAnOutbox = LivesOfAnOutbox.TestCase
TestLivesOfAnOutbox.settings = settings(max_examples=60, stateful_step_count=40)

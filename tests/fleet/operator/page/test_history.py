import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from fleet.operator.messages import state
from fleet.operator.page.messages import event, telemetry
from lapel.clock import iso
from lapel.errors import StorageError
from lapel.worker import InlineWorker
from lapel_fleet.operator.page.history import History, kept_since
from lapel_fleet.operator.page.history_writer import HistoryWriter
from lapel_fleet.operator.received import Message, ReceivedMessage
from waited_clock import WaitedClock


class Recorder:
    """A history and its writer."""

    def __init__(self, path: Path | str = ":memory:", clock: WaitedClock | None = None) -> None:
        self.clock = clock or WaitedClock()
        self.history, self.errors = History(path), list[str]()
        self.writer = HistoryWriter(self.history, InlineWorker(), self.clock, 1, self.errors.append)

    async def takes(self, *messages: Message, camera: str = "a/1", retained: bool = False) -> None:
        for message in messages:
            self.writer.take(ReceivedMessage(camera, message, retained))
        await self.writer.write()

    def states(self, camera: str = "a/1") -> list[str]:
        return [doing for _, doing, _ in self.history.states(camera, self.clock.now().utc - timedelta(days=1))]


async def test_a_restart_forgets_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    path, now = tmp_path / "history.sqlite", iso(WaitedClock().now().utc)
    messages = [
        state("a/1", "recording", since=now), event("1", "marker", recording="r"), telemetry(now, battery_percent=50.0),
        state("a/1", "offline", time=None, since=None),
    ]  # fmt: skip
    first = Recorder(path)
    await first.takes(*messages)
    client, before = first.history.client_id(), (first.history.events("a/1"), first.states())
    first.history.close()
    second = Recorder(path)
    second.clock.wait(600)
    await second.takes(messages[-1], retained=True)  # the broker delivers what is retained, and what it kept
    await second.takes(messages[1])
    assert (second.history.events("a/1"), second.states()) == before
    assert second.states() == ["recording", "offline"]
    assert second.history.client_id() == client
    assert second.history.newest_events() == [("a/1", messages[1])]
    second.history.close()


async def test_the_state_before_the_time_asked_for_is_there_too() -> None:
    recorder = Recorder()
    now = recorder.clock.now()
    for doing, ago_s in (("buffering", 9000), ("recording", 7200), ("docked", 60)):
        await recorder.takes(state("a/1", doing, since=iso(now.shifted(-ago_s).utc)))
    found = recorder.history.states("a/1", now.shifted(-3600).utc)
    assert [doing for _, doing, _ in found] == ["recording", "docked"]
    recorder.history.close()


async def test_samples_are_thinned_out() -> None:
    recorder = Recorder()
    for _ in range(10):
        await recorder.takes(telemetry(iso(recorder.clock.now().utc), battery_percent=50.0))
        recorder.clock.wait(30)
    assert len(recorder.history.samples("a/1", kept_since(recorder.clock.now().utc, 1))) == 5
    recorder.history.close()


async def test_what_is_older_than_the_retention_is_removed() -> None:
    recorder = Recorder()
    await recorder.takes(event("1", "marker"), state("a/1"), telemetry(iso(recorder.clock.now().utc)))
    recorder.clock.wait(86_400 + 60)
    await recorder.takes(event("2", "marker"))
    recorder.history.remove_before(kept_since(recorder.clock.now().utc, 1))
    assert [one.id for one in recorder.history.events("a/1")] == ["2"]
    assert recorder.history.last_states() == {}
    recorder.history.close()


async def test_a_failure_is_reported_once_and_nothing_is_lost(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.sqlite")
    with sqlite3.connect(tmp_path / "history.sqlite") as other:
        recorder.history._connection.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN EXCLUSIVE")
        await recorder.takes(event("1", "marker"))
        await recorder.takes(event("2", "marker"))
        assert len(recorder.errors) == 1
        assert "cannot be written: database is locked" in recorder.writer.error
        other.rollback()
    other.close()
    await recorder.takes(event("3", "marker"))
    assert {one.id for one in recorder.history.events("a/1")} == {"1", "2", "3"}
    assert recorder.writer.error == ""
    recorder.history.close()


def test_a_file_that_is_no_history_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database" * 100)
    with pytest.raises(StorageError, match=r"notes.txt: file is not a database; name another file with --history"):
        History(tmp_path / "notes.txt")


def test_a_history_of_a_later_format_is_refused(tmp_path: Path) -> None:
    History(tmp_path / "history.sqlite").close()
    with sqlite3.connect(tmp_path / "history.sqlite") as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StorageError, match="made by a later Lapel"):
        History(tmp_path / "history.sqlite")

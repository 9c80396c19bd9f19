"""The console log: one line per entry, in order, only ever appended to."""

import json
from pathlib import Path

import pytest

from lapel.console.console_log import FileConsoleLog
from lapel.worker import InlineWorker
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


def test_it_is_only_ever_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "state" / "console.jsonl"

    async def steps(clock: VirtualClock) -> None:
        before = b""
        for number in range(5):
            log = FileConsoleLog(path, clock, InlineWorker())  # a restart each
            await log.append("note", text=f"number {number}", ticket=None)
            now = path.read_bytes()
            assert now.startswith(before)
            before = now

    run_virtual(steps)
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["text"] for one in entries] == [f"number {number}" for number in range(5)]
    assert "ticket" not in entries[0]
    assert path.stat().st_mode & 0o777 == 0o600


def test_entries_that_a_full_disk_refused_are_written_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "console.jsonl"

    async def steps(clock: VirtualClock) -> None:
        log = FileConsoleLog(path, clock, InlineWorker())
        with monkeypatch.context() as full:
            full.setattr("lapel.console.console_log.write", _full)
            await log.append("note", text="one")
            assert log.write_error.endswith("No space left on device")
        await log.append("note", text="two")
        assert log.write_error == ""

    run_virtual(steps)
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["one", "two"]


def test_a_line_that_was_cut_off_does_not_damage_the_next(tmp_path: Path) -> None:
    path = tmp_path / "console.jsonl"
    path.write_text('{"kind": "note", "te')

    async def steps(clock: VirtualClock) -> None:
        await FileConsoleLog(path, clock, InlineWorker()).append("note", text="whole")

    run_virtual(steps)
    cut_off, whole = path.read_text().splitlines()
    assert cut_off == '{"kind": "note", "te'
    assert json.loads(whole)["text"] == "whole"


def test_it_does_not_follow_a_symbolic_link(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "console.jsonl", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)

    async def steps(clock: VirtualClock) -> str:
        log = FileConsoleLog(path, clock, InlineWorker())
        await log.append("note", text="x")
        return log.write_error

    assert run_virtual(steps)
    assert not elsewhere.exists()


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")

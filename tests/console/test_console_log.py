"""The record: a line each, in order, only ever appended to."""

import json
from pathlib import Path

import pytest

from lapel.console.console_log import FileConsoleLog
from lapel.worker import InlineWorker
from lapel_fleet.time.clocks import VirtualClock, run_virtual


def test_it_is_only_ever_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "state" / "console.jsonl"

    async def story(clock: VirtualClock) -> None:
        before = b""
        for number in range(5):
            record = FileConsoleLog(path, clock, InlineWorker())  # a restart each
            await record.put("note", text=f"number {number}", ticket=None)
            now = path.read_bytes()
            assert now.startswith(before)
            before = now

    run_virtual(story)
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["text"] for one in entries] == [f"number {number}" for number in range(5)]
    assert "ticket" not in entries[0]
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_full_card_did_not_take_is_written_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "console.jsonl"

    async def story(clock: VirtualClock) -> None:
        record = FileConsoleLog(path, clock, InlineWorker())
        with monkeypatch.context() as full:
            full.setattr("lapel.console.console_log.write", _full)
            await record.put("note", text="one")
            assert record.trouble.endswith("No space left on device")
        await record.put("note", text="two")
        assert record.trouble == ""

    run_virtual(story)
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["one", "two"]


def test_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "console.jsonl"
    path.write_text('{"kind": "note", "te')

    async def story(clock: VirtualClock) -> None:
        await FileConsoleLog(path, clock, InlineWorker()).put("note", text="whole")

    run_virtual(story)
    torn, whole = path.read_text().splitlines()
    assert torn == '{"kind": "note", "te'
    assert json.loads(whole)["text"] == "whole"


def test_it_never_follows_a_link(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "console.jsonl", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)

    async def story(clock: VirtualClock) -> str:
        record = FileConsoleLog(path, clock, InlineWorker())
        await record.put("note", text="x")
        return record.trouble

    assert run_virtual(story)
    assert not elsewhere.exists()


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")

"""How a run goes: now and then, in a form that fits where it is shown."""

import io
import re

import pytest

from lapel.clock import Clock, SystemClock
from lapel_fleet.report import Progress, progress


class SetClock(SystemClock):
    """Real time that the test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def mono_s(self) -> float:
        return self.now_s


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO, clock: SetClock, *, quiet: bool = False) -> str:
    """A run of a minute of real time, told of ten times a second."""
    with progress(out, clock, quiet=quiet) as told:
        for tick in range(1, 601):
            clock.now_s = 100.0 + tick / 10
            told.update(tick / 600, tick * 48.0, {"buffering": 1_588, "recording": 12, "off": 0}, tick * 20, tick)
    return out.getvalue()


def test_in_a_log_a_line_every_ten_seconds() -> None:
    lines = shown(io.StringIO(), SetClock()).splitlines()
    assert len(lines) == 6
    assert lines[2] == (
        "50%, 4:00:00, 480 times real time: 1,588 buffering, 12 recording; 300 recordings, 6,000 messages, 200 a second"
    )


def test_findings_are_told_where_they_are_known() -> None:
    out, clock = io.StringIO(), SetClock()
    with progress(out, clock) as told:
        clock.now_s += 10
        told.update(0.5, 1.0, {}, 0, 0, findings=1)
    assert out.getvalue().endswith("; 1 finding\n")


def test_on_a_terminal_a_display_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    text = shown(Terminal(), SetClock())
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert re.search("50%  (3:5|4:0)", plain)
    assert "12 recording" in plain
    assert 100 <= plain.count("times real time") <= 310  # five a second, not ten
    assert text.rstrip().endswith("\x1b[2K")  # the last line is erased


def test_a_terminal_that_cannot_erase_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert len(shown(Terminal(), SetClock()).splitlines()) == 6


def test_quiet_says_nothing() -> None:
    assert shown(Terminal(), SetClock(), quiet=True) == ""


def test_it_is_what_the_fleet_is_told_to_expect() -> None:
    clock: Clock = SetClock()
    with progress(io.StringIO(), clock) as told:
        expected: Progress = told
        expected.update(0.0, 0.0, {}, 0, 0)

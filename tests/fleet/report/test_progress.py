"""Progress of a run: at a rate that can be read, as a display on a terminal and as lines in a log."""

import io
import re

import pytest

from lapel.clock import Clock, SystemClock
from lapel_fleet.report import Progress, progress


class SetClock(SystemClock):
    """A clock of real time that the test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def mono_s(self) -> float:
        return self.now_s


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO, clock: SetClock, *, quiet: bool = False) -> str:
    """The output for a run of a minute of real time with ten updates per second."""
    with progress(out, clock, quiet=quiet) as updates:
        for tick in range(1, 601):
            clock.now_s = 100.0 + tick / 10
            updates.update(tick / 600, tick * 48.0, {"buffering": 1_588, "recording": 12, "off": 0}, tick * 20, tick)
    return out.getvalue()


def test_a_log_gets_a_line_every_ten_seconds() -> None:
    lines = shown(io.StringIO(), SetClock()).splitlines()
    assert len(lines) == 6
    counts = "1,588 buffering, 12 recording; 300 recordings, 6,000 messages, 200 per second"
    assert lines[2] == f"50%, 4:00:00, 480 times real time: {counts}"


def test_findings_are_updateswhen_known() -> None:
    out, clock = io.StringIO(), SetClock()
    with progress(out, clock) as updates:
        clock.now_s += 10
        updates.update(0.5, 1.0, {}, 0, 0, findings=1)
    assert out.getvalue().endswith("; 1 finding\n")


def test_a_terminal_gets_a_display_that_is_erased_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    text = shown(Terminal(), SetClock())
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert re.search("50%  (3:5|4:0)", plain)
    assert "12 recording" in plain
    assert 100 <= plain.count("times real time") <= 310  # five per second, not ten
    assert text.rstrip().endswith("\x1b[2K")  # the last line is erased


def test_a_terminal_that_cannot_erase_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert len(shown(Terminal(), SetClock()).splitlines()) == 6


def test_quiet_prints_nothing() -> None:
    assert shown(Terminal(), SetClock(), quiet=True) == ""


def test_it_implements_the_protocol() -> None:
    clock: Clock = SetClock()
    with progress(io.StringIO(), clock) as updates:
        protocol: Progress = updates
        protocol.update(0.0, 0.0, {}, 0, 0)

"""What every `Indicators` does: accepts everything at once, and shows lines and requests to identify."""

import io
from collections.abc import Callable
from typing import get_args

import pytest

from lapel.hardware.desktop.terminal import PlainIndicators, StatusLine
from lapel.hardware.interfaces import Indicators, Signal
from lapel.states import State
from lapel_fleet.hardware.indicators import SimulatedIndicators
from simulated_parts import RecordedIndicators


class Tty(io.StringIO):
    def fileno(self) -> int:
        return 1


def plain() -> tuple[Indicators, Callable[[], str]]:
    out = io.StringIO()
    return PlainIndicators(out), out.getvalue


def status_line() -> tuple[Indicators, Callable[[], str]]:
    out = Tty()
    return StatusLine(lambda: "STATUS", out), out.getvalue


def simulated() -> tuple[Indicators, Callable[[], str]]:
    indicators = SimulatedIndicators()
    return indicators, lambda: "\n".join(indicators.history)


def recorded() -> tuple[Indicators, Callable[[], str]]:
    indicators = RecordedIndicators()
    return indicators, lambda: "\n".join(indicators.lines)


@pytest.mark.parametrize("make", [plain, status_line, simulated, recorded])
def test_everything_is_accepted_and_lines_are_shown(make: Callable[[], tuple[Indicators, Callable[[], str]]]) -> None:
    indicators, shown = make()
    indicators.show_line("saved 1")
    for state in State:
        indicators.show_state(state)
    for signal in get_args(Signal):
        indicators.signal(signal)
    indicators.identify(7)
    assert "saved 1" in shown()
    assert "7" in shown()


def test_a_terminal_rings_its_bell_except_for_the_reminder() -> None:
    out = Tty()
    StatusLine(lambda: "", out).signal("recording")
    assert out.getvalue() == ""
    StatusLine(lambda: "", out).signal("low battery")
    assert out.getvalue() == "\a"

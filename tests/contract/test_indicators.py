"""What every `Indicators` does: accepts everything at once, and shows lines and requests to identify."""

import io
from collections.abc import Callable
from typing import get_args

import pytest

from lapel.clock import SystemClock
from lapel.hardware.desktop.terminal import PlainIndicators, StatusLine
from lapel.hardware.interfaces import Indicators
from lapel.indications import SIGNALS, Light
from lapel.logs import Log
from lapel.service.indicators import ServiceIndicators
from lapel.service.notify import ServiceManager
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


def service() -> tuple[Indicators, Callable[[], str]]:
    out = io.StringIO()
    return ServiceIndicators(ServiceManager({}), None, PlainIndicators(out)), out.getvalue


@pytest.mark.parametrize("make", [plain, status_line, simulated, recorded, service])
def test_everything_is_accepted_and_lines_are_shown(make: Callable[[], tuple[Indicators, Callable[[], str]]]) -> None:
    indicators, shown = make()
    indicators.show_line("saved 1")
    for state in State:
        indicators.show_state(state)
    for light in get_args(Light):
        indicators.show_light(light)
    for signal, pattern in SIGNALS.items():
        indicators.signal(signal, pattern)
    indicators.identify(7)
    indicators.silence()
    assert "saved 1" in shown()
    assert "7" in shown()


def test_a_terminal_rings_its_bell_except_for_the_reminder() -> None:
    out = Tty()
    StatusLine(lambda: "", out).signal("recording", SIGNALS["recording"])
    assert out.getvalue() == ""
    StatusLine(lambda: "", out).signal("low battery", SIGNALS["low battery"])
    assert out.getvalue() == "\a"


ESCAPES = "set-configuration: [\x1b]0;owned\x07\x1b[2J] is no section\r\n\x9b31m"


@pytest.mark.parametrize("make", [plain, status_line])
def test_no_control_sequence_from_outside_reaches_the_terminal(
    make: Callable[[], tuple[Indicators, Callable[[], str]]],
) -> None:
    indicators, shown = make()
    indicators.show_line(ESCAPES)
    text = shown().replace("\r\x1b[K", "")  # the status line's own
    assert not {char for char in text if not char.isprintable()} - {"\n"}
    assert "owned" in text


def test_the_log_keeps_no_control_sequence_and_no_password() -> None:
    log = Log(SystemClock())
    log.add(f"{ESCAPES} rtsp://user:secret@camera/stream")
    (line,) = log.newest(1)
    assert line.text.isprintable()
    assert "secret" not in line.text

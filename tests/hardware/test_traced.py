"""Pins and the I2C bus while they are traced: the adapters notice nothing, and the trace has what they were given."""

from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from driven_pins import drive
from hardware_double import RegisterBus
from lapel.clock import SystemClock
from lapel.config import PiSection
from lapel.hardware.interfaces import Edge
from lapel.hardware.pi.board import open_board
from lapel.hardware.pi.board_health import THROTTLED, BoardHealth
from lapel.hardware.pi.max17048 import ADDRESS
from lapel.hardware.pi.traced import TracedBus
from lapel.hardware.trace.format import FileRead, PinChanged, RegisterRead, read_trace
from lapel.hardware.trace.writer import TraceWriter
from lapel.worker import InlineWorker
from simulated_parts import RecordedIndicators

SECTION = PiSection(event_button=17, dock=22, red_light=5, battery="max17048")


async def test_a_board_is_traced_and_works_as_ever(tmp_path: Path) -> None:
    path, clock, factory, bus = tmp_path / "board.jsonl", SystemClock(), MockFactory(), RegisterBus()
    bus.set_max17048(80.0, -8.0)
    trace = TraceWriter(path, clock, SECTION.pins())
    board = open_board(SECTION, clock, InlineWorker(), RecordedIndicators(), factory=factory, bus=bus, trace=trace)
    assert board.switches is not None
    assert board.dock is not None
    assert board.battery is not None
    edges = board.switches.edges()
    waiting = anext(edges)
    drive(factory, 22, is_closed=True)
    before_s = clock.mono_s()
    drive_later(factory)
    first = await waiting
    assert isinstance(first, Edge)
    assert (first.button, first.is_down) == ("event", True)
    assert before_s - 0.1 <= (first.at_s or 0) <= clock.mono_s()
    assert (board.dock.is_docked(), board.battery.charge().percent) == (True, 80.0)
    await edges.aclose()  # type: ignore[attr-defined]
    board.close()
    trace.close()
    happenings = read_trace(path).happenings
    pins = [(one.name, one.closed) for one in happenings if isinstance(one, PinChanged)]
    assert pins == [("event_button", False), ("dock", False), ("dock", True), ("event_button", True)]
    registers = {(one.address, one.register): one.value for one in happenings if isinstance(one, RegisterRead)}
    assert registers == {(ADDRESS, 0x04): 80 * 256, (ADDRESS, 0x16): round(-8.0 / 0.208) & 0xFFFF}


def drive_later(factory: MockFactory) -> None:
    import asyncio

    asyncio.get_running_loop().call_soon(lambda: drive(factory, 17, is_closed=True))


def test_the_boards_health_is_traced_when_it_changes(tmp_path: Path) -> None:
    trace = TraceWriter(tmp_path / "health.jsonl", SystemClock(), {})
    throttled = tmp_path / THROTTLED
    throttled.parent.mkdir(parents=True)
    health = BoardHealth(tmp_path, trace)
    for text in ("0\n", "0\n", "50005\n"):
        throttled.write_text(text)
        flags = health.flags()
    trace.close()
    assert flags == ["undervoltage", "throttled"]
    files = [one for one in read_trace(tmp_path / "health.jsonl").happenings if isinstance(one, FileRead)]
    assert [(one.name, one.text) for one in files] == [
        (THROTTLED, "0"), ("class/thermal/thermal_zone0/temp", ""), (THROTTLED, "50005")
    ]  # fmt: skip


def test_a_register_is_traced_when_it_changes_and_when_it_does_not_answer(tmp_path: Path) -> None:
    trace = TraceWriter(tmp_path / "bus.jsonl", SystemClock(), {})
    registers = RegisterBus()
    bus = TracedBus(registers, trace)
    registers.devices[0x40] = {2: 7}
    for value in (7, 7, 8):
        registers.devices[0x40][2] = value
        assert bus.read_i2c_block_data(0x40, 2, 2) == [0, value]
    del registers.devices[0x40]
    for _ in range(2):
        with pytest.raises(OSError, match="Remote I/O error"):
            bus.read_i2c_block_data(0x40, 2, 2)
    bus.close()
    trace.close()
    found = [
        (one.value, one.error) for one in read_trace(tmp_path / "bus.jsonl").happenings if isinstance(one, RegisterRead)
    ]
    assert found == [(7, ""), (8, ""), (None, "Remote I/O error")]

import asyncio
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from driven_pins import drive
from hardware_double import RegisterBus
from lapel.clock import SystemClock
from lapel.config import Config, PiSection
from lapel.errors import ConfigError
from lapel.hardware.pi.board import open_board
from lapel.hardware.pi.board_health import BoardHealth
from lapel.worker import InlineWorker
from simulated_parts import RecordedIndicators


def test_nothing_is_opened_that_the_configuration_does_not_name() -> None:
    lines = RecordedIndicators()
    board = open_board(Config().pi, SystemClock(), InlineWorker(), lines)
    assert board.indicators is lines
    assert [board.switches, board.battery, board.dock, board.positioning, board.triggers, board.health] == [None] * 6
    board.close()


def test_what_it_names_is_opened_and_closed() -> None:
    section = PiSection(
        event_button=17, power_button=27, red_light=5, buzzer=13, dock=22, holster=23, battery="ina219", health=True
    )
    factory, bus = MockFactory(), RegisterBus()
    bus.set_ina219(3.9, -0.4)
    board = open_board(section, SystemClock(), InlineWorker(), RecordedIndicators(), factory=factory, bus=bus)
    assert board.switches is not None
    drive(factory, 17, is_closed=True)
    assert board.switches.down() == ("event",)
    assert board.battery is not None
    assert board.battery.charge().percent > 50
    assert board.dock is not None
    assert not board.dock.is_docked()
    board.close()


def test_a_board_whose_gauge_is_missing_releases_its_pins() -> None:
    section, factory = PiSection(event_button=17, battery="max17048"), MockFactory()
    with pytest.raises(ConfigError, match="MAX17048"):
        open_board(section, SystemClock(), InlineWorker(), RecordedIndicators(), factory=factory, bus=RegisterBus())
    assert factory.pin(17).when_changed is None


async def test_a_trigger_is_active_while_its_contact_is_closed() -> None:
    factory = MockFactory()
    section = PiSection(holster=23, light_bar=24)
    board = open_board(section, SystemClock(), InlineWorker(), RecordedIndicators(), factory=factory)
    assert board.triggers is not None
    edges = board.triggers.edges()
    first = asyncio.ensure_future(anext(edges))
    await asyncio.sleep(0)
    for pin in (23, 24):
        drive(factory, pin, is_closed=True)
        drive(factory, pin, is_closed=False)
    seen = [await first, *[await anext(edges) for _ in range(3)]]
    assert [(edge.source, edge.is_active) for edge in seen] == [
        ("holster", True), ("holster", False), ("light-bar", True), ("light-bar", False)
    ]  # fmt: skip
    await edges.aclose()  # type: ignore[attr-defined]
    board.close()


@pytest.mark.parametrize(
    ("throttled", "milli_c", "flags"),
    [
        ("0", "45000", []),
        ("50000", "45000", []),  # once since it was switched on, not now
        ("50005", "45000", ["undervoltage", "throttled"]),
        ("0", "81200", ["board-hot"]),
        ("", "", []),
    ],
)
def test_the_boards_own_files_become_flags(tmp_path: Path, throttled: str, milli_c: str, flags: list[str]) -> None:
    for name, text in (
        ("devices/platform/soc/soc:firmware/get_throttled", throttled),
        ("class/thermal/thermal_zone0/temp", milli_c),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert BoardHealth(tmp_path).flags() == flags


def test_a_laptop_has_no_complaints(tmp_path: Path) -> None:
    assert BoardHealth(tmp_path).flags() == []
    assert BoardHealth(tmp_path).temperature_c() is None

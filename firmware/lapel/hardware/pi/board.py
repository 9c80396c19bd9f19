"""Opens the devices that `[pi]` of the configuration names, and closes them again."""

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar, cast

from lapel.clock import Clock
from lapel.config import PiSection
from lapel.errors import ConfigError
from lapel.hardware.devices import Devices
from lapel.hardware.interfaces import ButtonName, Indicators
from lapel.hardware.pi.battery import Gauge, PolledBattery
from lapel.hardware.pi.board_health import SYSTEM, BoardHealth
from lapel.hardware.pi.dock import PiDock
from lapel.hardware.pi.gpsd import GpsdPositioning
from lapel.hardware.pi.i2c import I2cBus, open_bus
from lapel.hardware.pi.ina219 import Ina219
from lapel.hardware.pi.indicators import OutputPin, PiIndicators
from lapel.hardware.pi.max17048 import Max17048
from lapel.hardware.pi.pins import PinFactory
from lapel.hardware.pi.switches import PiSwitches
from lapel.hardware.pi.traced import TracedBus, TracedPins
from lapel.hardware.pi.triggers import PiTriggers
from lapel.hardware.trace.writer import TraceWriter
from lapel.policy.profile import TriggerSource
from lapel.worker import Worker

_MISSING = "install Lapel with the extra for it: pip install 'lapel[pi]'"


@dataclass(slots=True)
class Board(Devices):
    """The devices of one board, which are to be closed."""

    _closing: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Release pins, bus and connections."""
        self._closing.close()


class _Closable(Protocol):
    def close(self) -> None: ...


_Device = TypeVar("_Device", bound=_Closable)


def open_board(
    section: PiSection,
    clock: Clock,
    worker: Worker,
    lines: Indicators,
    *,
    factory: PinFactory | None = None,
    bus: I2cBus | None = None,
    trace: TraceWriter | None = None,
    system: Path = SYSTEM,
) -> Board:
    """The devices that `section` names; `lines` shows lines of text. Raises ConfigError when one cannot be used.

    `factory`, `bus` and `system` (the kernel's `/sys`) stand in for the board's own. What the devices do is
    written into `trace`.
    """
    with ExitStack() as opened:
        board = Board(lines)
        if section.pins():
            pins = factory or _gpio()
            pins = TracedPins(pins, _inputs(section), trace, clock) if trace is not None else pins
            _open_pins(board, section, clock, pins, opened)
        if section.battery != "none":
            board.battery = PolledBattery(_gauge(section, bus, opened, trace), clock, worker)
        if section.gpsd:
            board.positioning = _opened(GpsdPositioning(clock, trace=trace), opened)
        if section.health:
            board.health = BoardHealth(system, trace)
        board._closing = opened.pop_all()
        return board


def _open_pins(board: Board, section: PiSection, clock: Clock, factory: PinFactory, opened: ExitStack) -> None:
    buttons: dict[ButtonName, int] = {
        "event": section.event_button,
        "power": section.power_button,
        "select": section.select_button,
    }
    buttons = {name: pin for name, pin in buttons.items() if pin >= 0}
    inputs: dict[TriggerSource, int] = {"holster": section.holster, "light-bar": section.light_bar}
    triggers = {source: pin for source, pin in inputs.items() if pin >= 0}
    try:
        if buttons:
            board.switches = _opened(PiSwitches(factory, buttons, clock), opened)
        if section.dock >= 0:
            board.dock = _opened(PiDock(factory, section.dock, clock), opened)
        if triggers:
            board.triggers = _opened(PiTriggers(factory, triggers, clock), opened)
        outputs = {"red": section.red_light, "green": section.green_light, "blue": section.blue_light}
        outputs |= {"buzzer": section.buzzer, "vibration": section.vibration}
        opens = {name: OutputPin(factory, pin, clock) for name, pin in outputs.items() if pin >= 0}
    except Exception as error:  # gpiozero's and lgpio's own, which have no common base
        raise ConfigError(f"[pi]: a pin cannot be used: {error}; `pinout` prints them") from error
    if opens:
        board.indicators = _opened(PiIndicators(board.indicators, clock=clock, **opens), opened)


def _opened(device: _Device, opened: ExitStack) -> _Device:
    opened.callback(device.close)
    return device


def _inputs(section: PiSection) -> dict[int, str]:
    return {number: key for key, number in section.pins().items() if key in section.INPUTS}


def _gauge(section: PiSection, bus: I2cBus | None, opened: ExitStack, trace: TraceWriter | None) -> Gauge:
    if bus is None:
        try:
            bus = open_bus(section.i2c_bus)
        except ImportError as error:
            raise ConfigError(f"[pi] battery: {error}; {_MISSING}") from error
        opened.callback(bus.close)
    bus = TracedBus(bus, trace) if trace is not None else bus
    return Max17048(bus) if section.battery == "max17048" else Ina219(bus, section.cells, section.shunt_ohm)


def _gpio() -> PinFactory:
    """The pins of gpiozero: on lgpio, or what GPIOZERO_PIN_FACTORY names."""
    try:
        from gpiozero import Device
    except ImportError as error:
        raise ConfigError(f"[pi]: {error}; {_MISSING}") from error
    os.environ.setdefault("GPIOZERO_PIN_FACTORY", "lgpio")  # else it would try four others, each with a warning
    try:
        Device.ensure_pin_factory()
    except Exception as error:  # gpiozero's and lgpio's own, which have no common base
        raise ConfigError(
            f"[pi]: this machine has no pins that can be used: {error}; is it a Raspberry Pi, and is this user in the "
            "group `gpio`?"
        ) from error
    return cast(PinFactory, Device.pin_factory)

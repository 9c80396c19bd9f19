"""Plays a hardware trace to the adapters of a Raspberry Pi: pins by gpiozero's mock factory, gauges by their registers,
gpsd by its reports, the board's health by the kernel's files, video and sound by the times at which they came.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from gpiozero.pins.mock import MockFactory

from driven_pins import drive
from hardware_double import RegisterBus
from lapel.clock import Clock
from lapel.config import PiSection
from lapel.errors import AudioError
from lapel.hardware.pi.gpsd import GpsdReports
from lapel.hardware.trace.format import (
    AnyHappening,
    FileRead,
    FramesCaptured,
    GpsdReport,
    PinChanged,
    RegisterRead,
    SoundArrived,
    Trace,
)
from lapel.media.sound_sources import SoundChunk


class TracePlayer:
    """Stands in for a board: `factory`, `bus` and `system` for `open_board`, `reports` for its positioning."""

    def __init__(self, trace: Trace, section: PiSection, clock: Clock, system: Path) -> None:
        """`system`: an empty folder.

        What each pin, register and file was at first is set at once, before a board is opened on them.
        """
        self._pins = section.pins()
        self._clock, self.system = clock, system
        self.factory, self.bus, self.reports = MockFactory(), RegisterBus(), GpsdReports(clock)
        self._waiting = list[AnyHappening]()
        seen = set[object]()
        for one in trace.happenings:
            what = _what(one)
            if what is None or what in seen:
                self._waiting.append(one)
            else:
                seen.add(what)
                self._apply(one)

    async def play(self) -> None:
        """Everything else at its time, counted from when the clock began."""
        for one in self._waiting:
            await self._clock.sleep(max(0.0, one.at_s - self._clock.mono_s()))
            self._apply(one)

    def _apply(self, one: AnyHappening) -> None:
        match one:
            case PinChanged():
                drive(self.factory, self._pins[one.name], is_closed=one.closed)
            case RegisterRead():
                self._set_register(one)
            case GpsdReport():
                self.reports.take(one.report)
            case FileRead():
                (self.system / one.name).parent.mkdir(parents=True, exist_ok=True)
                (self.system / one.name).write_text(one.text)

    def _set_register(self, one: RegisterRead) -> None:
        if one.value is None:
            self.bus.devices.pop(one.address, None)
        else:
            self.bus.devices.setdefault(one.address, {})[one.register] = one.value


class TracedArrivals:
    """Implements `SoundSource`: silence that arrives as the sound of a trace did."""

    name = "trace"
    has_sound = True

    def __init__(self, happenings: Iterable[AnyHappening], clock: Clock, wait: Callable[[float], object]) -> None:
        self._arrivals = [one for one in happenings if isinstance(one, SoundArrived)]
        self._clock, self._wait = clock, wait

    def open(self) -> None:
        """Nothing to open."""

    def read(self) -> SoundChunk:
        """The sound of the next line, at its time. Raises AudioError where it was lost, and at the end."""
        if not self._arrivals:
            raise AudioError("trace: is over")
        one = self._arrivals.pop(0)
        self._wait(max(0.0, one.at_s - self._clock.mono_s()))
        if one.lost:
            raise AudioError(one.lost)
        return SoundChunk(np.full((1, one.samples), one.peak, np.float32), one.at_s)

    def close(self) -> None:
        """Nothing to close."""


def frame_times_s(happenings: Iterable[AnyHappening]) -> list[float]:
    """When each frame of a trace was captured."""
    return [at_s for one in happenings if isinstance(one, FramesCaptured) for at_s in one.times_s]


def _what(one: AnyHappening) -> object:
    """The pin, register or file that a line is about; None where it is no state."""
    match one:
        case PinChanged():
            return one.name
        case RegisterRead():
            return one.address, one.register
        case FileRead():
            return one.name
    return None

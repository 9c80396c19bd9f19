"""One script of a wearer's visit gives the same events through simulated devices and, by their trace, through the
adapters of a Raspberry Pi.
"""

import asyncio
import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from body_worn_camera import BodyWornHarness, run_steps
from hardware_double import RegisterBus
from lapel.config import PiSection
from lapel.hardware.interfaces import Battery, Edge
from lapel.hardware.pi.board import open_board
from lapel.hardware.pi.board_health import THROTTLED
from lapel.hardware.pi.max17048 import Max17048
from lapel.hardware.pi.traced import TracedBus
from lapel.hardware.trace.format import Trace, read_trace
from lapel.hardware.trace.writer import TraceWriter
from lapel.link.messages import EventMessage, StateMessage, Telemetry
from lapel.worker import InlineWorker
from lapel_fleet.hardware.triggers import SimulatedTriggers
from simulated_parts import RecordedIndicators
from trace_player import TracePlayer

SECTION = PiSection(event_button=17, power_button=27, dock=22, holster=23, battery="max17048", health=True)
TRACES = Path(__file__).with_name("traces")
TWENTY_METRES = 2e-4  # degrees
DISCHARGING, CHARGING = -8.0, 30.0  # percent an hour


class SimulatedVisit:
    """The outside world of a simulated camera, which writes a trace as its board would."""

    def __init__(self, file: Path) -> None:
        self._file, self.triggers, self.health = file, SimulatedTriggers(), SimulatedHealth()

    def begin(self, harness: BodyWornHarness) -> None:
        self._harness, self._clock = harness, harness.clock
        self._trace = TraceWriter(self._file, harness.clock, {**SECTION.pins(), "battery": SECTION.battery})
        for name in ("event_button", "power_button", "dock", "holster"):
            self._pin(name, closed=False)
        self._bus = RegisterBus()
        self._trace.file(THROTTLED, "0")
        self._gauge = Max17048(TracedBus(self._bus, self._trace))
        harness.buttons.watchers.append(self._on_button)
        self._measuring = asyncio.create_task(self._measure())

    async def end(self) -> None:
        self._measuring.cancel()
        await asyncio.wait([self._measuring])
        self._trace.close()

    def dock(self) -> None:
        self._harness.dock.put_in()
        self._pin("dock", closed=True)

    def undock(self) -> None:
        self._harness.dock.take_out()
        self._pin("dock", closed=False)

    async def draw_weapon(self) -> None:
        self.triggers.activate("holster")
        self._pin("holster", closed=True)
        await self._clock.sleep(2)
        self.triggers.release("holster")
        self._pin("holster", closed=False)

    def supply_sags(self, *, is_low: bool) -> None:
        self.health.conditions = ["undervoltage", "throttled"] if is_low else []
        self._trace.file(THROTTLED, "50005" if is_low else "50000")

    def _on_button(self, edge: Edge) -> None:
        self._pin(f"{edge.button}_button", closed=edge.is_down, at_s=edge.at_s)

    def _pin(self, name: str, *, closed: bool, at_s: float | None = None) -> None:
        self._trace.pin(name, closed=closed, mono_s=self._clock.mono_s() if at_s is None else at_s)

    async def _measure(self) -> None:
        """The gauge and the GPS receiver, each second."""
        while True:
            charge, fix = self._harness.battery.charge(), self._harness.gps.last_fix()
            self._bus.set_max17048(charge.percent, CHARGING if charge.charging else DISCHARGING)
            self._gauge.read()
            if fix is not None:
                report = {"class": "TPV", "mode": 3, "lat": fix.latitude, "lon": fix.longitude, "eph": fix.accuracy_m}
                self._trace.gpsd(json.dumps(report).encode())
            await self._clock.sleep(1)


async def visit(harness: BodyWornHarness, world: SimulatedVisit) -> None:
    """What happens to the camera and its wearer. Nothing else happens within half a minute of a change of the charge:
    the adapters look at the gauge so often, a simulated battery reports it at once.
    """
    buttons, sleep = harness.buttons, harness.clock.sleep
    await sleep(10.3)
    buttons.press("event")  # once: nothing
    await sleep(5)
    buttons.press("event", times=2)
    await sleep(20)
    buttons.press("event")  # a marker
    await sleep(3.7)
    await buttons.hold("event", 3.5)
    await sleep(30)
    await world.draw_weapon()
    await sleep(12)
    buttons.press("power")
    await sleep(5)
    world.supply_sags(is_low=True)
    await sleep(30)
    world.supply_sags(is_low=False)
    await sleep(30)
    world.dock()
    await sleep(300)
    world.undock()
    await sleep(30)
    buttons.press("event", times=2)
    await sleep(60)
    harness.battery.drop_to(4.0)
    await sleep(60)
    await buttons.hold("event", 3.5)
    await sleep(30)
    harness.battery.drop_to(0.8)
    await sleep(60)


def simulated(file: Path) -> BodyWornHarness:
    """A visit to a simulated camera, traced into `file`."""
    world = SimulatedVisit(file)

    async def steps(harness: BodyWornHarness) -> None:
        await visit(harness, world)
        await world.end()

    return run_steps(
        steps, battery=lambda clock: GaugeWithoutMinutes(world), triggers=world.triggers, health=world.health,
        before_power_on=world.begin,
    )  # fmt: skip


class SimulatedHealth:
    """Implements `BoardHealth`."""

    def __init__(self) -> None:
        self.conditions = list[str]()

    def flags(self) -> list[str]:
        return [*self.conditions]


class GaugeWithoutMinutes:
    """The simulated battery, as a gauge reports it that knows neither minutes nor degrees, as a MAX17048."""

    def __init__(self, world: SimulatedVisit) -> None:
        self._world = world

    def charge(self) -> Any:
        charge = self._battery.charge()
        return type(charge)(charge.percent, None, charge.charging, None)

    async def crossed(self, thresholds: Any) -> None:
        await self._battery.crossed(type(thresholds)(percent=thresholds.percent))

    @property
    def _battery(self) -> Battery:
        return self._world._harness.battery


def on_adapters(trace: Trace, system: Path) -> BodyWornHarness:
    """A camera on the adapters, which are fed by a trace from power-on."""
    fed = Fed(trace, system)

    async def steps(harness: BodyWornHarness) -> None:
        await fed.playing
        await harness.clock.sleep(60)

    def device(name: str) -> Any:
        return lambda clock: getattr(fed.board, name)

    devices = {name: device(name) for name in ("switches", "battery", "dock", "triggers", "health")}
    harness = run_steps(
        steps, positioning=lambda clock: fed.player.reports, before_power_on=fed.begin, **devices
    )  # fmt: skip
    fed.board.close()
    return harness


class Fed:
    """The board that a trace feeds."""

    def __init__(self, trace: Trace, system: Path) -> None:
        self._trace, self._system = trace, system

    def begin(self, harness: BodyWornHarness) -> None:
        self.player = TracePlayer(self._trace, SECTION, harness.clock, self._system)
        self.board = open_board(
            SECTION, harness.clock, InlineWorker(), RecordedIndicators(), factory=self.player.factory,
            bus=self.player.bus, system=self.player.system,
        )  # fmt: skip
        self.playing = asyncio.create_task(self.player.play())


def events(harness: BodyWornHarness) -> list[tuple[str, dict[str, Any]]]:
    """Kind and detail of each event, without what is numbered or measured anew."""
    changing = ("recording", "percent", "minutes_left", "temperature_c", "position", "location", "reason")
    changing += ("duration_s", "frames")  # a simulated press is delivered once it is over, with the times of its edges
    return [
        (one.kind, {key: value for key, value in dict(one.detail).items() if key not in changing})
        for one in harness.link.published
        if isinstance(one, EventMessage)
    ]


def test_a_visit_is_the_same_on_simulated_devices_and_on_the_adapters_that_its_trace_feeds(tmp_path: Path) -> None:
    first = simulated(tmp_path / "visit.jsonl")
    trace = read_trace(tmp_path / "visit.jsonl")
    second = on_adapters(trace, tmp_path / "sys")
    kinds = [kind for kind, _ in events(first)]
    assert {"recording-started", "marker", "recording-saved", "battery-low", "battery-critical"} <= {*kinds}
    assert events(second) == events(first)
    assert health_flags(second) == health_flags(first) == [[], ["undervoltage", "throttled"], []]
    for one, other in zip(first.storage.listing(), second.storage.listing(), strict=True):
        assert (one.start, one.stop, one.status) == (other.start, other.stop, other.status)
        assert abs(one.duration_s - other.duration_s) < 0.2 or "battery" in str(one.stop)
    assert positions(second) == pytest.approx(positions(first), abs=TWENTY_METRES)


def test_the_traces_of_boards_are_understood(tmp_path: Path) -> None:
    """Those that owners of boards have sent in: none so far."""
    for path in sorted(TRACES.glob("*.jsonl")):
        assert "fault" not in on_adapters(read_trace(path), tmp_path / path.stem).link.states, path


def health_flags(harness: BodyWornHarness) -> list[list[str]]:
    """What the state messages say of the board's health, without repetitions."""
    flags = [one.flags for one in harness.link.published if isinstance(one, StateMessage)]
    found = [[flag for flag in some if flag in ("undervoltage", "throttled", "board-hot")] for some in flags]
    return [some for some, _ in groupby(found)]


def positions(harness: BodyWornHarness) -> list[float]:
    """Latitudes and longitudes of the first ten telemetry messages with a position."""
    found = [one.position for one in harness.link.published if isinstance(one, Telemetry)]
    return [degrees for one in found if one is not None for degrees in (one.latitude, one.longitude)][:20]

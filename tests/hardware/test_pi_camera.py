"""A camera on the devices of a Raspberry Pi, in virtual time: pins by gpiozero's mock factory, gauges by registers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gpiozero.pins.mock import MockFactory

from body_worn_camera import BodyWornHarness, run_steps
from driven_pins import drive
from hardware_double import RegisterBus
from lapel.buttons import ButtonWatch
from lapel.config import PiSection
from lapel.hardware.interfaces import ButtonName, Edge
from lapel.hardware.pi.board import Board, open_board
from lapel.light_event import Inbox
from lapel.policy.profile import load_profile
from lapel.states import State
from lapel.worker import InlineWorker
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from simulated_parts import RecordedIndicators

EVENT, POWER, DOCK, HOLSTER, SELECT = 17, 27, 22, 23, 24
SECTION = PiSection(
    event_button=EVENT, power_button=POWER, select_button=SELECT, dock=DOCK, holster=HOLSTER, battery="max17048"
)


@dataclass
class Hands:
    """The outside world of a board: what a wearer, a dock and a discharging battery do to it."""

    factory: MockFactory = field(default_factory=MockFactory)
    bus: RegisterBus = field(default_factory=RegisterBus)

    def __post_init__(self) -> None:
        self.bus.set_max17048(80.0, -8.0)

    def board(self, clock: VirtualClock) -> Board:
        lines = RecordedIndicators()
        return open_board(SECTION, clock, InlineWorker(), lines, factory=self.factory, bus=self.bus)

    def close(self, pin: int) -> None:
        drive(self.factory, pin, is_closed=True)

    def open(self, pin: int) -> None:
        drive(self.factory, pin, is_closed=False)

    async def press(self, clock: VirtualClock, pin: int, times: int = 1) -> None:
        for _ in range(times):
            await self.hold(clock, pin, 0.1)
            await clock.sleep(0.1)

    async def hold(self, clock: VirtualClock, pin: int, seconds: float) -> None:
        self.close(pin)
        await clock.sleep(seconds)
        self.open(pin)


StepsOf = Callable[[BodyWornHarness, Hands], Awaitable[None]]


def run_board(steps_of: StepsOf, **options: Any) -> BodyWornHarness:
    hands = Hands()
    boards: list[Board] = []

    def of(name: str) -> object:
        def make(clock: VirtualClock) -> object:
            if not boards:
                boards.append(hands.board(clock))
            return getattr(boards[0], name)

        return make

    async def steps(harness: BodyWornHarness) -> None:
        await steps_of(harness, hands)

    devices = {name: of(name) for name in ("switches", "battery", "dock", "triggers")}
    harness = run_steps(steps, positioning=None, **devices, **options)
    boards[0].close()
    return harness


def test_presses_on_a_pin_start_mark_and_stop() -> None:
    async def steps(harness: BodyWornHarness, hands: Hands) -> None:
        await hands.press(harness.clock, EVENT, times=2)
        await harness.clock.sleep(5)
        assert harness.state is State.RECORDING
        await hands.press(harness.clock, EVENT)
        await harness.clock.sleep(5)
        hands.close(EVENT)
        await harness.clock.sleep(3.5)
        hands.open(EVENT)
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING

    (account,) = run_board(steps).storage.listing()
    assert (account.status, account.start.source, len(account.markers_s)) == ("complete", "button", 1)


def test_contacts_that_bounce_on_a_pin_make_one_press() -> None:
    async def steps(harness: BodyWornHarness, hands: Hands) -> None:
        await hands.press(harness.clock, EVENT, times=2)
        await harness.clock.sleep(5)
        for seconds in (0.001, 0.002, 0.1, 0.003):
            await hands.hold(harness.clock, EVENT, seconds)
            await harness.clock.sleep(0.004)
        await harness.clock.sleep(1)

    (account,) = run_board(steps).storage.listing()
    assert len(account.markers_s) == 1


def test_event_and_select_held_together_on_pins_are_stealth() -> None:
    async def steps(harness: BodyWornHarness, hands: Hands) -> None:
        hands.close(SELECT)
        await hands.hold(harness.clock, EVENT, 3.5)
        hands.open(SELECT)
        assert harness.flags() == ["stealth"]

    run_board(steps)


def test_a_held_button_answers_a_request_for_presence() -> None:
    """With which a first secret is set at the console, without the host."""

    async def steps(harness: BodyWornHarness, hands: Hands) -> None:
        asked = asyncio.create_task(harness.camera.presence(20))
        await harness.clock.sleep(1)
        hands.close(EVENT)
        await harness.clock.sleep(3.5)
        hands.open(EVENT)
        assert await asked

    run_board(steps)


def test_the_dock_finishes_a_recording_and_charges() -> None:
    async def steps(harness: BodyWornHarness, hands: Hands) -> None:
        await hands.press(harness.clock, EVENT, times=2)
        await harness.clock.sleep(5)
        hands.close(DOCK)
        await harness.clock.sleep(2)
        assert harness.state is State.DOCKED
        hands.open(DOCK)
        await harness.clock.sleep(2)
        assert harness.state is State.BUFFERING

    (account,) = run_board(steps).storage.listing()
    assert account.stop is not None
    assert account.stop.source == "dock"


def test_a_low_gauge_is_a_flag_and_a_critical_one_finishes_the_recording() -> None:
    async def steps(harness: BodyWornHarness, hands: Hands) -> None:
        await hands.press(harness.clock, EVENT, times=2)
        hands.bus.set_max17048(4.0, -8.0)
        await harness.clock.sleep(40)
        assert "low-battery" in harness.flags()
        hands.bus.set_max17048(0.8, -8.0)
        await harness.clock.sleep(40)

    harness = run_board(steps)
    assert harness.storage.listing()[0].status == "complete"
    assert "critical" in harness.camera.ended
    (low,) = harness.link.events("battery-low")
    assert (low.detail["percent"], low.detail["temperature_c"]) == (4.0, None)


def test_a_trigger_starts_once_and_is_refused_in_standby_where_a_rule_says_so() -> None:
    async def steps(harness: BodyWornHarness, hands: Hands) -> None:
        await hands.press(harness.clock, HOLSTER)
        await harness.clock.sleep(5)
        assert harness.state is State.RECORDING
        await hands.press(harness.clock, HOLSTER)
        await harness.clock.sleep(5)
        hands.close(EVENT)
        await harness.clock.sleep(3.5)
        hands.open(EVENT)
        await harness.clock.sleep(1)
        harness.link.command("sleep")
        await harness.clock.sleep(1)
        assert harness.state is State.STANDBY
        await hands.press(harness.clock, HOLSTER)
        await harness.clock.sleep(5)
        assert harness.state is State.STANDBY

    harness = run_board(steps, profile=load_profile("federal-2024"))
    (account,) = harness.storage.listing()
    assert (account.start.source, account.start.reason) == ("trigger", "holster")
    assert account.decision is not None
    assert account.decision.source == "holster"
    (refused,) = harness.link.events("refused")
    assert (refused.detail["source"], refused.detail["rule"]) == ("trigger", "asleep-no-triggers")


class LateSwitches:
    """Edges that a busy camera reads long after they happened."""

    def __init__(self) -> None:
        self.queue = Inbox[Edge]()

    def down(self) -> tuple[ButtonName, ...]:
        return ()

    async def edges(self):  # type: ignore[no-untyped-def]
        while True:
            yield await self.queue.get()


def test_edges_that_are_read_late_keep_their_times() -> None:
    """Read together, two presses a second apart would be a double press."""

    async def program(clock: VirtualClock) -> list[str]:
        switches, seen = LateSwitches(), list[str]()
        watch = ButtonWatch(switches, clock, lambda button, gesture: seen.append(f"{button} {gesture}"))
        watching = asyncio.create_task(watch.run())
        await clock.sleep(10)
        for at_s in (5.0, 6.0):
            switches.queue.put(Edge("event", True, at_s))
            switches.queue.put(Edge("event", False, at_s + 0.1))
        await clock.sleep(1)
        watching.cancel()
        await asyncio.wait([watching])
        return seen

    assert run_virtual(program) == ["event press", "event press"]

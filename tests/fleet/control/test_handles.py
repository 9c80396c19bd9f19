"""Whatever somebody's hand does to cameras, the truth about them stays true: no checker finds anything."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lapel.hardware.interfaces import ButtonName
from lapel_fleet.cameras.fault_injection import OF_THE_CONTROL_ROOM
from lapel_fleet.cameras.fleet import Fleet
from lapel_fleet.checkers.registry import judge
from lapel_fleet.control.handles import fault_of, scenario_of
from lapel_fleet.control.manual_control import ManualControl
from lapel_fleet.runs.run import AGENCY
from lapel_fleet.runs.trace import Trace
from lapel_fleet.runs.traffic.control_room import ControlRoom
from lapel_fleet.runs.virtual import SETTLE_S, VirtualEnvironment
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import FAULTS
from lapel_fleet.time.clocks import VirtualClock, run_virtual

SCENARIO = scenario_of({"baltimore": 1}, duration_s=3600, prebuffer_s=5)
CAMERA = "baltimore/cam-0001"
TURNS = 50
"""Of the event loop, in which no time passes: what is asked over a socket has its turns, too."""


@dataclass(frozen=True)
class Press:
    button: ButtonName
    times: int


@dataclass(frozen=True)
class Hold:
    button: ButtonName
    seconds: float


@dataclass(frozen=True)
class Wrong:
    kind: str
    for_s: float


@dataclass(frozen=True)
class Wait:
    seconds: float


Step = Press | Hold | Wrong | Wait
SECONDS = st.sampled_from((0.0, 0.2, 0.5, 0.6, 1.0, 2.9, 3.0, 3.1, 7.0, 40.0))
KINDS = sorted(set(FAULTS) - OF_THE_CONTROL_ROOM)
BUTTONS = st.sampled_from(get_args(ButtonName))
STEPS = st.lists(
    st.builds(Press, BUTTONS, st.integers(1, 10))
    | st.builds(Hold, BUTTONS, SECONDS)
    | st.builds(Wrong, st.sampled_from(KINDS), SECONDS)
    | st.builds(Wait, SECONDS),
    max_size=12,
)


async def done(steps: Sequence[Step], hand: ManualControl, clock: VirtualClock) -> None:
    """One after the other; holds and faults go on meanwhile."""
    ends: list[asyncio.Task[None]] = []

    async def mended(number: int, after_s: float) -> None:
        await clock.sleep(after_s)
        hand.end_fault(number)

    for number, step in enumerate(steps):
        match step:
            case Press(button, times):
                hand.press(CAMERA, button, times)
            case Hold(button, seconds):
                hand.hold(CAMERA, button, seconds)
            case Wrong(kind, for_s):
                await hand.begin_fault(number, fault_of(kind, {}))
                ends.append(asyncio.create_task(mended(number, for_s)))
            case Wait(seconds):
                await clock.sleep(seconds)
        for _ in range(TURNS):
            await asyncio.sleep(0)
    await clock.sleep(60)
    await asyncio.gather(*ends)


def found(steps: Sequence[Step]) -> list[str]:
    """What the checkers say when that was done."""

    async def program(clock: VirtualClock) -> list[Any]:
        streams, trace = RandomStreams(7), Trace()
        environment = VirtualEnvironment(SCENARIO, asyncio.get_running_loop())

        async def never() -> None:
            """Nobody stops this broker."""

        room = ControlRoom(
            SCENARIO, SCENARIO.cameras, streams, AGENCY, clock, trace, lambda *_: True,
            stop_broker=never, start_broker=never,
        )  # fmt: skip
        environment.broker.observers.append(room.received_messages.hear)
        fleet = Fleet(SCENARIO, SCENARIO.cameras, streams, environment, clock)
        hand = ManualControl(fleet.cameras, streams, clock)
        fleet.power_on()
        await clock.sleep(30)
        await done(steps, hand, clock)
        await hand.let_go()
        hand.press(CAMERA, "power")  # who was switched off with something left to say can say it now
        await fleet.end()
        await clock.sleep(SETTLE_S)
        cases = room.cases(fleet.actual_records())
        environment.broker.observers.clear()
        await fleet.close()
        return cases

    return [f"{one.checker}: {failure}" for one in judge(run_virtual(program)) for failure in one.failures]


@settings(max_examples=100)
@given(STEPS)
@example([Press("event", 1), Press("event", 1)])
def test_whatever_is_done_by_hand_the_truth_stays_true(steps: Sequence[Step]) -> None:
    assert found(steps) == []

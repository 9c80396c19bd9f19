"""Whatever is done to cameras by hand, their actual records stay right: no checker fails."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lapel.hardware.interfaces import ButtonName
from lapel_fleet.cameras.actions import Hold, Press, SwapBattery
from lapel_fleet.cameras.fleet import Fleet
from lapel_fleet.cameras.manual_control import ManualControl
from lapel_fleet.checkers.registry import judge
from lapel_fleet.control.fleet_thread import manual_fault, scenario_of
from lapel_fleet.runs.run import AGENCY
from lapel_fleet.runs.trace import Trace
from lapel_fleet.runs.traffic.control_room import ControlRoom
from lapel_fleet.runs.virtual import SETTLE_S, VirtualEnvironment
from lapel_fleet.scenario.faults import FAULTS
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

SCENARIO = scenario_of({"baltimore": 1}, duration_s=3600, prebuffer_s=5, sound=True)
CAMERA = "baltimore/cam-0001"
TURNS = 50
"""Turns of the event loop in which no time passes, as between two requests on a socket."""


@dataclass(frozen=True)
class InjectedFault:
    kind: str
    for_s: float


@dataclass(frozen=True)
class Wait:
    seconds: float


Step = Press | Hold | SwapBattery | InjectedFault | Wait
SECONDS = st.sampled_from((0.0, 0.2, 0.5, 0.6, 1.0, 2.9, 3.0, 3.1, 7.0, 40.0))
KINDS = sorted(name for name, kind in FAULTS.items() if kind.on_camera)
BUTTONS = st.sampled_from(get_args(ButtonName))
STEPS = st.lists(
    st.builds(Press, st.just(CAMERA), BUTTONS, st.integers(1, 10))
    | st.builds(Hold, st.just(CAMERA), BUTTONS, SECONDS)
    | st.just(SwapBattery(CAMERA))
    | st.builds(InjectedFault, st.sampled_from(KINDS), SECONDS)
    | st.builds(Wait, SECONDS),
    max_size=12,
)


async def done(steps: Sequence[Step], control: ManualControl, clock: VirtualClock) -> None:
    """One after the other; holds and faults continue meanwhile."""
    ends: list[asyncio.Task[None]] = []

    async def end_later(number: int, after_s: float) -> None:
        await clock.sleep(after_s)
        control.end_fault(number)

    for number, step in enumerate(steps):
        match step:
            case Press() | Hold() | SwapBattery():
                control.begin(step)
            case InjectedFault(kind, for_s):
                await control.begin_fault(number, manual_fault(kind, {}))
                ends.append(asyncio.create_task(end_later(number, for_s)))
            case Wait(seconds):
                await clock.sleep(seconds)
        for _ in range(TURNS):
            await asyncio.sleep(0)
    await clock.sleep(60)
    await asyncio.gather(*ends)


def found(steps: Sequence[Step]) -> list[str]:
    """The failures that the checkers find afterwards."""

    async def program(clock: VirtualClock) -> list[Any]:
        streams, trace = RandomStreams(7), Trace()
        environment = VirtualEnvironment(SCENARIO, asyncio.get_running_loop())

        async def never() -> None:
            """This broker is never stopped."""

        room = ControlRoom(
            SCENARIO, SCENARIO.cameras, streams, AGENCY, clock, trace, lambda *_: True,
            stop_broker=never, start_broker=never,
        )  # fmt: skip
        environment.broker.observers.append(room.received_messages.receive)
        fleet = Fleet(SCENARIO, SCENARIO.cameras, streams, environment, clock)
        control = ManualControl(fleet.cameras, streams, clock)
        fleet.power_on()
        await clock.sleep(30)
        await done(steps, control, clock)
        await control.release()
        control.begin(Press(CAMERA, "power"))  # a camera that was switched off can send what it still has
        await fleet.end()
        await clock.sleep(SETTLE_S)
        cases = room.cases(fleet.actual_records())
        environment.broker.observers.clear()
        await fleet.close()
        return cases

    return [f"{one.checker}: {failure}" for one in judge(run_virtual(program)) for failure in one.failures]


@settings(max_examples=100)
@given(STEPS)
@example([Press(CAMERA, "event", 1), Press(CAMERA, "event", 1)])
@example([Press(CAMERA, "event", 2), Wait(7.0), SwapBattery(CAMERA), Wait(40.0)])
def test_no_checker_fails_whatever_is_done_by_hand(steps: Sequence[Step]) -> None:
    assert found(steps) == []

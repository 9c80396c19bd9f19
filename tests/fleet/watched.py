"""A virtual run that is watched more closely than `lapel_fleet.fleet` does: the cameras' lights, their lenses and the
markers go into the truth, and all that is heard keeps its time. Everything ends when the run is judged.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import pytest

from lapel.states import State
from lapel_fleet import fleet
from lapel_fleet.checkers.ledger import Heard, Truth
from lapel_fleet.clock import VirtualClock
from lapel_fleet.hardware.indicators import SimulatedIndicators
from lapel_fleet.scenario import Scenario
from lapel_fleet.trace import Trace
from lapel_fleet.world import World

_STATES = {state.value for state in State}


@dataclass
class Watch:
    """What was seen and heard in a run."""

    heard: dict[str, Heard] = field(default_factory=dict)
    history: list[tuple[str, bytes]] = field(default_factory=list)
    """Every message, in order."""
    is_over: bool = False


class Lights(SimulatedIndicators):
    """Whoever looks at them knows the state."""

    def __init__(self, truth: Truth, clock: VirtualClock) -> None:
        super().__init__()
        self._truth, self._clock = truth, clock

    def say(self, line: str) -> None:
        super().say(line)
        state = line.split(":")[0]
        if state in _STATES:
            self._truth.states.append((self._clock.mono_s(), state))


def run(
    scenario: Scenario, seed: int, *, left_off: bool = False, retained: Mapping[str, bytes] | None = None
) -> tuple[fleet.Run, Watch]:
    """`left_off`: the battery of a camera that loses power a second time stays out. `retained`: what somebody left on
    the broker, by topic.
    """
    watch = Watch()

    class WatchedCamera(fleet.SimulatedCamera):
        def power_on(self) -> None:
            if not self.truth.states:
                self.indicators = Lights(self.truth, self.clock)
            if not (left_off and self.truth.power_cuts > 1):
                super().power_on()

        async def power_cut(self) -> None:
            was_on = self.is_on
            await super().power_cut()
            if was_on:
                self.truth.states.append((self.clock.mono_s(), "off"))

        def mark(self) -> None:
            if self.is_on:
                self.truth.markers.append(self.clock.mono_s())
            super().mark()

        def unplug_lens(self) -> None:
            self.truth.dark.append((self.clock.mono_s(), float("inf")))
            super().unplug_lens()

        def plug_lens_in(self) -> None:
            self.truth.dark[-1] = (self.truth.dark[-1][0], self.clock.mono_s())
            super().plug_lens_in()

        def settle_truth(self) -> Truth:
            watch.is_over = True
            return super().settle_truth()

    class WatchedFleet(fleet.VirtualFleet):
        def __init__(self, scenario: Scenario, world: World, clock: VirtualClock, trace: Trace) -> None:
            super().__init__(scenario, world, clock, trace)
            self.broker.retained.update(retained or {})
            self.broker.observers.append(self._listen)

        def _listen(self, topic: str, payload: bytes) -> None:
            if not watch.is_over:
                watch.history.append((topic, payload))
                _, _, _, site, camera, leaf = topic.split("/", 5)
                at_s = asyncio.get_running_loop().time()
                watch.heard.setdefault(f"{site}/{camera}", Heard()).hear(at_s, leaf, payload)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fleet, "SimulatedCamera", WatchedCamera)
        patch.setattr(fleet, "VirtualFleet", WatchedFleet)
        done = fleet.run(scenario, seed)
    cases = [(truth, watch.heard[truth.camera]) for truth, _ in done.cases]
    return msgspec.structs.replace(done, cases=cases), watch

"""A virtual run whose messages are kept as they came, and whose world can be a little worse than scenarios make it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.checkers.records import ReceivedRecord
from lapel_fleet.hardware.virtual_broker import VirtualBroker
from lapel_fleet.runs import virtual
from lapel_fleet.runs.run import Run
from lapel_fleet.scenario.scenario import Scenario


@dataclass
class Watch:
    """What was heard in a run."""

    received: dict[str, ReceivedRecord] = field(default_factory=dict)
    history: list[tuple[str, bytes]] = field(default_factory=list)
    """Every message, in order, up to the moment at which the run is judged."""


def run(
    scenario: Scenario, seed: int, *, left_off: bool = False, retained: Mapping[str, bytes] | None = None
) -> tuple[Run, Watch]:
    """`left_off`: the battery of a camera that loses power a second time stays out. `retained`: what somebody left on
    the broker, by topic.
    """
    watch = Watch()
    power_on = SimulatedCamera.power_on

    def powered_on(self: SimulatedCamera) -> None:
        if not (left_off and self.actual.power_cuts > 1):
            power_on(self)

    class Broker(VirtualBroker):
        def __init__(self) -> None:
            super().__init__()
            self.retained.update(retained or {})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimulatedCamera, "power_on", powered_on)
        patch.setattr(virtual, "VirtualBroker", Broker)
        done = virtual.run(scenario, seed, listeners=[lambda *said: watch.history.append(said)])
    watch.received = {actual.camera: received for actual, received in done.cases}
    return done, watch

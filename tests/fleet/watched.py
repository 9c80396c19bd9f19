"""Virtual runs whose messages are kept in order, with conditions that no scenario can express."""

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
    """What was received in a run."""

    received: dict[str, ReceivedRecord] = field(default_factory=dict)
    history: list[tuple[str, bytes]] = field(default_factory=list)
    """Every message, in order, until the run is checked."""


def run(
    scenario: Scenario, seed: int, *, left_off: bool = False, retained: Mapping[str, bytes] | None = None
) -> tuple[Run, Watch]:
    """`left_off`: a camera that loses power a second time stays without battery. `retained`: messages retained on the
    broker before the run, by topic.
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
        done = virtual.run(scenario, seed, listeners=[lambda *message: watch.history.append(message)])
    watch.received = {actual.camera: received for actual, received in done.cases}
    return done, watch

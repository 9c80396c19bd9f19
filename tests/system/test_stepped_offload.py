"""Tests of an evidence system with the plugin's fleet: a camera is docked, and the system is asked."""

from collections.abc import Iterator
from contextlib import asynccontextmanager

import pytest

from lapel.clock import SystemClock
from lapel.errors import LapelError
from lapel.offload.axis_names import serial_number
from lapel_fleet.broker.address import Address
from lapel_fleet.broker.embedded import embedded_broker
from lapel_fleet.control.fleet_thread import scenario_of
from lapel_fleet.control.handles import CameraHandle, FleetHandle
from lapel_fleet.runs.destination import Destination, built_in
from lapel_fleet.runs.evidence_back_end.back_end import EvidenceBackEnd
from lapel_fleet.runs.evidence_back_end.faults import Faults
from lapel_fleet.time.loop_thread import LoopThread


class OurEvidenceSystem:
    """As its user sees it: an address, and what it has."""

    def __init__(self, destination: Destination, back_end: EvidenceBackEnd) -> None:
        self.destination, self.back_end = destination, back_end
        self.states: dict[str, str] = {}

    def evidence(self, camera: str) -> list[str]:
        serial = serial_number(*camera.split("/"))
        recordings = [one for container, one in self.back_end.containers.items() if f"_{serial}_" in container]
        return [clip for one in recordings if one.is_complete for clip in one.clips]

    def state(self, camera: str) -> str:
        return "docked"

    def events(self, camera: str) -> list[str]:
        return []


@pytest.fixture
def our_system() -> Iterator[OurEvidenceSystem]:
    @asynccontextmanager
    async def serving():  # type: ignore[no-untyped-def]
        async with built_in(SystemClock(), Faults(), has_files=True) as (destination, served):
            yield OurEvidenceSystem(destination, served.back_end)

    thread: LoopThread[OurEvidenceSystem] = LoopThread(serving(), "our-system")
    yield thread.inside
    thread.close()


@pytest.fixture
def fleet(our_system: OurEvidenceSystem) -> Iterator[FleetHandle]:
    broker = LoopThread(embedded_broker(), "lapel-broker")
    address = Address(url=broker.inside.url, software=f"{broker.inside.name} {broker.inside.version}")
    scenario = scenario_of({"baltimore": 1}, offload={})
    with FleetHandle(scenario, 7, "test", address, our_system.destination) as handle:
        yield handle
    broker.close()


def docked_with_a_recording(fleet: FleetHandle, length_s: float = 5) -> CameraHandle:
    """The camera, which has recorded for `length_s` and is in its dock."""
    cam = fleet["baltimore/cam-0001"]
    cam.press(times=2)
    fleet.advance(seconds=length_s)
    cam.hold()
    cam.dock()
    return cam


def test_a_docked_camera_offloads_and_the_system_has_it(fleet: FleetHandle, our_system: OurEvidenceSystem) -> None:
    cam = docked_with_a_recording(fleet, 20)
    cam.until_offloaded()
    (clip,) = our_system.evidence(cam.name)
    assert clip in fleet.cases()[0][0].contents
    findings = {one.checker: one.verdict for one in _checked(fleet, our_system)}
    assert findings["back-end-has-the-evidence"] == "passed"
    our_system.back_end.containers.clear()  # it loses everything
    assert {one.checker: one.verdict for one in _checked(fleet, our_system)}["back-end-has-the-evidence"] == "failed"
    cam.undock()
    assert cam.state != "docked"


def test_a_store_that_gives_no_receipts(fleet: FleetHandle, our_system: OurEvidenceSystem) -> None:
    our_system.back_end.faults.begin("lost-receipt")
    cam = docked_with_a_recording(fleet)
    cam.until_offloaded(confirmed=False)
    assert len(our_system.evidence(cam.name)) == 1


def test_what_is_not_confirmed_is_explained(fleet: FleetHandle, our_system: OurEvidenceSystem) -> None:
    our_system.back_end.faults.begin("full")
    cam = docked_with_a_recording(fleet)
    with pytest.raises(LapelError, match="1 recordings are not confirmed: waits: 507"):
        cam.until_offloaded(within_s=30)


def _checked(fleet: FleetHandle, our_system: OurEvidenceSystem):  # type: ignore[no-untyped-def]
    from lapel_fleet.checkers.registry import judge_back_end

    return judge_back_end(fleet.cases(), our_system)

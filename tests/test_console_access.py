"""What the console reads of the devices that a body-worn camera has and a laptop has not."""

import asyncio
from typing import Any, cast

import pytest

from body_worn_camera import BodyWornHarness, run_steps
from lapel.console.diagnosis import findings, survey
from lapel.console_access import CameraAccess
from lapel.recording import Account
from lapel.settings import Settings
from lapel.worker import InlineWorker


class FolderStorage:
    """The simulated storage, as an `EvidenceStorage`."""

    root = "evidence"

    def __init__(self, storage: Any) -> None:
        self.check, self.free_bytes = storage.check, storage.free_bytes

    def listing(self) -> list[Account]:
        return []


def access_to(harness: BodyWornHarness) -> CameraAccess:
    access = CameraAccess(harness.clock, harness.camera.log)
    access.attach(harness.camera, Settings(harness.config), cast(Any, FolderStorage(harness.storage)), InlineWorker())
    return access


def test_battery_position_and_devices_are_shown() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        access = access_to(harness)
        battery, position = access.battery(), access.position()
        assert battery is not None
        assert (battery.percent, battery.charging) == (pytest.approx(100, abs=0.5), False)
        assert battery.temperature_c is not None
        assert position is not None
        assert position.fix
        assert position.latitude == pytest.approx(39.29, abs=0.02)
        harness.gps.lose_fix()
        await harness.clock.sleep(60)
        lost = access.position()
        assert lost is not None
        assert not lost.fix
        states = {device.name: device.state for device in access.devices()}
        assert (states["video"], states["storage"]) == ("30 frames per second", "see `storage`")
        assert states["battery"].endswith("%")
        assert (states["gps"], states["dock"], states["buttons"]) == ("no fix", "out of the dock", "up")

    run_steps(steps)


@pytest.mark.parametrize("fault", ["stuck button", "low battery", "frozen video"])
def test_why_names_the_fault_first(fault: str) -> None:
    async def steps(harness: BodyWornHarness) -> None:
        access = access_to(harness)
        assert not [finding for finding in findings(await survey(access)) if finding.severity == "blocker"]
        match fault:
            case "stuck button":
                harness.buttons.stick("event")
                expected = "button: `event` has been down for 40 s"
            case "low battery":
                harness.battery.drop_to(4)
                expected = "battery: 4 %"
            case _:
                harness.footage.freeze()
                expected = "video: the image has been frozen for 40 s"
        await harness.clock.sleep(40)
        assert findings(await survey(access))[0].what.startswith(expected)

    run_steps(steps)


def test_presence_is_proved_by_holding_the_button() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        access = access_to(harness)
        assert "Hold the event button" in access.presence_hint
        waiting = asyncio.create_task(access.wait_for_presence(20))
        await harness.clock.sleep(1)
        await harness.buttons.hold("event", 3.2)
        assert await waiting
        assert not await access.wait_for_presence(20)

    run_steps(steps)

"""What a technician sees of the parts that a body-worn camera has and a laptop has not."""

import asyncio
from typing import Any, cast

import pytest

from body import Body, play
from lapel.console.diagnosis import findings, survey
from lapel.console_access import CameraAccess
from lapel.settings import Settings
from lapel.worker import InlineWorker


class Folder:
    root = "evidence"

    def __init__(self, storage: Any) -> None:
        self.check, self.free_bytes = storage.check, storage.free_bytes


def desk_of(on: Body) -> CameraAccess:
    desk = CameraAccess(on.clock, on.camera.log)
    desk.sit(on.camera, Settings(on.config), cast(Any, Folder(on.storage)), InlineWorker())
    return desk


def test_battery_place_and_parts_are_seen() -> None:
    async def story(on: Body) -> None:
        desk = desk_of(on)
        battery, position = desk.battery(), desk.position()
        assert battery is not None
        assert (battery.percent, battery.charging) == (pytest.approx(100, abs=0.5), False)
        assert battery.temperature_c is not None
        assert position is not None
        assert position.fix
        assert position.latitude == pytest.approx(39.29, abs=0.02)
        on.gps.lose_fix()
        await on.clock.sleep(60)
        lost = desk.position()
        assert lost is not None
        assert not lost.fix
        states = {one.name: one.state for one in desk.devices()}
        assert states["battery"].endswith("%")
        assert (states["gps"], states["dock"], states["buttons"]) == ("no fix", "out of the dock", "up")

    play(story)


@pytest.mark.parametrize("trouble", ["stuck button", "drained battery", "frozen picture"])
def test_why_names_it_first(trouble: str) -> None:
    async def story(on: Body) -> None:
        desk = desk_of(on)
        assert not [one for one in findings(await survey(desk)) if one.severity == "blocker"]
        match trouble:
            case "stuck button":
                on.buttons.stick("event")
                told = "button: `event` has been down for 40 s"
            case "drained battery":
                on.battery.drop_to(4)
                told = "battery: 4 %"
            case _:
                on.footage.freeze()
                told = "video: the image has been frozen for 40 s"
        await on.clock.sleep(40)
        assert findings(await survey(desk))[0].what.startswith(told)

    play(story)


def test_presence_is_proved_at_the_button() -> None:
    async def story(on: Body) -> None:
        desk = desk_of(on)
        assert "Hold the event button" in desk.presence_hint
        asked = asyncio.create_task(desk.wait_for_presence(20))
        await on.clock.sleep(1)
        await on.buttons.hold("event", 3.2)
        assert await asked
        assert not await desk.wait_for_presence(20)

    play(story)

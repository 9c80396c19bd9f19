"""The technician's console of a simulated camera: opened late, through restarts and power cuts."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from console.terminals import Emulator
from lapel.errors import ConsoleError
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.cameras.console import SimulatedConsole
from lapel_fleet.hardware.serial_line import SimulatedSerialLine
from lapel_fleet.runs.virtual import VirtualEnvironment
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

SCENARIO = Scenario(sites={"baltimore": 1})


class Visit:
    """A technician at a camera that has been on for a minute."""

    def __init__(
        self, clock: VirtualClock, camera: SimulatedCamera, line: SimulatedSerialLine, console: SimulatedConsole
    ):
        self.clock, self.camera, self.line, self.console = clock, camera, line, console
        self.terminal = Emulator(80)
        line.on_read = self.terminal.feed
        line.attach()

    async def enter(self, line: str, wait_s: float = 0.2) -> str:
        """Type a line. Returns the output up to the next prompt."""
        begin = self.terminal.row
        self.line.type(f"{line}\r".encode())
        await self.clock.sleep(wait_s)
        return "\n".join(self.terminal.text(row) for row in range(begin + 1, self.terminal.row + 1))

    async def log_in(self) -> None:
        secret = self.console.allow_login_once()
        await self.enter("service")
        assert "cam-0001" in await self.enter(secret, wait_s=2)


def play(story: Callable[[Visit], Awaitable[None]], *, is_on: bool = True) -> None:
    async def program(clock: VirtualClock) -> None:
        environment = VirtualEnvironment(SCENARIO, asyncio.get_running_loop())
        camera = SimulatedCamera("baltimore/cam-0001", SCENARIO, RandomStreams(7), environment)
        if is_on:
            camera.power_on()
        await clock.sleep(60)
        line = SimulatedSerialLine()
        async with SimulatedConsole(camera, line) as console:
            await story(Visit(clock, camera, line, console))
        await camera.switch_off()
        await camera.close()
        assert len(asyncio.all_tasks()) == 1

    run_virtual(program)


def test_it_opens_on_a_running_camera() -> None:
    async def story(on: Visit) -> None:
        await on.log_in()
        assert "READY" in await on.enter("status")
        assert "recording" in await on.enter("record start 'a test'")
        assert on.camera.is_recording
        assert "stopped" in await on.enter("record stop done")

    play(story)


def test_a_secret_works_once_and_is_stored_nowhere() -> None:
    async def story(on: Visit) -> None:
        secret = on.console.allow_login_once()
        assert secret != on.console.allow_login_once()
        await on.enter("service")
        assert "Wrong secret" in await on.enter(secret)
        await on.log_in()
        logs = str(on.console.log.entries) + str(on.camera.camera.log.newest(1_000) if on.camera.camera else "")
        assert secret not in logs
        assert [one["kind"] for one in on.console.log.entries] == ["login-failed", "login"]

    play(story)


def test_it_follows_the_camera_through_a_restart() -> None:
    async def story(on: Visit) -> None:
        await on.log_in()
        before = on.camera.camera
        await on.enter("reboot", wait_s=20)
        assert on.camera.camera is not before
        assert "READY" in await on.enter("status")

    play(story)


def test_a_power_cut_ends_the_session_and_input_without_power_is_lost() -> None:
    async def story(on: Visit) -> None:
        await on.log_in()
        await on.enter("record start 'a test'", wait_s=10)
        await on.camera.power_cut()
        assert await on.enter("status") == ""
        on.camera.power_on()
        await on.clock.sleep(20)
        assert on.terminal.text(on.terminal.row) == "login:"
        await on.log_in()
        assert "1 recording(s) interrupted" in await on.enter("why")

    play(story)


def test_it_can_be_opened_at_a_camera_that_is_off() -> None:
    async def story(on: Visit) -> None:
        assert await on.enter("status", wait_s=10) == ""
        on.camera.power_on()
        await on.clock.sleep(10)
        assert on.terminal.text(on.terminal.row) == "login:"
        await on.log_in()

    play(story, is_on=False)


def test_a_camera_has_one_service_port() -> None:
    async def story(on: Visit) -> None:
        with pytest.raises(ConsoleError, match="baltimore/cam-0001: its service port is in use"):
            async with SimulatedConsole(on.camera, SimulatedSerialLine()):
                pass
        await on.log_in()

    play(story)


def test_a_camera_keeps_nothing_of_a_closed_console() -> None:
    async def program(clock: VirtualClock) -> None:
        camera = SimulatedCamera(
            "baltimore/cam-0001", SCENARIO, RandomStreams(7), VirtualEnvironment(SCENARIO, asyncio.get_running_loop())
        )
        camera.power_on()
        await clock.sleep(60)
        async with SimulatedConsole(camera, SimulatedSerialLine()) as console:
            assert (camera.console, camera.tap.intercept is None) == (console, False)
        assert (camera.console, camera.tap.intercept) == (None, None)
        await camera.switch_off()
        await camera.close()

    run_virtual(program)


def test_holding_the_button_proves_presence() -> None:
    async def story(on: Visit) -> None:
        await on.enter("viewer")
        holding = asyncio.create_task(on.camera.hold())
        await on.clock.sleep(5)
        assert on.terminal.text(on.terminal.row) == "new secret for viewer:"
        await holding

    play(story)


def test_clock_set_sets_the_cameras_own_clock() -> None:
    async def story(on: Visit) -> None:
        await on.log_in()
        on.camera.clock.trusted = "unsynced"
        assert "clock: never set" in await on.enter("why")
        await on.enter("clock set 2030-05-06T07:08:09Z")
        assert "READY" in await on.enter("status")
        assert (on.camera.clock.now().utc - datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)).total_seconds() < 1

    play(story)


def test_the_probe_uses_the_cameras_own_link() -> None:
    async def story(on: Visit) -> None:
        await on.log_in()
        assert "accepts this camera" in await on.enter("network probe")
        on.camera.network.unplug()
        assert "FAILED: network is unreachable" in await on.enter("network probe")

    play(story)


def test_sending_a_recording_without_a_file_is_refused_in_one_line() -> None:
    async def story(on: Visit) -> None:
        await on.log_in()
        await on.enter("record start 'a test'", wait_s=5)
        await on.enter("record stop done", wait_s=5)
        assert "in memory only" in await on.enter("recording send 2026")

    play(story)

"""A short pre-event part names what began the capture, in `recording.json` and in the event `prebuffer-saved`."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

import pytest

import body_worn_camera
from body_worn_camera import BodyWornHarness
from camera_harness import CameraHarness, lose_power, run_steps
from lapel.app import App, run_for_good
from lapel.config import load
from lapel.errors import StorageError
from lapel.link.messages import Command
from lapel.settings import Settings
from lapel.worker import InlineWorker, ThreadWorker
from lapel_fleet.hardware.memory_storage import MemoryStorage
from simulated_parts import RecordingLink

SWITCHED_ON = "the camera was switched on or its firmware started"


async def press_after(harness: CameraHarness, seconds: float) -> None:
    await harness.clock.sleep(seconds)
    harness.camera.press()
    await harness.clock.sleep(2)
    harness.camera.press()
    await harness.clock.sleep(1)


def shortfall(harness: CameraHarness) -> str:
    """The one in the newest `recording.json`, which the event repeats."""
    return same_reason(str(harness.accounts()[-1]["prebuffer_shortfall"]), harness.link)


def same_reason(written: str, link: RecordingLink) -> str:
    """`written`; an event that is published before the first frame adds that there is none yet."""
    published = str(link.events("prebuffer-saved")[-1].detail["shortfall"])
    assert published.partition("; no ")[0] == written
    return written


def test_switched_on(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await press_after(harness, 4.1)

    harness = run_steps(tmp_path, steps)
    assert shortfall(harness) == f"capture began only 4.2 s before the press, when {SWITCHED_ON}"
    (account,) = harness.accounts()
    assert account["prebuffer_actual_s"] == pytest.approx(4.2, abs=0.01)


def test_pressed_before_the_first_fragment(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await press_after(harness, 0.4)

    harness = run_steps(tmp_path, steps)
    assert shortfall(harness) == f"no frames had been captured yet: capture began when {SWITCHED_ON}"


def test_woken_by_a_command(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        harness.link.command("sleep", "1")
        await harness.clock.sleep(60)
        harness.link.command("arm", "12", sender="dispatcher-3")
        await press_after(harness, 3)

    assert shortfall(run_steps(tmp_path, steps)) == (
        "capture began only 3.0 s before the press, when the camera was woken by command 12 from dispatcher-3 (test)"
    )


def test_asleep_until_the_press(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        harness.link.command("sleep", "9", sender="dispatcher-3")
        await press_after(harness, 60)

    harness = run_steps(tmp_path, steps)
    assert shortfall(harness) == (
        "no frames had been captured yet: capture began when recording was started by the button; "
        "the camera was in standby, put to sleep by command 9 from dispatcher-3 (test)"
    )
    (account,) = harness.accounts()
    assert account["prebuffer_actual_s"] == 0


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("reboot", "a reboot by command 7 from dispatcher-3 (new card)"),
        ("set-configuration", "a restart for changed settings by command 7 from dispatcher-3 (new card)"),
    ],
)
def test_restarted_by_a_command(tmp_path: Path, command: Any, reason: str) -> None:
    async def restart(harness: CameraHarness) -> None:
        configuration: Any = {"video": {"gop_s": 2.0}} if command == "set-configuration" else None
        harness.camera.on_command(
            Command(id="7", command=command, reason="new card", sender="dispatcher-3", configuration=configuration)
        )
        await harness.clock.sleep(1)

    async def steps(harness: CameraHarness) -> None:
        await press_after(harness, 3)

    before = run_steps(tmp_path, restart)
    assert before.camera.restarts
    after = run_steps(tmp_path, steps, restarted_because=before.camera.ended)
    assert (
        shortfall(after) == f"capture began only 3.1 s before the press, when the camera started again after {reason}"
    )


def test_restarted_because_the_settings_on_trial_did_not_work(tmp_path: Path) -> None:
    settings = Settings(load(flags={("prebuffer", "length_s"): 10}))
    settings.start_trial(settings.validate({"video": {"gop_s": 2.0}}), "1")
    settings.mark_started()

    async def trial(harness: CameraHarness) -> None:
        await harness.clock.sleep(100)

    async def steps(harness: CameraHarness) -> None:
        await press_after(harness, 3)

    before = run_steps(tmp_path, trial, settings=settings, blind=True)
    assert before.camera.restarts
    after = run_steps(tmp_path, steps, restarted_because=before.camera.ended)
    assert shortfall(after).endswith("when the camera started again after a restart with the previous settings")


def test_started_again_after_a_power_loss(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await press_after(harness, 3)

    with pytest.raises(ConnectionAbortedError):
        run_steps(tmp_path, lose_power)
    (lost,) = tmp_path.glob("*/recording.json")
    after = run_steps(tmp_path, steps)
    event = after.link.events("prebuffer-saved")[-1]
    assert event.detail["shortfall"] == (
        "capture began only 3.1 s before the press, when the camera started again after power or process was lost "
        f"during {lost.parent.name}"
    )


# -- footage that is computed by the simulator -----------------------------------------------------------------------


def computed_shortfall(steps: Callable[[BodyWornHarness], Coroutine[Any, Any, None]], **options: Any) -> str:
    async def press_3_s_later(harness: BodyWornHarness) -> None:
        await steps(harness)
        await harness.clock.sleep(3)
        await harness.start_recording()

    harness = body_worn_camera.run_steps(press_3_s_later, **options)
    return same_reason(str(harness.storage.listing()[-1].prebuffer_shortfall), harness.link)


def test_taken_out_of_the_dock() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.dock.put_in()
        await harness.clock.sleep(600)
        harness.dock.take_out()

    reason = computed_shortfall(steps)
    assert reason.startswith("capture began only 3.")
    assert reason.endswith(" s before the press, when the camera was taken out of the dock")


def test_a_storage_fault_ended() -> None:
    class FailingStorage(MemoryStorage):
        fails = False

        def check(self) -> None:
            if self.fails:
                raise StorageError("storage card: read-only")

        def free_bytes(self) -> int:
            self.check()
            return super().free_bytes()

    storage = FailingStorage()

    async def steps(harness: BodyWornHarness) -> None:
        storage.fails = True
        await harness.clock.sleep(60)
        storage.fails = False
        await harness.clock.sleep(1)
        while harness.state != "buffering":
            await harness.clock.sleep(0.1)

    assert computed_shortfall(steps, storage=storage).endswith("when a fault ended (storage card: read-only)")


def test_computed_footage_that_was_woken_by_the_press() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.link.command("sleep", "9", sender="dispatcher-3")

    assert computed_shortfall(steps, worker=InlineWorker()) == (
        "no frames had been captured yet: capture began when recording was started by the button; "
        "the camera was in standby, put to sleep by command 9 from dispatcher-3 (test)"
    )


# -- the reason reaches the camera that takes the place ---------------------------------------------------------------


async def test_each_camera_of_a_process_gets_the_reason_for_which_the_one_before_it_ended() -> None:
    reasons: list[str] = []

    class EndingCamera:
        def __init__(self, number: int) -> None:
            self.restarts, self.ended = number < 3, f"reboot by command {number}"

        async def run(self, reason: str) -> None:
            reasons.append(reason)
            await asyncio.sleep(0)

    class Nothing:
        def close(self) -> None:
            pass

    numbers = iter(range(1, 4))

    def make(_: Settings) -> App:
        nothing = cast(Any, Nothing())
        return App(cast(Any, EndingCamera(next(numbers))), nothing, nothing, ThreadWorker(), nothing)

    assert await run_for_good(Settings(load()), make) == "reboot by command 3"
    assert reasons == ["", "reboot by command 1", "reboot by command 2"]

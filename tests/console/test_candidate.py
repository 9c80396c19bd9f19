"""The candidate configuration: a change that is not confirmed in time is reverted, whatever happens meanwhile."""

from datetime import timedelta
from pathlib import Path

from console.harness import Harness, run_steps
from lapel.console.interface import Outcome

UNCONFIRMED = Path("evidence") / ".lapel" / "unconfirmed.json"


def length_s(harness: Harness) -> float:
    return harness.settings.current.prebuffer.length_s


async def commit_confirmed(harness: Harness) -> None:
    await harness.attach()
    await harness.log_in()
    await harness.type("config set prebuffer.length_s 20\r")
    await harness.type("config commit confirmed 5\r")


def test_losing_the_line_during_the_commit_reverts_it_too(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        await harness.type("config set prebuffer.length_s 20\r")
        harness.line.type(b"config commit confirmed 5\r")
        while not UNCONFIRMED.exists():
            await harness.clock.sleep(0)
        harness.line.hang_up()
        await harness.clock.sleep(280)
        assert length_s(harness) == 20
        await harness.clock.sleep(30)
        assert length_s(harness) == 10
        await harness.clock.sleep(100)
        assert not UNCONFIRMED.exists()

    run_steps(folder, steps)


def test_a_deadline_that_passed_while_off_reverts_at_power_on(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await commit_confirmed(harness)
        await harness.clock.sleep(90)
        await harness.power_off()
        await harness.clock.sleep(3600)
        harness.power_on()
        await harness.clock.sleep(1)
        assert length_s(harness) == 10

    run_steps(folder, steps)


def test_a_camera_started_without_a_console_reverts_it_too(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await commit_confirmed(harness)
        await harness.clock.sleep(90)
        await harness.power_off()
        harness.power_on(with_console=False)
        await harness.clock.sleep(200)
        assert length_s(harness) == 20
        await harness.clock.sleep(20)
        assert length_s(harness) == 10
        await harness.clock.sleep(100)
        assert not UNCONFIRMED.exists()

    run_steps(folder, steps)


def test_after_the_clock_lost_its_time_the_wait_is_no_longer_than_configured(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await commit_confirmed(harness)
        await harness.clock.sleep(90)
        await harness.power_off()
        harness.clock.step(-timedelta(days=3000).total_seconds())
        harness.power_on()
        await harness.clock.sleep(290)
        assert length_s(harness) == 20
        await harness.clock.sleep(20)
        assert length_s(harness) == 10

    run_steps(folder, steps)


def test_a_confirmed_change_survives_a_power_cut(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await commit_confirmed(harness)
        await harness.clock.sleep(90)
        await harness.type("config confirm\r")
        await harness.power_off()
        harness.power_on()
        await harness.clock.sleep(1000)
        assert length_s(harness) == 20
        assert not UNCONFIRMED.exists()

    run_steps(folder, steps)


def test_the_revert_waits_for_a_recording_to_end(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await commit_confirmed(harness)
        await harness.clock.sleep(200)
        assert harness.camera is not None
        harness.camera.press()
        await harness.clock.sleep(200)
        assert length_s(harness) == 20
        harness.camera.press()
        await harness.clock.sleep(300)
        assert length_s(harness) == 10
        assert not UNCONFIRMED.exists()

    run_steps(folder, steps)


def test_a_revert_that_failed_its_trial_is_retried(folder: Path) -> None:
    """Without frames during the trial of the previous settings, the camera reverts to the new ones by itself."""

    async def steps(harness: Harness) -> None:
        await commit_confirmed(harness)
        await harness.clock.sleep(120)
        harness.delivers_frames = False
        await harness.clock.sleep(280)
        assert length_s(harness) == 20
        harness.delivers_frames = True
        await harness.clock.sleep(300)
        assert length_s(harness) == 10
        assert not UNCONFIRMED.exists()

    run_steps(folder, steps)


def test_a_refused_change_leaves_nothing_to_revert(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        async def refuse(*_: object) -> Outcome:
            return Outcome(done=False, reason="not now")

        harness.access.change = refuse  # type: ignore[method-assign]
        await commit_confirmed(harness)
        assert b"refused: not now" in harness.output
        assert not UNCONFIRMED.exists()
        assert "reverts in" not in await harness.run("config show prebuffer")

    run_steps(folder, steps)


def test_a_damaged_file_is_set_aside_and_logged(folder: Path) -> None:
    UNCONFIRMED.parent.mkdir()
    UNCONFIRMED.write_text("{")

    async def steps(harness: Harness) -> None:
        await harness.clock.sleep(30)
        assert any("kept as unconfirmed.json.damaged-1" in line.text for line in harness.log.newest(50))
        await harness.attach()
        await harness.log_in()
        assert harness.prompt == "cam-0001 buffering>"

    run_steps(folder, steps)
    assert UNCONFIRMED.with_name("unconfirmed.json.damaged-1").exists()


def test_replace_gives_the_camera_the_name_of_the_one_it_replaces(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        await harness.type("replace cam-0042\r")
        await harness.clock.sleep(1)
        await harness.type("\r")
        assert harness.prompt == "cam-0042 buffering>"
        assert harness.log_entries("replace")[0]["name"] == "cam-0042"

    run_steps(folder, steps)

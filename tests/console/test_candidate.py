"""A change that is not confirmed in time is taken back, whatever happens meanwhile."""

from datetime import timedelta
from pathlib import Path

from console.rig import Rig, play
from lapel.console.interface import Outcome

NOTE = Path("evidence") / ".lapel" / "unconfirmed.json"


def length_s(rig: Rig) -> float:
    return rig.settings.current.prebuffer.length_s


async def commit(rig: Rig, how: str = "confirmed 5") -> None:
    await rig.attach()
    await rig.log_in()
    await rig.type("config set prebuffer.length_s 20\r")
    await rig.type(f"config commit {how}\r")


def test_losing_the_line_in_mid_commit_takes_it_back_too(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        await rig.type("config set prebuffer.length_s 20\r")
        rig.line.type(b"config commit confirmed 5\r")
        while not NOTE.exists():
            await rig.clock.sleep(0)
        rig.line.hang_up()
        await rig.clock.sleep(280)
        assert length_s(rig) == 20
        await rig.clock.sleep(30)
        assert length_s(rig) == 10
        await rig.clock.sleep(100)
        assert not NOTE.exists()

    play(folder, story)


def test_a_deadline_that_passed_without_power_is_kept_at_power_on(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await commit(rig)
        await rig.clock.sleep(90)
        await rig.power_off()
        await rig.clock.sleep(3600)
        rig.power_on()
        await rig.clock.sleep(1)
        assert length_s(rig) == 10

    play(folder, story)


def test_a_camera_that_is_started_without_a_console_takes_it_back_too(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await commit(rig)
        await rig.clock.sleep(90)
        await rig.power_off()
        rig.power_on(serviced=False)
        await rig.clock.sleep(200)
        assert length_s(rig) == 20
        await rig.clock.sleep(20)
        assert length_s(rig) == 10
        await rig.clock.sleep(100)
        assert not NOTE.exists()

    play(folder, story)


def test_a_clock_that_lost_its_time_gives_no_more_than_was_asked(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await commit(rig)
        await rig.clock.sleep(90)
        await rig.power_off()
        rig.clock.step(-timedelta(days=3000).total_seconds())
        rig.power_on()
        await rig.clock.sleep(290)
        assert length_s(rig) == 20
        await rig.clock.sleep(20)
        assert length_s(rig) == 10

    play(folder, story)


def test_what_was_confirmed_stays_over_a_power_cut(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await commit(rig)
        await rig.clock.sleep(90)
        await rig.type("config confirm\r")
        await rig.power_off()
        rig.power_on()
        await rig.clock.sleep(1000)
        assert length_s(rig) == 20
        assert not NOTE.exists()

    play(folder, story)


def test_it_waits_for_a_recording_to_end(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await commit(rig)
        await rig.clock.sleep(200)
        assert rig.camera is not None
        rig.camera.press()
        await rig.clock.sleep(200)
        assert length_s(rig) == 20
        rig.camera.press()
        await rig.clock.sleep(300)
        assert length_s(rig) == 10
        assert not NOTE.exists()

    play(folder, story)


def test_the_old_settings_that_did_not_hold_are_tried_again(folder: Path) -> None:
    """A camera on trial with the old settings had no pictures just then, and went back to the new ones by itself."""

    async def story(rig: Rig) -> None:
        await commit(rig)
        await rig.clock.sleep(120)
        rig.blind = True
        await rig.clock.sleep(280)
        assert length_s(rig) == 20
        rig.blind = False
        await rig.clock.sleep(300)
        assert length_s(rig) == 10
        assert not NOTE.exists()

    play(folder, story)


def test_a_refused_change_leaves_no_promise_behind(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        async def refuse(*_: object) -> Outcome:
            return Outcome(done=False, reason="not now")

        rig.desk.change = refuse  # type: ignore[method-assign]
        await commit(rig)
        assert b"refused: not now" in rig.line.received
        assert not NOTE.exists()
        assert b"taken back in" not in (await rig.say("config show prebuffer")).encode()

    play(folder, story)


def test_a_note_that_cannot_be_used_is_set_aside_and_told(folder: Path) -> None:
    NOTE.parent.mkdir()
    NOTE.write_text("{")

    async def story(rig: Rig) -> None:
        assert any("set aside" in line.text for line in rig.log.newest(50))
        await rig.attach()
        await rig.log_in()
        assert rig.prompt == "cam-0001 buffering>"

    play(folder, story)
    assert NOTE.with_suffix(".damaged").exists()


def test_replace_gives_a_swapped_camera_the_old_one_s_place(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        await rig.type("replace cam-0042\r")
        await rig.clock.sleep(1)
        await rig.type("\r")
        assert rig.prompt == "cam-0042 buffering>"
        assert rig.record("replace")[0]["name"] == "cam-0042"

    play(folder, story)

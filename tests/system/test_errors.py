"""What goes wrong, as the user meets it: a clear line and the right exit code, or a fault that says why and clears."""

import asyncio
import signal
from pathlib import Path

import pytest

from lapel.evidence.store import EvidenceStore
from lapel_fleet.broker import embedded_broker, free_port
from system.brokers import real
from system.process import SMALL_SCENE, camera, fleet, lapel_camera, until
from system.videos import film


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--video", "{0}/missing.mp4"], 2, "missing.mp4: no such file"),
        (["--video", "{0}"], 2, "is a folder"),
        (["--video", "{0}/notes.txt"], 2, "notes.txt: is not a video"),
        (["--config", "{0}/missing.toml"], 2, "missing.toml: cannot be read"),
        (["--config", "{0}/notes.txt"], 2, "notes.txt: is not TOML"),
        (["--config", "{0}/unknown.toml"], 2, "[video] sorce: no such key; did you mean `source`?"),
        (["--prebuffer", "121"], 2, "[prebuffer] length_s"),
        (["--camera", "a/b"], 2, "'/'"),
        (["--broker", "mqtt://broker.example"], 2, "in the clear"),
        (["--broker", "nonsense"], 2, "mqtt://HOST"),
        (["--video", "scene", "--evidence", "{0}/no/such"], 3, "its parent folder does not exist"),
        (["--video", "scene", "--evidence", "{0}/notes.txt"], 3, "is a file"),
    ],
)
def test_what_cannot_be_is_one_line_and_an_exit_code(tmp_path: Path, flags: list[str], code: int, said: str) -> None:
    (tmp_path / "notes.txt").write_text("just [ notes")
    (tmp_path / "unknown.toml").write_text("[video]\nsorce = 1\n")
    given = [flag.format(tmp_path) for flag in flags]
    evidence = [] if "--evidence" in flags else ["--evidence", tmp_path / "evidence"]
    ended = lapel_camera("run", *given, *evidence)
    assert (ended.returncode, ended.stderr.count("\n")) == (code, 1), ended.stderr
    assert ended.stderr.startswith("lapel-camera: ")
    assert said in ended.stderr


def test_a_video_that_ends_finishes_the_camera_and_says_how_to_repeat_it(tmp_path: Path) -> None:
    ended = lapel_camera("run", "--video", film(tmp_path / "short.mp4", 30), "--evidence", tmp_path / "evidence")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "short.mp4: has ended after 30 pictures; --loop" in ended.stdout.splitlines()[-1]


async def test_a_folder_that_another_camera_uses_is_a_fault_until_it_is_free(tmp_path: Path) -> None:
    with camera(tmp_path, *SMALL_SCENE, name="first") as first:
        await first.says("buffering")
        with camera(tmp_path, *SMALL_SCENE, name="second") as second:
            await second.says("fault: .*another camera records here")
            first.tell(signal.SIGTERM)
            assert await first.ends() == 0
            await second.says("buffering")
            second.tell(signal.SIGTERM)
            assert await second.ends() == 0


async def test_a_folder_that_goes_away_fails_the_recording_at_once_and_the_fault_clears(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        with fleet(tmp_path, broker.port) as operator:
            with camera(tmp_path, *SMALL_SCENE, "--broker", broker.url) as cam:
                await operator.hears("state", state="buffering")
                (tmp_path / "evidence").rename(tmp_path / "elsewhere")
                operator.command("start-recording", "go")
                assert "evidence" in (await operator.hears("reply", id="go", result="failed"))["reason"]
                assert "evidence" in (await operator.hears("state", state="fault"))["reason"]
                (tmp_path / "elsewhere").rename(tmp_path / "evidence")
                await cam.says("fault(.|\n)*buffering")
                cam.tell(signal.SIGTERM)
                assert await cam.ends() == 0
                assert cam.err == ""


async def test_what_is_no_command_is_answered_or_put_on_record_and_the_camera_goes_on(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        with fleet(tmp_path, broker.port) as operator:
            with camera(tmp_path, *SMALL_SCENE, "--broker", broker.url) as cam:
                await cam.says("link up")
                operator.say('{"id": "1", "command": "explode"}')
                assert "explode" in (await operator.hears("reply", id="1", result="refused"))["reason"]
                for bad in (b"boom", b"\xff\xfe", b"[" * 5000, b"x" * 9000):
                    operator.say(bad)
                operator.command("status", "2")
                await operator.hears("reply", id="2", result="done")
                await until(
                    lambda: sum(one["kind"] == "command-rejected" for one in operator.heard("event")) == 5,
                    lambda: f"not every bad command is on record: {operator.heard('event')}",
                )


async def test_a_broker_that_is_away_at_the_start_and_later_stops_nothing(tmp_path: Path) -> None:
    real("mosquitto")
    port = free_port()
    with camera(tmp_path, *SMALL_SCENE, "--broker", f"mqtt://127.0.0.1:{port}") as cam:
        await cam.says("link down")
        await cam.says("buffering")
        for _ in range(2):
            async with embedded_broker(port=port):
                with fleet(tmp_path, port) as operator:
                    await operator.hears("state", state="buffering")
        cam.tell(signal.SIGTERM)
        assert await cam.ends() == 0
        assert cam.err == ""


async def test_of_two_cameras_with_one_name_the_older_has_the_fault(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        with camera(tmp_path, *SMALL_SCENE, "--broker", broker.url, name="older") as older:
            await older.says("link up")
            flags = (*SMALL_SCENE, "--broker", broker.url, "--evidence", tmp_path / "other")
            with camera(tmp_path, *flags, name="newer") as newer:
                await newer.says("link up")
                await older.says("fault: another live camera is called cam-0001")
                await asyncio.sleep(2)
                assert "fault" not in newer.out
                for cam in (older, newer):
                    cam.tell(signal.SIGTERM)
                    assert await cam.ends() == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of 1.5 MB, where this user may make one."""
    import os
    import subprocess

    folder = tmp_path / "card"
    folder.mkdir()
    if os.geteuid() != 0:
        (pytest.fail if os.environ.get("LAPEL_REAL") == "1" else pytest.skip)("only root may mount a small disk")
    subprocess.run([real("mount"), "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(folder)], check=True)
    yield folder  # type: ignore[misc]
    subprocess.run([real("umount"), "-l", str(folder)], check=True)


async def test_a_disk_that_fills_up_ends_the_recording_and_is_said_at_once(tmp_path: Path, small_disk: Path) -> None:
    real("mosquitto")
    (tmp_path / "roomy.toml").write_text("[recording]\nmin_free_bytes = 100000\n")
    noisy = ("--video", "scene", "--width", "640", "--height", "360", "--bitrate", "8000000", "--prebuffer", "2")
    evidence = ("--evidence", small_disk / "evidence", "--config", tmp_path / "roomy.toml")
    async with embedded_broker() as broker:
        with fleet(tmp_path, broker.port) as operator:
            with camera(tmp_path, *noisy, *evidence, "--broker", broker.url) as cam:
                await operator.hears("state", state="buffering")
                operator.command("start-recording", "go")
                await operator.hears("reply", id="go", result="done")
                failed = await operator.hears("event", kind="recording-failed")
                assert "space" in failed["detail"]["reason"] or "full" in failed["detail"]["reason"]
                lost = await operator.hears("event", kind="footage-lost")
                assert lost["detail"]["frames"] > 0
                await operator.hears("state", state="fault")
                cam.tell(signal.SIGTERM)
                assert await cam.ends() == 0
                assert cam.err == ""
    assert EvidenceStore(small_disk / "evidence").listing()


async def test_a_read_only_folder_is_a_fault_that_says_so(tmp_path: Path, small_disk: Path) -> None:
    import subprocess

    subprocess.run([real("mount"), "-o", "remount,ro", str(small_disk)], check=True)
    with camera(tmp_path, *SMALL_SCENE, "--evidence", small_disk) as cam:
        await cam.says("fault: .*[Rr]ead-only")
        cam.tell(signal.SIGTERM)
        assert await cam.ends() == 0

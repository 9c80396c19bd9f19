"""User errors and failures give one clear line and the right exit code, or a fault state; never a traceback."""

import json
import re
import signal
from pathlib import Path

import pytest

from lapel.evidence.store import EvidenceStore
from lapel_fleet.broker.embedded import embedded_broker, free_port
from system.brokers import real
from system.cards import card, mount
from system.process import SMALL_SCENE, Program, camera, camera_on, fleet, lapel_camera, terminal, until
from system.videos import film, shots, whole_part

NO_ROOM_NEEDED = "[recording]\nmin_free_bytes = 0\n"


def refusal(*arguments: str | Path) -> tuple[int, str]:
    """Exit code, and the one line on standard error without the command's name."""
    done = lapel_camera(*arguments)
    assert done.stdout == ""
    assert re.fullmatch(r"lapel-camera: .+\n", done.stderr), done.stderr
    return done.returncode, done.stderr.removeprefix("lapel-camera: ").rstrip()


async def ends_in_order(cam: Program) -> None:
    """The camera ends in order on SIGTERM, and printed no errors."""
    cam.send_signal(signal.SIGTERM)
    assert await cam.ends() == 0
    assert cam.err == ""


# -- errors at the start ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that cannot be used."""
    folder = tmp_path_factory.mktemp("bad-files")
    (folder / "notes.mp4").write_text("not a video")
    damaged = film(folder / "damaged.mp4", 30).read_bytes()
    head, media = damaged.split(b"mdat", 1)
    (folder / "damaged.mp4").write_bytes(
        head + b"mdat" + bytes(len(media[: media.index(b"moov") - 4])) + media[media.index(b"moov") - 4 :]
    )
    (folder / "file").touch()
    (folder / "binary.toml").write_bytes(b"\xff\xfe")
    (folder / "torn.toml").write_text("[camera\n")
    (folder / "key.toml").write_text("[prebuffer]\nlenght_s = 30\n")
    (folder / "section.toml").write_text("[vdeo]\n")
    (folder / "range.toml").write_text("[prebuffer]\nlength_s = 500\n")
    return folder


VIDEOS = {
    "missing.mp4": "no such file; give a video file, a device",
    ".": "is a folder; give a video file",
    "notes.mp4": "is not a video that can be read",
    "damaged.mp4": "holds no frame that can be decoded",
}


@pytest.mark.parametrize("name", VIDEOS)
def test_a_file_that_is_no_video_is_named(name: str, bad_files: Path, tmp_path: Path) -> None:
    code, line = refusal("run", "--evidence", tmp_path / "evidence", "--video", bad_files / name)
    assert code == 2
    assert line.startswith(f"{bad_files / name}: {VIDEOS[name]}")


CONFIGURATIONS = {
    "missing.toml": "cannot be read: No such file",
    ".": "cannot be read: Is a directory",
    "binary.toml": "is not TOML",
    "torn.toml": "is not TOML",
    "key.toml": "[prebuffer] lenght_s: no such key; did you mean `length_s`?",
    "section.toml": "[vdeo] is no section; did you mean `video`?",
    "range.toml": "[prebuffer] length_s = 500: Expected `float` <= 120.0",
}


@pytest.mark.parametrize("command", [("run", "--config"), ("config", "--check")])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration_that_cannot_be_used_names_file_section_and_key(
    name: str, command: tuple[str, str], bad_files: Path
) -> None:
    code, line = refusal(*command, bad_files / name)
    assert code == 2
    assert line.startswith(f"{bad_files / name}: {CONFIGURATIONS[name]}")


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("no/evidence", "its parent folder does not exist; is the storage card mounted"),
        ("file", "is a file, not a folder"),
    ],
)
def test_an_unusable_evidence_folder_is_named(place: str, reason: str, bad_files: Path) -> None:
    code, line = refusal("run", "--video", "scene", "--evidence", bad_files / place)
    assert code == 3
    assert line.startswith(f"{bad_files / place}: {reason}")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1883", "give mqtt://HOST"),
        ("http://127.0.0.1", "give mqtt://HOST"),
        ("mqtt://127.0.0.1:99999", "the address cannot be read"),
        ("mqtts://broker..example", "'broker..example' is no valid host name"),
        ("mqtt://broker.example", "the connection to broker.example would not be encrypted; use mqtts://"),
    ],
)
def test_an_invalid_broker_address_is_named(address: str, reason: str, tmp_path: Path) -> None:
    code, line = refusal("run", "--video", "scene", "--evidence", tmp_path / "evidence", "--broker", address)
    assert code == 2
    assert line.startswith(f"link.broker: {reason}")


# -- errors while the camera runs ------------------------------------------------------------------------------------


def test_the_end_of_a_video_file_ends_the_camera_with_one_line(tmp_path: Path) -> None:
    video = film(tmp_path / "short.mp4", 10)
    done = lapel_camera("run", "--evidence", tmp_path / "evidence", "--video", video)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"{video}: has ended after 10 frames; --loop plays it again and again"


async def test_an_evidence_folder_that_is_in_use_is_a_fault_until_it_is_free(tmp_path: Path) -> None:
    with camera(tmp_path, *SMALL_SCENE, name="first") as first:
        await first.prints("buffering")
        with camera(tmp_path, *SMALL_SCENE, "--camera", "cam-0002", name="second") as second:
            why = "another camera records here; give each camera an evidence folder of its own"
            await second.prints(f"fault: self-test failed: {tmp_path}/evidence: {why}")
            await ends_in_order(first)
            await second.prints("buffering")
            await ends_in_order(second)


async def test_a_read_only_card_is_a_fault_until_it_is_writable(tmp_path: Path) -> None:
    place = tmp_path / "card"
    place.mkdir()
    with card(place, "100m"):
        (place / "evidence").mkdir()
        mount("-o", "remount,ro", str(place))
        with camera(place, *SMALL_SCENE, output=tmp_path) as cam:
            await cam.prints(f"fault: self-test failed: {place}/evidence: is on a read-only disk; remount it writable")
            mount("-o", "remount,rw", str(place))
            await cam.prints("buffering")
            await ends_in_order(cam)
        mount("-o", "remount,ro", str(place))
        code, line = refusal("run", "--video", "scene", "--evidence", place / "new")
        assert (code, line) == (3, f"{place}/new: cannot be created: Read-only file system")


async def test_a_card_without_room_is_a_fault(tmp_path: Path) -> None:
    place = tmp_path / "card"
    place.mkdir()
    with card(place, "1m"), camera(place, *SMALL_SCENE, output=tmp_path) as cam:
        await cam.prints(r"fault: .*evidence: the disk is full \(1\.0 MB free, 64\.0 MB needed to begin\); offload")
        await ends_in_order(cam)


async def test_a_card_that_fills_up_while_recording_is_a_fault_and_keeps_what_it_has(tmp_path: Path) -> None:
    place, config = tmp_path / "card", tmp_path / "lapel.toml"
    place.mkdir()
    config.write_text(NO_ROOM_NEEDED)
    with card(place, "600k"), terminal(columns=200) as keys:
        flags = (*SMALL_SCENE, "--bitrate", "2000000", "--prebuffer", "1", "--config", config)
        with camera_on(keys, place, *flags, output=tmp_path) as cam:
            await keys.shows("buffer 1 s")
            keys.type(" ")
            fault, lost = "fault: .*video.mp4: the disk is full; offload recordings to make room", r"LOST \d+ frames"
            await keys.shows(f"(?s)({fault}.*{lost}|{lost}.*{fault})")
            await keys.shows("FAULT: |BUFFERING ")  # the tail that was cut off leaves room, so the fault may be over
            keys.type("q")
            assert await cam.ends() == 0
            assert "Traceback" not in keys.screen
        (recorded,) = place.glob("evidence/*/video.mp4")
        assert len(shots(whole_part(recorded, tmp_path / "whole.mp4"))) > 30


async def test_an_invalid_command_is_refused_or_reported_as_an_event(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        with fleet(tmp_path, broker.port) as operator:
            with camera(tmp_path, *SMALL_SCENE, "--broker", broker.url) as cam:
                await operator.receives("state", state="buffering")
                operator.publish_command('{"id": "a", "command": "explode"}')
                operator.publish_command('{"id": "b"}')
                answers = [await operator.receives("reply", id=id_, result="refused") for id_ in ("a", "b")]
                assert [("explode" in one["reason"], one["command"]) for one in answers] == [
                    (True, "explode"),
                    (False, ""),
                ]
                for invalid in (
                    "not JSON",
                    "[" * 8000,
                    b"\xff",
                    b" ",
                    json.dumps({"id": "c", "reason": "x" * 12_000}),
                ):
                    operator.publish_command(invalid)
                operator.command("status", "d")
                await operator.receives("reply", id="d", result="done", state="buffering")

                def reported() -> list[str]:
                    return [
                        one["detail"]["reason"]
                        for one in operator.received("event")
                        if one["kind"] == "command-rejected"
                    ]

                await until(lambda: len(reported()) == 7, lambda: f"reported: {reported()}")
                assert re.search(
                    r"/command: 120\d\d bytes are too many for a command, send at most 8192", reported()[-1]
                )
                assert [one["id"] for one in operator.received("reply")] == ["a", "b", "d"]
                await ends_in_order(cam)


async def test_a_broker_that_starts_later_is_found(tmp_path: Path) -> None:
    real("mosquitto")
    port = free_port()
    with camera(tmp_path, *SMALL_SCENE, "--broker", f"mqtt://127.0.0.1:{port}") as cam:
        await cam.prints("buffering")
        await cam.prints(f"link down: 127.0.0.1:{port}: ")
        async with embedded_broker(port=port):
            await cam.prints("link up")
            with fleet(tmp_path, port) as operator:
                await operator.receives("state", state="buffering", retained=True)
            await ends_in_order(cam)


async def test_a_broker_outage_does_not_end_a_recording(tmp_path: Path) -> None:
    real("mosquitto")
    port = free_port()
    with camera(tmp_path, *SMALL_SCENE, "--prebuffer", "1", "--broker", f"mqtt://127.0.0.1:{port}") as cam:
        async with embedded_broker(port=port):
            with fleet(tmp_path, port) as operator:
                await operator.receives("state", state="buffering")
                operator.command("start-recording", "go")
                await operator.receives("event", kind="prebuffer-saved")
        await cam.prints("link down: ")
        async with embedded_broker(port=port):
            with fleet(tmp_path, port) as operator:
                await operator.receives("state", state="recording")
                operator.command("stop-recording", "enough")
                await operator.receives("event", kind="recording-saved")
            await ends_in_order(cam)
    store = EvidenceStore(tmp_path / "evidence")
    (account,) = store.listing()
    assert (account.status, account.gaps) == ("complete", [])
    assert len(shots(store.video(account.recording))) == account.frames


async def test_of_two_cameras_with_one_name_the_newer_stays_connected(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        link = (*SMALL_SCENE, "--prebuffer", "1", "--broker", broker.url)
        with fleet(tmp_path, broker.port) as operator, camera(tmp_path, *link, name="older") as older:
            first = await operator.receives("state", state="buffering")
            flags = (*link, "--evidence", tmp_path / "other")
            with camera(tmp_path, *flags, name="newer") as newer:
                await newer.prints("link up")
                await older.prints("another live camera uses this camera.s address .* give each camera a name")
                operator.command("start-recording", "go")
                answer = await operator.receives("reply", id="go", result="done")
                assert (answer["result"], answer["state"]) == ("done", "recording")
                last = operator.received("state")[-1]
                assert (last["state"], last["session"] != first["session"]) == ("recording", True)
                await ends_in_order(newer)
            await ends_in_order(older)
    (account,) = EvidenceStore(tmp_path / "other").listing()
    assert (account.recording, account.status) == (answer["recording"], "complete")
    assert EvidenceStore(tmp_path / "evidence").listing() == []

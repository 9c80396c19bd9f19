"""Recordings of a real camera, checked by the commands in the guide and by `lapel-evidence`; also encrypted ones."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evidence.recordings import flipped, write_recording
from evidence_keys import CERTIFICATES_PEM
from lapel.evidence.cli import main
from lapel.evidence.store import EvidenceStore
from system.process import SMALL_SCENE, camera_on, terminal
from system.videos import complaints, shots

ROOT = Path(__file__).parents[2]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    folder = write_recording(tmp_path / "evidence")
    (folder / "ca.pem").write_bytes(CERTIFICATES_PEM)
    return folder


def expert_commands() -> str:
    guide = (ROOT / "docs" / "evidence.md").read_text()
    found = re.search(r"<!-- expert -->\n```sh\n(.*?)```\n<!-- /expert -->", guide, re.DOTALL)
    assert found is not None
    return found[1]


def check_as_expert(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", expert_commands()], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_guides_commands_find_an_untouched_recording_unchanged(recording: Path) -> None:
    checked = check_as_expert(recording)
    assert checked.returncode == 0, checked
    assert checked.stdout.count("Verified OK") == len((recording / "manifest.jsonl").read_text().splitlines())
    assert checked.stdout.count("unchanged") == 4
    *_, kind, counted, size = checked.stdout.split()
    assert (kind, counted) == ('"kind":"close"', f'"bytes":{size}')


@pytest.mark.parametrize("name", ["video.mp4", "manifest.jsonl"])
def test_the_guides_commands_find_a_changed_byte(recording: Path, name: str) -> None:
    flipped(recording / name, (recording / name).stat().st_size // 2)
    assert check_as_expert(recording).returncode == 1


def test_the_guides_commands_find_a_removed_record(recording: Path) -> None:
    lines = (recording / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (recording / "manifest.jsonl").write_bytes(b"".join([*lines[:2], *lines[3:]]))
    assert "does not follow the line before" in check_as_expert(recording).stdout


async def recorded(folder: Path, *options: str) -> Path:
    """The folder of a recording that a camera process has made, of about two seconds and their pre-event part."""
    with terminal() as keys, camera_on(keys, folder, *SMALL_SCENE, "--prebuffer", "1", *options):
        await keys.shows("BUFFERING.* fps")
        await asyncio.sleep(1.5)
        keys.type(" ")
        await keys.shows("RECORDING")
        await asyncio.sleep(1.0)
        keys.type("m")
        await asyncio.sleep(1.0)
        keys.type(" ")
        await keys.shows("saved")
        keys.type("q")
        await keys.shows("ended by the user")
    store = EvidenceStore(folder / "evidence")
    (account,) = store.listing()
    return store.root / account.recording


async def test_a_cameras_recording_is_intact_until_it_is_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = await recorded(tmp_path)
    root, ca = str(folder.parent), str(folder.parent / ".lapel" / "identity" / "certificate.pem")
    assert main(["verify", root, "--trust", ca]) == 0, capsys.readouterr().out
    assert "1 recording and 1 audit log: 2 intact" in capsys.readouterr().out
    assert main(["verify", root]) == 2
    kinds = [json.loads(line)["record"]["kind"] for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert (kinds[0], kinds[-1]) == ("open", "close")
    assert {"fragment", "pre-event", "marker"} <= set(kinds)
    copy = tmp_path / "copy" / folder.name
    shutil.copytree(folder, copy)
    flipped(copy / "video.mp4", 5_000)
    capsys.readouterr()
    assert main(["verify", str(copy.parent), "--trust", ca, "--json"]) == 1
    (report,) = json.loads(capsys.readouterr().out)
    assert [finding["kind"] for finding in report["findings"]] == ["fragment-changed"]


async def test_nothing_of_an_encrypted_recording_can_be_read_on_the_card(tmp_path: Path) -> None:
    for command in ("genpkey -algorithm X25519 -out agency.key", "pkey -in agency.key -pubout -out agency.pub"):
        subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    configuration = tmp_path / "camera.toml"
    configuration.write_text(f'[evidence]\nrecipients = "{tmp_path / "agency.pub"}"\n')
    folder = await recorded(tmp_path, "--config", str(configuration), "--audio", "tone")
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.jsonl", "recording.json", "video.sealed"]
    sealed = (folder / "video.sealed").read_bytes()
    for name in (b"moof", b"mdat", b"ftyp", b"moov", b"avc1", b"x264"):
        assert name not in sealed
    identity = folder.parent / ".lapel" / "identity"
    assert main(["verify", str(folder), "--trust", str(identity / "certificate.pem")]) == 0
    out, key = tmp_path / "clip.mp4", tmp_path / "agency.key"
    assert main(["export", str(folder), "--out", str(out), "--key", str(key), "--signer", str(identity)]) == 0
    assert complaints(out) == ""
    numbers = [shot.number for shot in shots(out)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_verifying_needs_neither_opencv_nor_ffmpeg_nor_a_broker(recording: Path) -> None:
    """In a process of its own, in which their import fails."""
    program = (
        "import sys\n"
        "for name in ('av', 'cv2', 'numpy', 'aiomqtt', 'paho', 'transitions'): sys.modules[name] = None\n"
        "from lapel.evidence.cli import main\n"
        f"sys.exit(main(['verify', {str(recording)!r}, '--trust', {str(recording / 'ca.pem')!r}]))\n"
    )
    checked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["verify", "nowhere"], "nowhere: is no folder; name an evidence folder or a recording's folder"),
        (["verify", "."], "there is no recording in it"),
        (["verify", ".", "--trust", "nothing.pem"], "nothing.pem: does not exist"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line

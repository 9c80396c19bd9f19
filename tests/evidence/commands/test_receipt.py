import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from evidence.recordings import flipped, write_recording
from lapel.evidence.cli import main
from lapel.evidence.receipt_files import RECEIPT


def openssl(folder: Path, *commands: str) -> None:
    for command in commands:
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


@pytest.fixture(params=["-algorithm ED25519", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256"])
def key(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    openssl(tmp_path, f"genpkey {request.param} -out backend.key", "pkey -in backend.key -pubout -out backend.pub")
    return tmp_path / "backend.key"


def make(recording: Path, key: Path, *more: str) -> int:
    return main(["receipt", "make", str(recording), "--key", str(key), "--back-end", "Store", *more])


def check(recording: Path, key: Path) -> int:
    return main(["receipt", "check", str(recording), "--back-end", str(key.with_suffix(".pub"))])


def test_a_back_end_s_receipt_is_accepted(tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = write_recording(tmp_path / "evidence")
    assert make(recording, key) == 0
    assert check(recording, key) == 0
    assert "clip-1: imported by Store at 20" in capsys.readouterr().out


def test_openssl_alone_confirms_the_signature(tmp_path: Path, key: Path) -> None:
    recording = write_recording(tmp_path / "evidence")
    assert make(recording, key) == 0
    (found,) = re.finditer(rb'\{"receipt":(\{.*\}),"signature":"(.*)"\}\n', (recording / RECEIPT).read_bytes())
    (tmp_path / "content").write_bytes(found[1])
    (tmp_path / "signature.b64").write_bytes(found[2])
    how = (
        "-rawin"
        if b"ED25519"
        in subprocess.run(
            ["openssl", "pkey", "-in", str(key), "-noout", "-text"], check=True, capture_output=True
        ).stdout
        else "-rawin -digest sha256"
    )
    openssl(
        tmp_path,
        "base64 -d -A -in signature.b64 -out signature",
        f"pkeyutl -verify -pubin -inkey backend.pub {how} -in content -sigfile signature",
    )


def test_a_receipt_is_put_beside_its_recording_only(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = (write_recording(tmp_path / "evidence", clip) for clip in ("clip-1", "clip-2"))
    assert make(one, key, "--out", str(tmp_path / "one.json")) == 0
    public = str(key.with_suffix(".pub"))
    add = ["receipt", "add", "--back-end", public, "--receipt", str(tmp_path / "one.json")]
    assert main([*add, str(other)]) == 2
    assert "for another recording, clip-1" in capsys.readouterr().err
    assert not (other / RECEIPT).exists()
    assert main([*add, str(one)]) == 0
    shutil.copy(one / RECEIPT, other / RECEIPT)
    assert check(other, key) == 2


def test_an_open_recording_gets_no_receipt(tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = write_recording(tmp_path / "evidence", status="recording")
    assert make(recording, key) == 2
    assert "has not been closed yet" in capsys.readouterr().err


def test_a_receipt_from_before_the_end_is_refused(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that names a record before the last, signed by the back end's own key."""
    recording = write_recording(tmp_path / "evidence")
    assert make(recording, key) == 0
    early = json.loads((recording / RECEIPT).read_text())["receipt"]["close"]
    manifest = recording / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    assert early not in lines[-1].decode()
    manifest.write_bytes(b"".join(lines[:-1]))
    assert check(recording, key) == 2
    assert "has not been closed yet" in capsys.readouterr().err


def test_a_damaged_recording_gets_no_receipt(tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = write_recording(tmp_path / "evidence")
    flipped(recording / "video.mp4", 100)
    assert make(recording, key) == 1
    assert "not intact: fragment 1" in capsys.readouterr().out
    assert not (recording / RECEIPT).exists()


def test_without_a_receipt_there_is_one_clear_line(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = write_recording(tmp_path / "evidence")
    assert check(recording, key) == 2
    assert capsys.readouterr().err.endswith("receipt.json: there is no receipt\n")


def test_a_key_with_a_password_takes_it_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = write_recording(tmp_path / "evidence")
    openssl(tmp_path, "genpkey -algorithm ED25519 -aes-256-cbc -pass pass:secret -out backend.key")
    (tmp_path / "right").write_text("secret\n")
    (tmp_path / "wrong").write_text("guess\n")
    key = tmp_path / "backend.key"
    assert make(recording, key, "--password-file", str(tmp_path / "right")) == 0
    assert make(recording, key, "--password-file", str(tmp_path / "wrong")) == 2
    assert "backend.key: the password does not fit" in capsys.readouterr().err
    assert make(recording, key) == 2
    assert "there is no terminal to ask for it" in capsys.readouterr().err


def test_a_key_of_another_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = write_recording(tmp_path / "evidence")
    openssl(tmp_path, "genpkey -algorithm X25519 -out backend.key", "pkey -in backend.key -pubout -out backend.pub")
    assert make(recording, tmp_path / "backend.key") == 2
    assert "backend.key: is neither an Ed25519 nor a P-256 key" in capsys.readouterr().err

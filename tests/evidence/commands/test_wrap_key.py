import json
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evidence.recordings import write_recording
from lapel.evidence.cli import main
from real_clips import video_fragments
from sealed_recordings import AGENCY, STRANGER, key_file, sealed_recording


def openssl(folder: Path, *commands: str) -> None:
    for command in commands:
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def rsa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rsa")
    openssl(
        folder,
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key",
        "pkey -in rsa.key -pubout -out rsa.pub",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out short.key",
        "pkey -in short.key -pubout -out short.pub",
    )
    return folder


def wrap(recording: Path, key: Path, rsa: Path, out: Path) -> int:
    return main(["wrap-key", str(recording), "--key", str(key), "--rsa", str(rsa), "--out", str(out)])


def test_a_back_end_decrypts_with_openssl_and_the_guide_alone(tmp_path: Path, rsa: Path) -> None:
    recording = sealed_recording(tmp_path / "sealed")
    assert wrap(recording, key_file(tmp_path, AGENCY), rsa / "rsa.pub", tmp_path / "clip.key") == 0
    wrapped = json.loads((tmp_path / "clip.key").read_text())
    (tmp_path / "wrapped").write_bytes(b64decode(wrapped["wrapped_key"]))
    how = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256"
    openssl(tmp_path, f"pkeyutl -decrypt -inkey {rsa / 'rsa.key'} {how} -in wrapped -out data.key")
    lines = (recording / "manifest.jsonl").read_text().splitlines()
    records = [json.loads(line)["record"] for line in lines]
    plain, aead = b"", AESGCM((tmp_path / "data.key").read_bytes())
    stored = (recording / "video.sealed").read_bytes()
    for record in (one for one in records if one["kind"] == "fragment"):
        number, end = record["fragment"], record["offset"] + record["length"]
        bound = f"lapel-fragment-1\n{wrapped['recording']}\n{number}\n{record['previous']}\n".encode()
        plain += aead.decrypt(number.to_bytes(12, "big"), stored[record["offset"] : end], bound)
    assert plain == b"".join(bytes(chunk) for fragment in video_fragments() for chunk in fragment.chunks)


@pytest.mark.parametrize(
    ("rsa_name", "reason"), [("short.pub", "1024 bits; at least 2048"), ("none.pub", "cannot be read")]
)
def test_an_rsa_key_that_cannot_be_used_is_named(
    tmp_path: Path, rsa: Path, rsa_name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key = key_file(tmp_path, AGENCY)
    assert wrap(sealed_recording(tmp_path / "sealed"), key, rsa / rsa_name, tmp_path / "clip.key") == 2
    assert reason in capsys.readouterr().err


def test_the_wrong_key_hands_nothing_out(tmp_path: Path, rsa: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = key_file(tmp_path, STRANGER)
    assert wrap(sealed_recording(tmp_path / "sealed"), key, rsa / "rsa.pub", tmp_path / "clip.key") == 2
    assert "encrypted for the key" in capsys.readouterr().err
    assert not (tmp_path / "clip.key").exists()


def test_a_plain_recording_has_no_key(tmp_path: Path, rsa: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = key_file(tmp_path, AGENCY)
    assert wrap(write_recording(tmp_path / "plain"), key, rsa / "rsa.pub", tmp_path / "clip.key") == 2
    assert "clip-1: is not encrypted, so it has no key" in capsys.readouterr().err

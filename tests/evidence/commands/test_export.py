import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import av
import c2pa
import encypher_c2pa
import pytest

from evidence.recordings import flipped
from evidence_keys import CERTIFICATES_PEM, SIGNER
from lapel import mp4_boxes as boxes
from lapel.evidence import identity
from lapel.evidence.chain import parse_line
from lapel.evidence.cli import main
from lapel.evidence.fragment_check import sha256_of
from lapel.evidence.signing import is_signed, public_key
from sealed_recordings import AGENCY, STRANGER, key_file, plain_recording, sealed_recording


@pytest.fixture(autouse=True)
def silent_verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """encypher-c2pa reports nothing to its makers, and writes no settings into the home folder."""
    monkeypatch.setenv("ENCYPHER_C2PA_TELEMETRY", "off")
    monkeypatch.setenv("ENCYPHER_C2PA_CONFIG_DIR", str(tmp_path / "encypher"))


@pytest.fixture
def exporter(tmp_path: Path) -> Path:
    """The exporter's key and certificate."""
    identity.make(tmp_path / "exporter", "Records Unit")
    return tmp_path / "exporter"


@pytest.fixture
def camera_root(tmp_path: Path) -> Path:
    path = tmp_path / "camera-root.pem"
    path.write_bytes(CERTIFICATES_PEM)
    return path


def export(recording: Path, out: Path, exporter: Path, *more: str | Path) -> int:
    return main(["export", str(recording), "--out", str(out), "--signer", str(exporter), *map(str, more)])


def frames(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


def read_by_c2pa(data: bytes) -> tuple[str, set[str], Any]:
    with c2pa.Reader("video/mp4", io.BytesIO(data)) as reader:
        found = json.loads(reader.json())
        codes = {one["code"] for one in found.get("validation_status", [])}
        return str(reader.get_validation_state()), codes, found["manifests"][found["active_manifest"]]


def read_by_encypher(data: bytes, root: Path) -> dict[str, Any]:
    path = root.with_name("verified.mp4")
    path.write_bytes(data)
    return dict(encypher_c2pa.verify(path, trust_pem=root.read_text(), telemetry=False))


def test_two_strangers_accept_an_export(tmp_path: Path, exporter: Path, camera_root: Path) -> None:
    out = tmp_path / "clip.mp4"
    assert export(plain_recording(tmp_path / "evidence"), out, exporter, "--trust", camera_root) == 0
    state, codes, manifest = read_by_c2pa(out.read_bytes())
    assert (state, codes) == ("Valid", {"signingCredential.untrusted"})
    assert manifest["title"] == "clip-1.mp4"
    (created,) = next(one for one in manifest["assertions"] if one["label"] == "c2pa.actions.v2")["data"]["actions"]
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"].endswith("/digitalCapture")
    verdict = read_by_encypher(out.read_bytes(), exporter / "certificate.pem")
    assert (verdict["integrity"], verdict["signature"], verdict["hard_binding"]) == ("valid", "valid", "match")
    assert verdict["validation_state"] == "Trusted"


def test_both_strangers_find_a_flipped_byte_and_a_cut_tail(tmp_path: Path, exporter: Path) -> None:
    out = tmp_path / "clip.mp4"
    export(plain_recording(tmp_path / "evidence"), out, exporter)
    whole = out.read_bytes()
    tops = list(boxes.boxes(whole))
    media = next(one for one in tops if one.kind == b"mdat")
    last_moof = [one for one in tops if one.kind == b"moof"][-1]
    changed = bytearray(whole)
    changed[(media.payload + media.end) // 2] ^= 1
    for damaged in (bytes(changed), whole[: last_moof.payload - 8]):
        assert "assertion.bmffHash.mismatch" in read_by_c2pa(damaged)[1]
        assert read_by_encypher(damaged, exporter / "certificate.pem")["hard_binding"] == "mismatch"


def test_the_camera_s_records_inside_are_signed_by_the_camera(tmp_path: Path, exporter: Path) -> None:
    recording, out = plain_recording(tmp_path / "evidence"), tmp_path / "clip.mp4"
    export(recording, out, exporter)
    *_, manifest = read_by_c2pa(out.read_bytes())
    (inside,) = (one["data"] for one in manifest["assertions"] if one["label"] == "org.lapel.manifest")
    lines = (recording / "manifest.jsonl").read_text().splitlines(keepends=True)
    assert (inside["open"], inside["close"]) == (lines[0], lines[-1])
    for line in (inside["open"], inside["close"]):
        parsed = parse_line(line.encode())
        assert is_signed(parsed.record, parsed.signature, public_key(SIGNER.certificates[0]))


def test_a_plain_recording_is_exported_frame_for_frame(tmp_path: Path, exporter: Path) -> None:
    recording, out = plain_recording(tmp_path / "evidence"), tmp_path / "clip.mp4"
    export(recording, out, exporter)
    assert len(frames(out)) == 90
    assert frames(out) == frames(recording / "video.mp4")


def test_the_right_key_gives_the_recording_frame_for_frame(tmp_path: Path, exporter: Path) -> None:
    recording, out = sealed_recording(tmp_path / "sealed"), tmp_path / "clip.mp4"
    assert export(recording, out, exporter, "--key", key_file(tmp_path, AGENCY)) == 0
    assert frames(out) == frames(plain_recording(tmp_path / "plain") / "video.mp4")


def test_no_plaintext_is_found_on_the_card(tmp_path: Path) -> None:
    recording = sealed_recording(tmp_path / "sealed")
    plain = (plain_recording(tmp_path / "plain") / "video.mp4").read_bytes()
    stored = (recording / "video.sealed").read_bytes()
    for name in (b"ftyp", b"moov", b"moof", b"mdat", b"avcC", b"avc1"):
        assert name in plain
        assert name not in stored
    on_card = b"".join(path.read_bytes() for path in recording.rglob("*") if path.is_file())
    pieces = {plain[at : at + 16] for at in range(len(plain) - 15)}
    assert not any(on_card[at : at + 16] in pieces for at in range(len(on_card)))


def test_the_wrong_key_gives_one_clear_line(tmp_path: Path, exporter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "clip.mp4"
    assert export(sealed_recording(tmp_path / "sealed"), out, exporter, "--key", key_file(tmp_path, STRANGER)) == 2
    said = capsys.readouterr().err
    assert re.search(r"clip-1: encrypted for the key [0-9a-f]{16}…, not for this one, [0-9a-f]{16}…\n", said)
    assert said.count("\n") == 1
    assert not list(tmp_path.glob("clip.mp4*"))


def test_an_encrypted_recording_needs_a_key(tmp_path: Path, exporter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(sealed_recording(tmp_path / "sealed"), tmp_path / "clip.mp4", exporter) == 2
    assert "clip-1: is encrypted; give --key with the private key of " in capsys.readouterr().err


@pytest.mark.parametrize("name", ["video.mp4", "manifest.jsonl"])
def test_a_recording_that_is_not_intact_is_not_exported(
    tmp_path: Path, exporter: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = plain_recording(tmp_path / "evidence")
    flipped(recording / name, (recording / name).stat().st_size * 2 // 3)
    assert export(recording, tmp_path / "clip.mp4", exporter) == 1
    assert re.match(r"not intact: .*; nothing was exported\n", capsys.readouterr().out)
    assert not list(tmp_path.glob("clip.mp4*"))


def test_an_interrupted_recording_is_exported_with_its_reservations(tmp_path: Path, exporter: Path) -> None:
    recording, out = plain_recording(tmp_path / "evidence", status="recording"), tmp_path / "clip.mp4"
    assert export(recording, out, exporter) == 0
    page = (tmp_path / "clip.mp4.html").read_text()
    assert "with reservations" in page
    assert "interrupted" in page
    *_, manifest = read_by_c2pa(out.read_bytes())
    assert manifest["assertions"][-1]["data"]["close"] is None


def test_a_record_that_power_loss_cut_inside_a_character_is_left_out(tmp_path: Path, exporter: Path) -> None:
    recording, out = plain_recording(tmp_path / "evidence", status="recording"), tmp_path / "clip.mp4"
    with (recording / "manifest.jsonl").open("ab") as manifest:
        manifest.write(b'{"record":{"reason":"J\xc3')
    assert export(recording, out, exporter) == 0


def test_the_report_says_what_was_exported_and_loads_nothing(tmp_path: Path, exporter: Path, camera_root: Path) -> None:
    out = tmp_path / "clip.mp4"
    export(plain_recording(tmp_path / "evidence"), out, exporter, "--trust", camera_root)
    page = (tmp_path / "clip.mp4.html").read_text()
    assert "Intact: complete and unchanged" in page
    assert sha256_of(out) in page
    assert "CN=Records Unit" in page
    assert "source lost" in page
    assert not re.search(r"<script|src=|href=|https?://|url\(", page)


def test_what_is_no_recording_is_named(tmp_path: Path, exporter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(tmp_path / "nowhere", tmp_path / "clip.mp4", exporter) == 2
    assert capsys.readouterr().err.endswith("nowhere: is no folder of a recording\n")


def test_an_export_is_never_replaced(tmp_path: Path, exporter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "clip.mp4"
    out.write_text("mine")
    assert export(plain_recording(tmp_path / "evidence"), out, exporter) == 2
    assert "exists already" in capsys.readouterr().err
    assert out.read_text() == "mine"


def test_an_export_is_for_its_owner_only(tmp_path: Path, exporter: Path) -> None:
    export(plain_recording(tmp_path / "evidence"), tmp_path / "clip.mp4", exporter)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("clip.mp4*")} == {0o600}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "the export has no signer"),
        (["--signer-key", "key.pem"], "the export has no signer"),
        (["--signer", "nowhere"], "nowhere/certificate.pem: does not exist"),
        (["--signer-key", "none.pem", "--signer-certificate", "none.pem"], "none.pem: cannot be read"),
    ],
)
def test_without_a_usable_signer_there_is_one_line(
    tmp_path: Path, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "clip.mp4")]
    assert main(["export", str(plain_recording(tmp_path / "evidence")), *out, *options]) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


def test_a_signer_made_with_openssl_as_the_guide_says(tmp_path: Path) -> None:
    (tmp_path / "signer.ext").write_text(
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\nbasicConstraints=critical,CA:FALSE\n"
        "authorityKeyIdentifier=keyid\n"
    )
    curve = "ec -pkeyopt ec_paramgen_curve:P-256"
    for command in (
        f"req -x509 -newkey {curve} -nodes -keyout ca.key -out ca.crt -subj /CN=Agency -days 30",
        f"req -newkey {curve} -passout pass:secret -keyout signer.key -out signer.csr -subj /O=Agency/CN=Records",
        "x509 -req -in signer.csr -CA ca.crt -CAkey ca.key -days 30 -extfile signer.ext -out signer.crt",
    ):
        subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "password").write_text("secret\n")
    signer = ["--signer-key", tmp_path / "signer.key", "--signer-certificate", tmp_path / "signer.crt"]
    options = ["--out", tmp_path / "clip.mp4", *signer, "--signer-password-file", tmp_path / "password"]
    assert main(["export", str(plain_recording(tmp_path / "evidence")), *map(str, options)]) == 0
    assert read_by_encypher((tmp_path / "clip.mp4").read_bytes(), tmp_path / "ca.crt")["validation_state"] == "Trusted"

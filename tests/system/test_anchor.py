"""`lapel-evidence anchor` with a real time-stamping authority."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_logs import audit_lines, write_audit_log
from lapel.evidence.cli import main
from system.time_authority import TimeAuthority, serving

CAMERAS = ("demo/baltimore/cam-1", "demo/baltimore/cam-2", "demo/oakland/cam-1")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeAuthority]:
    with serving(tmp_path_factory.mktemp("tsa") / "authority") as found:
        yield found


@pytest.fixture(autouse=True)
def honest(authority: TimeAuthority) -> None:
    authority.answers_with = None


@pytest.fixture
def cameras(tmp_path: Path) -> Path:
    for number, camera in enumerate(CAMERAS):
        write_audit_log(tmp_path / "cameras" / camera, audit_lines(10, begin_s=number / 4))
    return tmp_path / "cameras"


@pytest.fixture
def anchor(tmp_path: Path, cameras: Path, authority: TimeAuthority) -> Path:
    assert make(cameras, authority.url, tmp_path / "anchor") == 0
    return tmp_path / "anchor"


def make(source: Path, url: str, out: Path) -> int:
    return main(["anchor", "make", str(source), "--authority", url, "--out", str(out), "--date", "2026-11-27"])


def verify(anchor: Path, trust: Path, *more: str) -> int:
    return main(["anchor", "verify", str(anchor), "--trust", str(trust), *more])


def test_cameras_that_kept_their_logs_are_intact(
    anchor: Path, cameras: Path, authority: TimeAuthority, capsys: pytest.CaptureFixture[str]
) -> None:
    write_audit_log(cameras / CAMERAS[1], audit_lines(30, begin_s=0.25))  # has gone on since
    assert verify(anchor, authority.root, "--cameras", str(cameras)) == 0
    said = capsys.readouterr().out
    assert "2026-11-27: 3 cameras, time-stamped 20" in said
    assert "by CN=Clock" in said
    assert said.count("intact up to record 10") == 3


def test_openssl_alone_confirms_the_token(anchor: Path, authority: TimeAuthority) -> None:
    command = f"openssl ts -verify -data anchor.txt -in token.tsr -CAfile {authority.root}"
    done = subprocess.run(command.split(), cwd=anchor, capture_output=True, text=True, check=True)
    assert "Verification: OK" in done.stdout


def test_a_list_of_heads_from_telemetry_gives_the_same_anchor(
    anchor: Path, tmp_path: Path, authority: TimeAuthority
) -> None:
    assert make(anchor / "heads.json", authority.url, tmp_path / "other") == 0
    assert (tmp_path / "other" / "anchor.txt").read_text() == (anchor / "anchor.txt").read_text()


def test_a_day_that_its_owner_cut_from_a_log_and_signed_again_is_found(
    anchor: Path, cameras: Path, authority: TimeAuthority, capsys: pytest.CaptureFixture[str]
) -> None:
    write_audit_log(cameras / CAMERAS[0], audit_lines(12, begin_s=0.5))
    assert verify(anchor, authority.root, "--cameras", str(cameras)) == 1
    assert f"not intact: {CAMERAS[0]}: record 10 is not the one" in capsys.readouterr().out


def test_a_camera_whose_log_is_gone_is_found(
    anchor: Path, cameras: Path, authority: TimeAuthority, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(cameras / CAMERAS[2])
    assert verify(anchor, authority.root, "--cameras", str(cameras)) == 1
    assert f"not intact: {CAMERAS[2]}: its audit log is missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("anchor.txt", b"2026-11-27", b"2026-11-28"),
        ("anchor.txt", b"\n3\n", b"\n2\n"),
        ("heads.json", b'"count":10', b'"count":11'),
        ("token.tsr", b"Clock", b"Block"),
    ],
)
def test_a_changed_anchor_is_found(anchor: Path, authority: TimeAuthority, name: str, old: bytes, new: bytes) -> None:
    path = anchor / name
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    assert verify(anchor, authority.root) == 1


def test_every_flipped_byte_of_the_token_s_signed_part_is_found(anchor: Path, authority: TimeAuthority) -> None:
    """The certificates in a token are not signed by it; what they must prove is."""
    token = (anchor / "token.tsr").read_bytes()
    statement = token.index(b"\x02\x01\x01\x06")  # version and policy begin the signed time-stamp info
    for position in range(statement, statement + 80):
        changed = bytearray(token)
        changed[position] ^= 1
        (anchor / "token.tsr").write_bytes(changed)
        assert verify(anchor, authority.root) == 1, position


def test_another_authority_proves_nothing(
    anchor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], authority: TimeAuthority
) -> None:
    other = TimeAuthority(tmp_path / "other")
    assert verify(anchor, other.root) == 1
    assert "not proved by a trusted time-stamping authority" in capsys.readouterr().out


def test_a_proof_shows_one_camera_to_somebody_who_may_not_see_the_others(
    anchor: Path, tmp_path: Path, authority: TimeAuthority, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["anchor", "prove", str(anchor), "--camera", CAMERAS[1]]) == 0
    proof = tmp_path / "proof.json"
    proof.write_text(capsys.readouterr().out)
    (anchor / "heads.json").unlink()
    assert verify(anchor, authority.root, "--proof", str(proof)) == 0
    assert f"{CAMERAS[1]}: record 10 is part of the anchor" in capsys.readouterr().out
    proof.write_text(proof.read_text().replace('"count": 10', '"count": 9'))
    assert verify(anchor, authority.root, "--proof", str(proof)) == 1
    assert CAMERAS[0] not in proof.read_text()


@pytest.mark.parametrize("answer", [b"", b"<html>not here</html>", bytes.fromhex("30053003020102")])
def test_an_authority_that_does_not_answer_as_one_leaves_nothing_behind(
    cameras: Path, tmp_path: Path, authority: TimeAuthority, answer: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    authority.answers_with = answer
    assert make(cameras, authority.url, tmp_path / "anchor") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "anchor").exists()


def test_the_answer_to_an_earlier_request_is_refused(
    anchor: Path, cameras: Path, tmp_path: Path, authority: TimeAuthority, capsys: pytest.CaptureFixture[str]
) -> None:
    authority.answers_with = (anchor / "token.tsr").read_bytes()
    assert make(cameras, authority.url, tmp_path / "again") == 2
    assert "answered another request" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/", "cannot be reached"),
        ("file:///etc/passwd", "no http or https address"),
        ("http://[", "cannot be reached"),
    ],
)
def test_an_authority_that_is_not_there_gives_one_line(
    cameras: Path, tmp_path: Path, url: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(cameras, url, tmp_path / "anchor") == 2
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


def test_without_the_library_nothing_is_said_about_an_anchor(anchor: Path, authority: TimeAuthority) -> None:
    program = (
        "import sys\n"
        "sys.modules['rfc3161_client'] = None\n"
        "from lapel.evidence.cli import main\n"
        f"sys.exit(main(['anchor', 'verify', {str(anchor)!r}, '--trust', {str(authority.root)!r}]))\n"
    )
    checked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert checked.returncode == 2
    assert "checking time stamps needs the extra `evidence`" in checked.stderr
    assert "not intact" not in checked.stdout


def test_an_anchor_is_never_replaced(anchor: Path, cameras: Path, authority: TimeAuthority) -> None:
    before = (anchor / "token.tsr").read_bytes()
    assert make(cameras, authority.url, anchor) == 2
    assert (anchor / "token.tsr").read_bytes() == before

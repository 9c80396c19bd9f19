from pathlib import Path

import pytest

from lapel.cli import main


def run(*arguments: str) -> int:
    return main(["identity", *arguments])


def test_a_new_identity_is_shown_with_its_certificates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evidence = ["--evidence", str(tmp_path)]
    assert run("new", *evidence, "--agency", "demo", "--site", "home", "--camera", "cam-7") == 0
    made = capsys.readouterr().out
    assert "subject: CN=demo/home/cam-7\n" in made
    assert run("show", *evidence) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(made)
    assert shown.count("BEGIN CERTIFICATE") == 2
    assert "PRIVATE" not in shown
    assert run("csr", *evidence) == 0
    assert capsys.readouterr().out.startswith("-----BEGIN CERTIFICATE REQUEST-----")


@pytest.mark.parametrize("action", ["show", "csr"])
def test_without_an_identity_one_line_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    assert run(action, "--evidence", str(tmp_path)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "`lapel-camera identity new` makes an identity" in line


def test_a_second_key_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("new", "--evidence", str(tmp_path))
    assert run("new", "--evidence", str(tmp_path)) == 2
    assert "there is a key already" in capsys.readouterr().err


def test_the_certificate_of_another_key_is_not_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "other"):
        run("new", "--evidence", str(tmp_path / name))
    certificate = tmp_path / "other" / ".lapel" / "identity" / "certificate.pem"
    assert run("import", str(certificate), "--evidence", str(tmp_path / "one")) == 2
    assert "belongs to another key" in capsys.readouterr().err

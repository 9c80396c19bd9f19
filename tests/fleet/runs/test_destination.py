"""The user's evidence system on the command line: what is missing is said in one line."""

from pathlib import Path

import pytest

from lapel.errors import ConfigError, LapelError
from lapel_fleet.cli import main
from lapel_fleet.runs.destination import Destination

URL = "https://evidence.example/auth/v1.0"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            f"--virtual --destination {URL}",
            "--destination with --virtual: an evidence system needs real time: run live",
        ),
        (f"--speed 4 --destination {URL}", "--destination with --speed"),
        (f"--destination {URL}", "--destination without --destination-user"),
        (f"--destination {URL} --destination-user axis", "--destination without --destination-secret"),
        ("--receipt-key ours.pem", "--receipt-key without --destination"),
    ],
)
def test_options_that_do_not_fit_are_one_line(options: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "smoke", *options.split()]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("s3+https://store.example", "names no bucket"),
        ("s3+https://store.example/one/two", "names no bucket"),
        ("ftp://evidence.example", "is no address"),
        ("http://evidence.example/auth/v1.0", "is not encrypted"),
    ],
)
def test_an_impossible_address_is_refused(url: str, text: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    with pytest.raises(ConfigError, match=text):
        Destination(url=url, user="axis", secret_file=str(secret)).target()


def test_files_that_are_missing_are_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(LapelError, match="missing"):
        Destination(url=URL, user="axis", secret_file=missing).target()
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    with pytest.raises(LapelError, match="missing"):
        Destination(url=URL, user="axis", secret_file=str(secret), receipt_keys=(missing,)).target()

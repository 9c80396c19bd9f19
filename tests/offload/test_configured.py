"""The destination that a configuration names, and the errors for one that cannot be used."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lapel.config import OffloadSection
from lapel.errors import ConfigError
from lapel.offload.configured import critical_words, destination_of
from lapel.offload.interface import Destination


def made(tmp_path: Path, **keys: Any) -> Destination | None:
    secret = tmp_path / "secret"
    secret.write_text("hush\nmore\n")
    given = {"address": "https://e.example.org/auth/v1.0", "user": "u", "secret_file": str(secret), **keys}
    return destination_of(OffloadSection(**given), lambda: datetime.now(UTC))  # noqa: TID251


def test_none_is_none(tmp_path: Path) -> None:
    assert made(tmp_path, destination="none") is None


def test_both_kinds_are_named_without_the_secret(tmp_path: Path) -> None:
    for keys in ({"destination": "axis"}, {"destination": "s3", "bucket": "evidence"}):
        destination = made(tmp_path, **keys)
        assert destination is not None
        assert destination.name.startswith("https://e.example.org")
        assert "hush" not in destination.name


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"address": ""}, r"\[offload\] address: is missing"),
        ({"user": ""}, r"\[offload\] user: is missing"),
        ({"secret_file": ""}, r"\[offload\] secret_file: is missing"),
        ({"secret_file": "/nowhere/secret"}, "cannot be read: No such file"),
        ({"address": "http://e.example.org/"}, "is not encrypted"),
        ({"ca": "/nowhere/ca.pem"}, r"\[offload\] ca = '/nowhere/ca.pem': cannot be used: No such file"),
        ({"cert": "/nowhere/c.pem"}, r"\[offload\] cert = '/nowhere/c.pem'"),
        ({"read_back": "counts"}, "the API has no reading back"),
        ({"destination": "s3"}, r"\[offload\] bucket: is missing"),
    ],
)
def test_what_is_missing_or_wrong_is_named(tmp_path: Path, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        made(tmp_path, **{"destination": "axis", **keys})


@pytest.mark.parametrize("text", [b"", b"\nsecond", b"\xff\xfe", "geheimnüs".encode(), b"a\tb"])
def test_a_secret_file_without_a_usable_secret_is_an_error(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match="secret_file") as caught:
        made(tmp_path, destination="axis", secret_file=str(path))
    assert "geheim" not in str(caught.value)


def test_critical_words() -> None:
    assert critical_words(msgspec.structs.replace(OffloadSection(), critical=" use of force,holster, ")) == {
        "use of force",
        "holster",
    }

import subprocess
from pathlib import Path

import pytest

from lapel.errors import EvidenceError
from lapel.evidence.vault import Vault, open_key
from lapel.evidence.vault_keys import cipher_of_processor, read_private_key, read_recipients


def openssl(folder: Path, *commands: str) -> None:
    for command in commands:
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


def never() -> bytes:
    raise AssertionError("no password is needed")


def test_keys_made_with_openssl_as_the_guide_says(tmp_path: Path) -> None:
    openssl(
        tmp_path,
        "genpkey -algorithm X25519 -aes-256-cbc -pass pass:secret -out agency.key",
        "pkey -in agency.key -passin pass:secret -pubout -out agency.pub",
    )
    key = Vault(read_recipients([tmp_path / "agency.pub"]), "aes-256-gcm").clip_key("clip-1")
    private = read_private_key(tmp_path / "agency.key", lambda: b"secret")
    assert open_key(key.encryption, "clip-1", private).unseal(key.seal(b"video", 1, "00"), 1, "00") == b"video"
    with pytest.raises(EvidenceError, match=r"agency\.key: the password does not fit"):
        read_private_key(tmp_path / "agency.key", lambda: b"wrong")


def test_a_key_without_a_password_asks_for_none(tmp_path: Path) -> None:
    openssl(tmp_path, "genpkey -algorithm X25519 -out agency.key")
    read_private_key(tmp_path / "agency.key", never)


@pytest.mark.parametrize("content", ["", "rubbish", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_file_without_a_key_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "agency.pem"
    path.write_text(content)
    with pytest.raises(EvidenceError, match=r"agency\.pem: is no public key"):
        read_recipients([path])
    with pytest.raises(EvidenceError, match=r"agency\.pem: is no private key"):
        read_private_key(path, never)


def test_a_key_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    openssl(
        tmp_path,
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key",
        "pkey -in other.key -pubout -out other.pub",
    )
    with pytest.raises(EvidenceError, match=r"other\.pub: is no X25519 key"):
        read_recipients([tmp_path / "other.pub"])
    with pytest.raises(EvidenceError, match=r"other\.key: is no X25519 key"):
        read_private_key(tmp_path / "other.key", never)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"none\.pub: cannot be read: No such file"):
        read_recipients([tmp_path / "none.pub"])


def test_a_machine_that_tells_nothing_of_its_processor_gets_the_cipher_that_is_fast_everywhere(tmp_path: Path) -> None:
    assert cipher_of_processor(tmp_path / "none") == "chacha20-poly1305"

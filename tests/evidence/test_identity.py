import stat
import subprocess
from pathlib import Path

import pytest

from lapel.errors import EvidenceError
from lapel.evidence.identity import import_certificate, load, load_or_make, make, request
from lapel.evidence.signing import is_signed, public_key


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    identity = load_or_make(tmp_path / "identity", "demo/site/cam-1")
    assert identity.subject == "CN=demo/site/cam-1"
    assert identity.issuer == "CN=Lapel evidence root of demo/site/cam-1"
    assert stat.S_IMODE((tmp_path / "identity" / "key.pem").stat().st_mode) == 0o600
    assert load_or_make(tmp_path / "identity", "another").key_id == identity.key_id


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    make(tmp_path, "cam-1")
    with pytest.raises(EvidenceError, match="there is a key already"):
        make(tmp_path, "cam-1")


@pytest.mark.parametrize("name", ["key.pem", "certificate.pem"])
def test_a_damaged_identity_is_refused_by_name_and_left_as_it_is(tmp_path: Path, name: str) -> None:
    make(tmp_path, "cam-1")
    (tmp_path / name).write_text("rubbish")
    with pytest.raises(EvidenceError, match=name):
        load_or_make(tmp_path, "cam-1")
    assert (tmp_path / name).read_text() == "rubbish"


def test_the_certificate_of_another_key_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "one", "cam-1")
    make(tmp_path / "other", "cam-1")
    with pytest.raises(EvidenceError, match="belongs to another key"):
        import_certificate(tmp_path / "one", tmp_path / "other" / "certificate.pem")


def test_the_signer_shows_the_chain_without_its_root(tmp_path: Path) -> None:
    identity = load_or_make(tmp_path, "cam-1")
    assert len(identity.signer.certificates) == 1
    assert is_signed(b"data", identity.signer.sign(b"data"), public_key(identity.signer.certificates[0]))


def test_an_authority_made_with_openssl_signs_the_request(tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    before = load_or_make(folder, "demo/site/cam-1")
    (tmp_path / "cam.csr").write_bytes(request(folder))
    for command in (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt "
        "-subj /CN=Agency",
        "openssl x509 -req -in cam.csr -CA ca.crt -CAkey ca.key -copy_extensions copyall -days 30 -out cam.crt",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    after = import_certificate(folder, tmp_path / "cam.crt")
    assert (after.issuer, after.key_id) == ("CN=Agency", before.key_id)
    assert load(folder).issuer == "CN=Agency"

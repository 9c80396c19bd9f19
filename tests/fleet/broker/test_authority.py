"""The authority of a fleet: what it makes, keeps, renews and revokes."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from lapel.errors import ConfigError, StorageError
from lapel_fleet.broker.authority import Authority, hosts_of
from lapel_fleet.broker.identity import camera_identities

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
ONE_CAMERA, TWO_CAMERAS, THREE_CAMERAS = (camera_identities("demo", [f"baltimore={count}"]) for count in (1, 2, 3))


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_an_identity_has_a_name_a_secret_key_and_an_end(tmp_path: Path) -> None:
    done = Authority(tmp_path / "out", NOW).provision(TWO_CAMERAS, ["fleet"], [], 30)
    assert (done.made, done.kept, done.revoked) == (3, 0, 0)
    path = done.folder / "identities" / "demo" / "baltimore" / "cam-0002.crt"
    one = certificate(path)
    assert one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "demo/baltimore/cam-0002"
    assert one.not_valid_after_utc == NOW + timedelta(days=30)
    one.verify_directly_issued_by(certificate(done.folder / "ca.crt"))
    for key in done.folder.rglob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_provisioning_again_keeps_every_key_and_adds_what_is_new(tmp_path: Path) -> None:
    Authority(tmp_path, NOW).provision(ONE_CAMERA, ["fleet"], [], 30)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.key")}
    done = Authority(tmp_path, NOW).provision(TWO_CAMERAS, ["fleet"], ["broker.example"], 30)
    assert (done.made, done.kept) == (1, 2)
    assert hosts_of(certificate(tmp_path / "broker.crt")) == {"localhost", "127.0.0.1", "::1", "broker.example"}
    changed = {path.name for path, content in before.items() if path.read_bytes() != content}
    assert not changed


def test_an_expired_certificate_is_renewed_with_the_same_key(tmp_path: Path) -> None:
    Authority(tmp_path, NOW - timedelta(days=40)).provision(ONE_CAMERA, [], [], 30)
    path = tmp_path / "identities" / "demo" / "baltimore" / "cam-0001.crt"
    key = path.with_suffix(".key").read_bytes()
    assert Authority(tmp_path, NOW).provision(ONE_CAMERA, [], [], 30).made == 1
    assert (path.with_suffix(".key").read_bytes(), certificate(path).not_valid_after_utc > NOW) == (key, True)
    assert certificate(tmp_path / "broker.crt").not_valid_after_utc > NOW


def test_a_revoked_identity_stays_revoked(tmp_path: Path) -> None:
    authority = Authority(tmp_path, NOW)
    authority.provision(THREE_CAMERAS, ["fleet"], [], 30)
    authority.revoke(["demo/baltimore/cam-0001"])
    authority.revoke(["demo/baltimore/cam-0001", "fleet"])
    assert Authority(tmp_path, NOW).provision([], [], [], 30).revoked == 2
    with pytest.raises(ConfigError, match="has no identity here"):
        authority.revoke(["demo/baltimore/cam-0009"])


@pytest.mark.parametrize("name", ["../ca", "x/../../ca", "unknown"])
def test_only_identities_can_be_revoked(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="has no identity here"):
        Authority(tmp_path, NOW).revoke([name])


def test_a_folder_that_is_not_an_authoritys_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_text("secret")
    (tmp_path / "ca.crt").write_text("none")
    with pytest.raises(ConfigError, match="is not an authority's"):
        Authority(tmp_path, NOW)
    (tmp_path / "ca.crt").unlink()
    with pytest.raises((ConfigError, StorageError), match=r"ca\.(key|crt)"):
        Authority(tmp_path, NOW)
    with pytest.raises(StorageError, match="cannot be made"):
        Authority(tmp_path / "no" / "such", NOW)

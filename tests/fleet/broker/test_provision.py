import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from lapel.errors import ConfigError, StorageError
from lapel_fleet.broker.provision import Authority, Identity, access_list, cameras_of, hosts_of

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_sites_are_counted_or_named() -> None:
    names = [one.common_name for one in cameras_of("demo", ["baltimore=2", "buffalo=front,rear", "baltimore=1"])]
    assert names == ["demo/baltimore/cam-0001", "demo/baltimore/cam-0002", "demo/buffalo/front", "demo/buffalo/rear"]


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ("baltimore", "give SITE=COUNT"),
        ("baltimore=", "give SITE=COUNT"),
        ("baltimore=0", "from 1 to 99999"),
        ("baltimore=-1", "from 1 to 99999"),
        ("a/b=1", "contains '/'"),
        ("..=1", "begins with a dot"),
        ("baltimore=a,,b", "is empty"),
        ("baltimore=a+b", r"contains '\+'"),
        (f"{'x' * 60}=1", "a certificate's name has room for 64"),
    ],
)
def test_what_cannot_be_is_named(site: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        cameras_of("demo", [site])


def test_an_identity_is_a_name_a_secret_key_and_a_time(tmp_path: Path) -> None:
    done = Authority(tmp_path / "out", NOW).provision(cameras_of("demo", ["baltimore=2"]), ["fleet"], [], 30)
    assert (done.made, done.kept, done.revoked) == (3, 0, 0)
    path = done.folder / "identities" / "demo" / "baltimore" / "cam-0002.crt"
    one = certificate(path)
    assert one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "demo/baltimore/cam-0002"
    assert one.not_valid_after_utc == NOW + timedelta(days=30)
    one.verify_directly_issued_by(certificate(done.folder / "ca.crt"))
    for key in done.folder.rglob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_again_keeps_every_key_and_adds_what_is_new(tmp_path: Path) -> None:
    Authority(tmp_path, NOW).provision(cameras_of("demo", ["baltimore=1"]), ["fleet"], [], 30)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.key")}
    done = Authority(tmp_path, NOW).provision(cameras_of("demo", ["baltimore=2"]), ["fleet"], ["broker.example"], 30)
    assert (done.made, done.kept) == (1, 2)
    assert hosts_of(certificate(tmp_path / "broker.crt")) == {"localhost", "127.0.0.1", "::1", "broker.example"}
    changed = {path.name for path, content in before.items() if path.read_bytes() != content}
    assert not changed


def test_what_has_run_out_is_renewed_with_the_key_it_has(tmp_path: Path) -> None:
    cameras = cameras_of("demo", ["baltimore=1"])
    Authority(tmp_path, NOW - timedelta(days=40)).provision(cameras, [], [], 30)
    path = tmp_path / "identities" / "demo" / "baltimore" / "cam-0001.crt"
    key = path.with_suffix(".key").read_bytes()
    assert Authority(tmp_path, NOW).provision(cameras, [], [], 30).made == 1
    assert (path.with_suffix(".key").read_bytes(), certificate(path).not_valid_after_utc > NOW) == (key, True)
    assert certificate(tmp_path / "broker.crt").not_valid_after_utc > NOW


def test_who_is_revoked_stays_revoked(tmp_path: Path) -> None:
    authority = Authority(tmp_path, NOW)
    authority.provision(cameras_of("demo", ["baltimore=3"]), ["fleet"], [], 30)
    authority.revoke(["demo/baltimore/cam-0001"])
    authority.revoke(["demo/baltimore/cam-0001", "fleet"])
    assert Authority(tmp_path, NOW).provision([], [], [], 30).revoked == 2
    with pytest.raises(ConfigError, match="has no identity here"):
        authority.revoke(["demo/baltimore/cam-0009"])


@pytest.mark.parametrize("name", ["../ca", "x/../../ca", "nobody"])
def test_only_identities_are_revoked(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="has no identity here"):
        Authority(tmp_path, NOW).revoke([name])


def test_everybody_has_lines_of_their_own_and_no_more() -> None:
    lines = access_list([Identity("demo", "baltimore", "cam-0001")], ["fleet"]).splitlines()
    root = "lapel/v1/demo/baltimore/cam-0001"
    camera = lines[lines.index("user demo/baltimore/cam-0001") + 1 : lines.index("user operator/fleet") - 1]
    assert camera == [
        f"topic readwrite {root}/state",
        f"topic write {root}/telemetry",
        f"topic write {root}/event",
        f"topic write {root}/reply",
        f"topic write {root}/reply/#",
        f"topic read {root}/command",
    ]


def test_a_folder_that_is_not_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_text("secret")
    (tmp_path / "ca.crt").write_text("none")
    with pytest.raises(ConfigError, match="is not an authority's"):
        Authority(tmp_path, NOW)
    (tmp_path / "ca.crt").unlink()
    with pytest.raises((ConfigError, StorageError), match=r"ca\.(key|crt)"):
        Authority(tmp_path, NOW)
    with pytest.raises(StorageError, match="cannot be made"):
        Authority(tmp_path / "no" / "such", NOW)

"""The configuration of a provisioned fleet's Mosquitto."""

from datetime import UTC, datetime
from pathlib import Path

from lapel_fleet.broker.authority import Authority
from lapel_fleet.broker.identity import camera_identities
from lapel_fleet.broker.mosquitto_conf import write_mosquitto_conf


def test_the_configuration_names_the_files_beside_it_and_every_identity_has_access(tmp_path: Path) -> None:
    authority = Authority(tmp_path, datetime(2026, 11, 24, 7, 0, tzinfo=UTC))
    authority.provision(camera_identities("demo", ["baltimore=2"]), ["fleet"], [], 30)
    path = write_mosquitto_conf(authority, 8883, "127.0.0.1")
    settings = dict(line.split(" ", 1) for line in path.read_text().splitlines() if not line.startswith("#"))
    assert settings["listener"] == "8883 127.0.0.1"
    files = [settings[key] for key in ("cafile", "certfile", "keyfile", "crlfile", "acl_file", "persistence_location")]
    assert all(Path(file).is_relative_to(tmp_path) and Path(file).exists() for file in files)
    users = [line for line in (tmp_path / "acl").read_text().splitlines() if line.startswith("user ")]
    assert users == ["user demo/baltimore/cam-0001", "user demo/baltimore/cam-0002", "user operator/fleet"]

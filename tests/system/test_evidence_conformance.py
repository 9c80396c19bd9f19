"""The conformance suite for evidence back ends, on a real OpenStack Swift."""

import json
import sys
from pathlib import Path

from system.process import program
from system.swift_server import SECRET, USER, swift_server

FLEET = Path(sys.executable).with_name("lapel-fleet")
SITUATIONS = ("recording-arrives", "same-short-id", "unregistered-wearer", "manifest-is-missing")


async def test_a_plain_swift_stores_everything_and_knows_no_wearer(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    (tmp_path / "swift").mkdir()
    with swift_server(tmp_path / "swift") as server:
        options = ("--evidence", server.address, "--evidence-user", USER, "--evidence-secret", secret, "--json")
        with program(tmp_path, "suite", FLEET, "conformance", *SITUATIONS, *options) as suite:
            assert await suite.ends() == 1
    verdicts = {one["id"]: one["verdict"] for one in json.loads(suite.out)["outcomes"]}
    assert verdicts == {
        "recording-arrives": "passed",
        "same-short-id": "passed",
        "unregistered-wearer": "failed",
        "manifest-is-missing": "not-applicable",
    }

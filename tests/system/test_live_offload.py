"""Live cameras offload over HTTP: with files on a disk, to the built-in back end, a foreign one, and a real Swift."""

import json
import sys
from pathlib import Path

from system.offloaded import Client
from system.process import program
from system.swift_server import SECRET, USER, swift_server

FLEET = Path(sys.executable).with_name("lapel-fleet")
SHIFT = """
duration_s = 32
telemetry_s = 8
prebuffer_s = 5
[sites]
baltimore = 3
[wearer]
activations = 2
length_s = [4, 6]
[[shifts]]
end_s = 20
late_s = 2
[offload]
[[expect]]
what = "offloaded-share"
at_least = 1
"""
CHECKERS = ("clips-are-offloaded-once", "offloaded-clips-are-whole", "complete-is-declared-once-and-last")


async def test_a_live_fleet_offloads_to_the_built_in_back_end(tmp_path: Path) -> None:
    scenario = tmp_path / "shift.toml"
    scenario.write_text(SHIFT)
    with program(tmp_path, "run", FLEET, "run", scenario, "--seed", "1", "--speed", "4", "--json") as run:
        assert await run.ends() == 0, run.out
    verdicts = {one["name"]: one["verdict"] for one in json.loads(run.out)["checkers"]}
    assert {verdicts[name] for name in CHECKERS} == {"passed"}
    assert verdicts["expect offloaded-share at_least 1"] == "passed"


async def test_a_live_fleet_offloads_to_a_foreign_back_end(tmp_path: Path) -> None:
    scenario, kept, secret = tmp_path / "shift.toml", tmp_path / "kept", tmp_path / "secret"
    scenario.write_text(SHIFT)
    with program(
        tmp_path, "server", FLEET, "evidence-server", "--port", "0", "--dir", kept, "--fault", "busy=2"
    ) as its:
        url = (await its.prints(r"(http://127\S+); give"))[1]
        secret.write_text(json.loads((kept / "connection.json").read_text())["BlobAPIKey"])
        ours = (
            "--destination", f"{url}/auth/v1.0", "--destination-user", "lapel", "--destination-secret", secret,
            "--receipt-key", kept / "receipt-public-key.pem",
        )  # fmt: skip
        with program(tmp_path, "run", FLEET, "run", scenario, "--seed", "1", "--json", *ours) as run:
            assert await run.ends() == 0, run.out
    result = json.loads(run.out)
    verdicts = {one["name"]: one["verdict"] for one in result["checkers"]}
    assert verdicts["expect offloaded-share at_least 1"] == "passed"
    assert verdicts["clips-are-offloaded-once"] == "skipped"  # what a foreign system received is not known
    assert secret.read_text() not in run.out + run.err + its.out
    receipts = list((kept / "containers" / "Receipts").glob("*cam-*"))
    assert len(receipts) == result["recordings"]


async def test_a_live_fleet_offloads_to_a_real_swift_by_both_its_apis(tmp_path: Path) -> None:
    scenario, secret = tmp_path / "shift.toml", tmp_path / "secret"
    scenario.write_text(SHIFT.partition("[[expect]]")[0].replace("duration_s = 32", "duration_s = 26"))
    secret.write_text(SECRET)
    (tmp_path / "swift").mkdir()
    with swift_server(tmp_path / "swift") as server:
        client = Client(server)
        client.put("fleet")
        command = (FLEET, "run", scenario, "--seed", "1", "--json", "--destination-user", USER,
                   "--destination-secret", secret, "--destination")  # fmt: skip
        with (
            program(tmp_path, "axis", *command, server.address) as axis,
            program(tmp_path, "s3", *command, f"s3+{server.s3_address}/fleet") as s3,
        ):
            assert (await axis.ends(), await s3.ends()) == (0, 0), axis.out + s3.out
        arrived = client.recordings()
        client.close()
    in_bucket = [name for name in arrived.pop("fleet").objects if name.endswith("complete.json")]
    assert len(in_bucket) == json.loads(s3.out)["recordings"] > 0
    assert [one.metadata["status"] for one in arrived.values()] == ["Complete"] * json.loads(axis.out)["recordings"]

"""The manifests in `examples/kubernetes`, as far as they run without Kubernetes: their commands, as a pod runs them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

MANIFESTS = Path(__file__).parents[2] / "examples" / "kubernetes"


def manifests(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((MANIFESTS / name).read_text()))


def test_the_pods_of_the_indexed_job_run_all_shards(tmp_path: Path) -> None:
    (job,) = manifests("virtual-shards.yaml")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    count = job["spec"]["completions"]
    script = container["args"][0].replace("five-cities", "smoke")
    for index in range(count):
        done = subprocess.run(
            [*container["command"], script], capture_output=True, text=True, timeout=60, check=False,
            env={
                **os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "RESULTS": str(tmp_path), "JOB_COMPLETION_INDEX": str(index),
            },
        )  # fmt: skip
        assert f"--shard {index + 1}/{count}" in done.stdout, done.stderr
    assert len(list(tmp_path.glob("shard-*.trace"))) == count


def test_the_dask_pods_run_commands_that_there_are() -> None:
    commands = [
        container["args"]
        for one in manifests("dask.yaml")
        for container in one["spec"].get("template", {}).get("spec", {}).get("containers", [])
    ]
    assert [command[:2] for command in commands] == [["dask", "scheduler"], ["dask", "worker"]]
    for _, command, *arguments in commands:
        known = subprocess.run(
            [Path(sys.executable).with_name("dask"), command, "--help"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        assert all(one in known for one in arguments if one.startswith("--"))

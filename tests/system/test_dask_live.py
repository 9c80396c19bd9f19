"""Live fleets with their cameras on a Dask cluster of real processes, against one Mosquitto."""

import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lapel_fleet.broker.embedded import embedded_broker
from system.dask_cluster import DaskCluster, dask_cluster, wait_until
from system.process import PATIENCE_S
from system.test_fleet_run import FLEET, lapel_fleet


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path, 2) as running:
        yield running


@pytest.fixture
async def broker() -> AsyncIterator[str]:
    async with embedded_broker("mosquitto") as running:
        yield running.url


def test_a_live_fleet_is_divided_among_the_workers_and_judged_as_one(cluster: DaskCluster, broker: str) -> None:
    done = lapel_fleet("run", "smoke", "--dask", cluster.address, "--broker", broker, "--duration", "5s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search("passed +10  retained-state-is-true", done.stdout)
    assert logs_of(cluster).count("powered off 5 cameras") == 2


def test_a_killed_worker_ends_the_run_and_the_error_names_it(cluster: DaskCluster, broker: str) -> None:
    with cluster.worker("short-lived") as worker, started(cluster, broker) as run:
        wait_until(lambda: "powers on" in (cluster.folder / "short-lived.log").read_text(), "no camera was powered on")
        worker.kill()
        _, error = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 3
    assert re.search(r"lapel-fleet: the Dask worker tcp://127.0.0.1:\d+ was lost, with \d cameras$", error.strip())


def test_cameras_of_a_killed_run_are_switched_off(cluster: DaskCluster, broker: str) -> None:
    with started(cluster, broker) as run:
        wait_until(lambda: logs_of(cluster).count("powers on 5 cameras") == 2, "not all were powered on")
        run.kill()
    wait_until(lambda: logs_of(cluster).count("powered off 5 cameras") == 2, "not all were powered off")


def started(cluster: DaskCluster, broker: str) -> subprocess.Popen[str]:
    command = [FLEET, "run", "smoke", "--dask", cluster.address, "--broker", broker, "--duration", "10m"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def logs_of(cluster: DaskCluster) -> str:
    return "".join((cluster.folder / f"worker-{number}.log").read_text() for number in (0, 1))

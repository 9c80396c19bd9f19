"""Virtual runs on a Dask cluster of real processes."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from lapel.clock import SystemClock
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs import virtual
from lapel_fleet.runs.parallel.dask_pool import dask_pool
from lapel_fleet.runs.parallel.shards import ShardJob, run_in_shards
from lapel_fleet.scenario.loading import load
from system.dask_cluster import DaskCluster, dask_cluster
from system.planted_bug import FOUND_BY, PLANTED_BUG, replay_of_found, searched_day
from system.process import PATIENCE_S
from system.test_fleet_run import lapel_fleet

LONG_BAD_DAY = msgspec.structs.replace(load("bad-day"), sites={"baltimore": 12, "buffalo": 8})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask"), 2) as running:
        yield running


def test_a_fleet_on_a_cluster_reports_what_one_process_does(cluster: DaskCluster, tmp_path: Path) -> None:
    arguments = ("run", "five-cities", "--virtual", "--duration", "60s", "--seed", "7", "--json")
    there = lapel_fleet(*arguments, "--dask", cluster.address, "--trace", tmp_path / "there")
    here = lapel_fleet(*arguments, "--trace", tmp_path / "here")
    assert (there.returncode, there.stderr) == (here.returncode, "")
    assert (tmp_path / "there").read_bytes() == (tmp_path / "here").read_bytes()
    reports = [json.loads(one.stdout) for one in (there, here)]
    for report in reports:
        del report["took_s"]
    assert reports[0] == reports[1]


def test_a_killed_worker_changes_nothing_but_a_note(cluster: DaskCluster) -> None:
    whole = virtual.run(LONG_BAD_DAY, 7)
    with cluster.worker("short-lived") as worker, dask_pool(cluster.address) as pool:

        def kill(*_: object) -> None:
            if _is_running_a_job(cluster, "short-lived"):
                worker.kill()

        run, findings = run_in_shards(pool, ShardJob(LONG_BAD_DAY, 7, (0, 1)), 6, progress=kill)
    assert (run.trace_sha256, findings) == (whole.trace_sha256, judge(whole.cases))
    (note,) = run.notes
    assert "was lost; run again on another: shard " in note


def _is_running_a_job(cluster: DaskCluster, name: str) -> bool:
    return "begins shard" in (cluster.folder / f"{name}.log").read_text()


def test_a_campaign_of_200_seeds_finds_a_planted_bug(cluster: DaskCluster, tmp_path: Path) -> None:
    arguments = ("run", searched_day(tmp_path), "--virtual", "--chaos", "--checker", PLANTED_BUG)
    found = lapel_fleet(*arguments, "--seeds", "1-200", "--dask", cluster.address)
    assert found.returncode == 1
    assert found.stdout.splitlines()[-1].startswith("200 seeds: ")
    again = lapel_fleet(*replay_of_found(found.stdout))
    assert again.returncode == 1
    assert FOUND_BY in again.stdout


def test_a_worker_with_another_python_is_refused(cluster: DaskCluster, tmp_path: Path) -> None:
    (tmp_path / "older.py").write_text("import platform\nplatform.python_version = lambda: '3.9.2'\n")
    with cluster.worker("older", "--preload", str(tmp_path / "older.py")):
        done = _run_until_refused(cluster)
        assert done.stderr.count("\n") == 1
        assert "has other software: python 3.9.2, here 3." in done.stderr


def _run_until_refused(cluster: DaskCluster) -> subprocess.CompletedProcess[str]:
    """A worker that was killed is on the scheduler's list for a moment."""
    clock = SystemClock()
    deadline_s = clock.mono_s() + PATIENCE_S
    while (done := lapel_fleet("run", "smoke", "--virtual", "--dask", cluster.address)).returncode != 2:
        assert clock.mono_s() < deadline_s, done.stderr
    return done


def test_invalid_addresses_are_one_line_and_an_exit_code() -> None:
    for arguments, code, error in (
        (("--virtual", "--dask", "tcp://127.0.0.1:1"), 4, "no scheduler answers there"),
        (("--virtual", "--dask", "tls://127.0.0.1:1"), 2, "no certificates"),
        (("--virtual", "--dask", "cluster"), 2, "give tcp://HOST:PORT"),
        (("--dask", "tcp://127.0.0.1:1"), 2, "--dask live needs a broker that all workers reach: --broker URL"),
        (("--dask", "tcp://127.0.0.1:1", "--broker", "mqtt://127.0.0.1", "--media", "clip"), 2, "has no media"),
        (("--dask", "tcp://127.0.0.1:1", "--stepped"), 2, "the cluster has its own workers"),
        (("--virtual", "--workers", "2", "--dask", "tcp://127.0.0.1:1"), 2, "the cluster has its own workers"),
    ):
        done = lapel_fleet("run", "smoke", *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
        assert error in done.stderr

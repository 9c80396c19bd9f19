"""Virtual runs in several processes, as their user meets them."""

import json
import multiprocessing
import os
import re
import signal
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from lapel.errors import ConfigError
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs import virtual
from lapel_fleet.runs.parallel.local_pool import local_pool
from lapel_fleet.runs.parallel.shards import ShardJob, run_in_shards
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.toml_writer import as_toml
from system.planted_bug import FOUND_BY, PLANTED_BUG, replay_of_found, searched_day
from system.test_fleet_run import lapel_fleet

SMALL_BAD_DAY = msgspec.structs.replace(load("bad-day"), sites={"baltimore": 4, "buffalo": 3})


def test_two_processes_report_what_one_does(tmp_path: Path) -> None:
    (tmp_path / "day.toml").write_text(as_toml(SMALL_BAD_DAY))
    reports = []
    for workers in ("1", "2"):
        trace, junit = tmp_path / f"{workers}.trace", tmp_path / f"{workers}.xml"
        done = lapel_fleet(
            "run", tmp_path / "day.toml", "--virtual", "--chaos", "--seed", "7", "--workers", workers, "--json",
            "--trace", trace, "--junit", junit,
        )  # fmt: skip
        report = json.loads(done.stdout)
        del report["took_s"]
        reports.append((done.returncode, report, trace.read_bytes(), names_and_verdicts(junit)))
    assert reports[0] == reports[1]


def names_and_verdicts(junit: Path) -> list[tuple[str | None, list[str]]]:
    cases = ElementTree.parse(junit).getroot().iter("testcase")
    return [(case.get("name"), [child.tag for child in case]) for case in cases]


def test_a_killed_process_changes_nothing_but_a_note() -> None:
    whole, killed = virtual.run(SMALL_BAD_DAY, 7), list[int]()

    def kill_one(share: float, *_: object) -> None:
        if share > 0.2 and not killed:
            victim = multiprocessing.active_children()[0]
            assert victim.pid is not None
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)

    with local_pool(2) as pool:
        run, findings = run_in_shards(pool, ShardJob(SMALL_BAD_DAY, 7, (0, 1)), 2, progress=kill_one)
    assert (run.trace_sha256, findings) == (whole.trace_sha256, judge(whole.cases))
    (note,) = run.notes
    assert "was killed by SIGKILL; shard" in note
    assert note.endswith("was run again")
    assert not multiprocessing.active_children()


def test_a_failure_in_a_process_is_the_failure_of_the_run() -> None:
    job = ShardJob(SMALL_BAD_DAY, 7, (0, 1), ("no.such.module:check",))
    with local_pool(2) as pool, pytest.raises(ConfigError, match=r"no\.such\.module"):
        run_in_shards(pool, job, 2)


def test_a_campaign_finds_a_planted_bug_and_prints_the_line_that_replays_it(tmp_path: Path) -> None:
    arguments = ("run", searched_day(tmp_path), "--virtual", "--chaos", "--seeds", "1-50", "--workers", "2")
    assert FOUND_BY not in lapel_fleet(*arguments).stdout
    found = lapel_fleet(*arguments, "--checker", PLANTED_BUG, "--junit", tmp_path / "junit.xml")
    assert found.returncode == 1
    assert found.stdout.splitlines()[-1].startswith("50 seeds: ")
    again = lapel_fleet(*replay_of_found(found.stdout))
    assert again.returncode == 1
    assert re.search(rf"^  failed +[\d,]+  {FOUND_BY}$", again.stdout, re.MULTILINE)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), int(suite.get("failures", "0"))) == ("50", found.stdout.count("FAILED: "))


def test_options_of_a_campaign_that_exclude_each_other_are_errors() -> None:
    for arguments, error in (
        (("--seeds", "1-3"), "--seeds without --virtual"),
        (("--virtual", "--seeds", "3-1"), "give the first and the last"),
        (("--virtual", "--seeds", "1-3", "--seed", "0"), "--seeds with --seed"),
        (("--virtual", "--seeds", "1-3", "--trace", "x"), "replay one of the seeds with it"),
        (("--virtual", "--workers", "-1"), "--workers -1: at least 1"),
    ):
        done = lapel_fleet("run", "smoke", *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), arguments
        assert error in done.stderr

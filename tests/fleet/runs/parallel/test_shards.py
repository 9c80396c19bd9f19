"""A run in shards is the run of one process: every record, finding, sample and line."""

from pathlib import Path

import msgspec
import pytest

from fleet.runs.parallel.inline_pool import InlinePool
from fleet.runs.test_shards import chaotic_day
from lapel.errors import StorageError
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs import virtual
from lapel_fleet.runs.parallel.shards import ShardJob, run_in_shards
from lapel_fleet.runs.run import Run
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.offload import DockingStations, Offload
from lapel_fleet.scenario.scenario import Operator, Scenario, Shift, shorten
from lapel_fleet.scenario.wearer import Wearer

SIMULTANEOUS = Scenario(
    sites={"buffalo": 3, "baltimore": 2}, duration_s=300, wearer=Wearer(activations_per_hour=60, length_s=(5, 20)),
    operator=Operator(commands_per_hour=600),
    faults=[
        Fault(kind="broker.outage", at_s=60, for_s=30), Fault(kind="network.down", at_s=60, for_s=10, share=0.5),
        Fault(kind="command.duplicate", at_s=60), Fault(kind="broker.outage", at_s=200, for_s=1),
        Fault(kind="battery.cliff", at_s=250, percent=0),
    ],
)  # fmt: skip
"""Much happens to several cameras at one moment."""
SHORT_CITIES = shorten(msgspec.structs.replace(load("five-cities"), sites={"detroit": 5, "buffalo": 2}), 1800)


OFFLOAD = Scenario(
    sites={"buffalo": 3, "baltimore": 2}, duration_s=900, wearer=Wearer(activations=3, length_s=(10, 30)),
    shifts=[Shift(end_s=600, late_s=20)], offload=Offload(), faults=[Fault(kind="evidence.busy", at_s=605, for_s=20)],
)  # fmt: skip
SCENARIOS = [chaotic_day(), SIMULTANEOUS, SHORT_CITIES, OFFLOAD]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=["chaos", "moments", "cities", "offload"])
def test_shards_make_the_whole(scenario: Scenario, tmp_path: Path) -> None:
    whole = virtual.run(scenario, 11, tmp_path / "whole")
    findings = judge(whole.cases)
    run, found = run_in_shards(InlinePool(), ShardJob(scenario, 11, (0, 1)), 3, tmp_path / "merged")
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()
    assert found == findings
    assert comparable(run) == comparable(whole)


def test_cameras_that_share_a_dock_are_not_divided(tmp_path: Path) -> None:
    scenario = msgspec.structs.replace(OFFLOAD, docks=[DockingStations(bays=1, line_bps=20_000)])
    whole = virtual.run(scenario, 11, tmp_path / "whole")
    run, _ = run_in_shards(InlinePool(), ShardJob(scenario, 11, (0, 1)), 3, tmp_path / "merged")
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()
    assert run.trace_sha256 == whole.trace_sha256
    assert any("share its dock" in note for note in run.notes)


def comparable(run: Run) -> Run:
    for actual, _ in run.cases:
        actual.ledger = None
    return run


def test_a_shard_is_divided_again() -> None:
    scenario, job = SIMULTANEOUS, ShardJob(SIMULTANEOUS, 3, (1, 2))
    run, _ = run_in_shards(InlinePool(), job, 2)
    assert [actual.camera for actual, _ in run.cases] == scenario.cameras[1::2]
    assert run.trace_sha256 == virtual.run(scenario, 3, shard=(1, 2)).trace_sha256


def test_no_shard_is_without_a_camera() -> None:
    run, _ = run_in_shards(InlinePool(), ShardJob(SIMULTANEOUS, 3, (0, 1)), 99)
    assert len(run.cases) == 5


def test_the_users_own_checker_is_used(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def never_green(case):\n    yield 'as planned'\n")
    job = ShardJob(SIMULTANEOUS, 3, (0, 1), (f"{tmp_path / 'mine.py'}:never_green",))
    _, findings = run_in_shards(InlinePool(), job, 2)
    (mine,) = (one for one in findings if one.checker == "never-green")
    assert mine.failures == [f"{camera}: as planned" for camera in SIMULTANEOUS.cameras]


def test_progress_is_that_of_all() -> None:
    seen: list[tuple[float, int]] = []
    run_in_shards(
        InlinePool(), ShardJob(SIMULTANEOUS, 3, (0, 1)), 2,
        progress=lambda share, _, states, *__: seen.append((share, sum(states.values()))),
    )  # fmt: skip
    assert seen == sorted(seen)
    assert seen[-1] == (1.0, 5)


def test_a_trace_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        run_in_shards(InlinePool(), ShardJob(SIMULTANEOUS, 3, (0, 1)), 2, tmp_path / "no" / "folder")

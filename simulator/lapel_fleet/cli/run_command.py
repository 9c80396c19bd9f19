"""`lapel-fleet run`: runs a scenario in virtual, live or stepped time, and prints the verdict.

Exit codes: 0 passed, 1 a checker failed, 2 the scenario or an option cannot be used, 3 inconclusive (the broker
or a worker is gone, the machine is too slow for real time), or a file cannot be written, 4 no broker.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from lapel.clock import Clock, SystemClock
from lapel.errors import ConfigError
from lapel_fleet import report
from lapel_fleet.broker.address import Address
from lapel_fleet.checkers.expectations import judge_expectations
from lapel_fleet.checkers.records import Checker
from lapel_fleet.checkers.registry import judge
from lapel_fleet.cli import shrink_command
from lapel_fleet.cli.campaign_command import run_campaign
from lapel_fleet.cli.destination_options import destination_of
from lapel_fleet.cli.replay import replay_options
from lapel_fleet.cli.run_options import chosen_scenario, shard_of
from lapel_fleet.control.socket import run_directory
from lapel_fleet.control.socket.server import control_socket
from lapel_fleet.runs import chaos, live, virtual
from lapel_fleet.runs.control import OpenControl, no_control
from lapel_fleet.runs.live_view import OpenLiveView, live_view_at, no_live_view
from lapel_fleet.runs.observer import Observe, no_observer
from lapel_fleet.runs.parallel.local_pool import local_pool
from lapel_fleet.runs.parallel.pool import Pool
from lapel_fleet.runs.parallel.shards import ShardJob, all_checkers, run_in_shards
from lapel_fleet.runs.run import Run
from lapel_fleet.runs.stepped_run import run_stepped
from lapel_fleet.runs.worker_hosts import WorkerHosts
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.durations import seconds_of

INCONCLUSIVE = 3
_EXIT_CODES = {"passed": 0, "failed": 1, "inconclusive": INCONCLUSIVE}


def run(options: argparse.Namespace) -> int:
    """Run the scenario with one seed, or one seed after the other. Returns the exit code."""
    scenario = chosen_scenario(options)
    checkers = all_checkers(tuple(options.checker))
    clock = SystemClock()
    with _pool(options) as pool:
        if options.seeds:
            return _EXIT_CODES[run_campaign(options, scenario, pool, clock)]
        return _run_seeds(options, scenario, checkers, pool, clock)


def _run_seeds(
    options: argparse.Namespace, scenario: Scenario, checkers: Mapping[str, Checker], pool: Pool, clock: Clock
) -> int:
    code = 0
    for seed in _seeds(options, clock):
        result = _run_and_judge(options, _with_chaos(options, scenario, seed), seed, checkers, pool, clock)
        print(report.as_json(result) if options.json else report.as_text(result), flush=True)
        if options.junit:
            report.write_junit(options.junit, result)
        if options.report:
            report.write_page(options.report, result)
        code = _EXIT_CODES[result.verdict]
        if code:
            _follow_up(options, scenario, result, checkers, clock)
            break
    return code


def _follow_up(
    options: argparse.Namespace,
    scenario: Scenario,
    result: report.Result,
    checkers: Mapping[str, Checker],
    clock: Clock,
) -> None:
    """Shrink a run that failed, or print how to."""
    out = sys.stderr if options.json else sys.stdout
    if result.verdict != "failed":
        return
    if options.shrink:
        shrink_command.shrink_failure(
            options.shrink, _with_chaos(options, scenario, result.run.seed), result, checkers, clock, out,
            options=" ".join(["--virtual", *(f"--checker {name}" for name in options.checker)]),
        )  # fmt: skip
    elif options.chaos and options.virtual and not options.json:
        print("--shrink FILE finds the fewest faults and cameras that still fail", file=sys.stderr, flush=True)


def _with_chaos(options: argparse.Namespace, scenario: Scenario, seed: int) -> Scenario:
    return chaos.with_chaos(scenario, seed) if options.chaos else scenario


def _seeds(options: argparse.Namespace, clock: Clock) -> Iterator[int]:
    """One seed; with `--for`, one after the other until the time is up."""
    seed = secrets.randbits(31) if options.seed is None else options.seed
    yield seed
    if options.for_:
        deadline_s = clock.mono_s() + seconds_of(options.for_, "--for")
        while clock.mono_s() < deadline_s:
            seed += 1
            yield seed


def _pool(options: argparse.Namespace) -> AbstractContextManager[Pool]:
    """The workers of a virtual run. Processes here start when they are needed: not for a single one."""
    if options.dask and options.virtual:
        with _dask_installed():
            from lapel_fleet.runs.parallel.dask_pool import dask_pool
        return dask_pool(options.dask)
    return local_pool(options.workers or 1)


def _hosts(options: argparse.Namespace) -> AbstractContextManager[WorkerHosts | None]:
    """The cluster whose workers have the cameras of a live run; None: this machine has them."""
    if not options.dask:
        return nullcontext()
    with _dask_installed():
        from lapel_fleet.runs.parallel.dask_hosts import dask_hosts
    return dask_hosts(options.dask)


@contextmanager
def _dask_installed() -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise ConfigError("--dask needs one more package: pip install 'lapel[cluster]'") from None


def _run_and_judge(
    options: argparse.Namespace,
    scenario: Scenario,
    seed: int,
    checkers: Mapping[str, Checker],
    pool: Pool,
    clock: Clock,
) -> report.Result:
    shard = shard_of(options.shard)
    if not options.json:
        count = len(scenario.cameras[shard[0] :: shard[1]])
        print(f"{options.scenario}: {count} camera{'s' if count > 1 else ''}, seed {seed}", flush=True)
    began_s = clock.mono_s()
    with report.progress(sys.stderr, clock, quiet=options.json) as progress:
        if options.virtual and (options.dask or pool.size > 1):
            job = ShardJob(scenario, seed, shard, tuple(options.checker))
            done, findings = run_in_shards(pool, job, pool.shards, options.trace, progress.update)
        else:
            with _control(options, seed, checkers) as open_control, _metrics(options) as observe:
                done = _run_once(options, scenario, seed, shard, progress, open_control, observe)
            findings = judge(done.cases, checkers)
    return report.Result(
        scenario=options.scenario, run=done, findings=findings + judge_expectations(done.cases, scenario.expect),
        took_s=clock.mono_s() - began_s,
        faults=[*([] if options.stepped else scenario.faults), *done.manual_faults], trace=options.trace,
        options=replay_options(options),
    )  # fmt: skip


def _run_once(
    options: argparse.Namespace,
    scenario: Scenario,
    seed: int,
    shard: tuple[int, int],
    progress: report.Progress,
    open_control: OpenControl,
    observe: Observe,
) -> Run:
    if options.virtual:
        return virtual.run(scenario, seed, options.trace, progress.update, shard=shard)
    address = Address(
        url=options.broker, ca=options.ca, identities=options.identities, allow_plain=options.allow_plain
    ) if options.broker else None  # fmt: skip
    if options.stepped:
        return asyncio.run(run_stepped(scenario, seed, open_control, address, options.agency, options.trace))
    live_options = live.LiveOptions(
        address=address,
        agency=options.agency,
        bind_addresses=options.bind_addresses,
        speed=options.speed,
        workers=options.workers,
        shard=shard,
        clip=options.clip,
        evidence=options.evidence,
        destination=destination_of(options),
    )
    with _hosts(options) as hosts:
        return asyncio.run(
            live.run_live(
                scenario, seed, live_options, options.trace, progress.update, open_control, observe,
                _live_view(options), hosts,
            )
        )  # fmt: skip


@contextmanager
def _metrics(options: argparse.Namespace) -> Iterator[Observe]:
    """Serve metrics during the run, if they were asked for, and print where."""
    if options.metrics is None:
        yield no_observer
        return
    try:
        from lapel_fleet.operator.metrics.serving import served_metrics
    except ImportError:
        raise ConfigError("--metrics needs one more package: pip install 'lapel[fleet]'") from None
    with served_metrics(options.metrics) as (observe, port):
        out = sys.stderr if options.json else sys.stdout
        print(f"metrics: http://127.0.0.1:{port}/metrics", file=out, flush=True)
        yield observe


def _live_view(options: argparse.Namespace) -> OpenLiveView:
    """Live view of the cameras, if it was asked for; prints where."""
    if options.live is None:
        return no_live_view
    out = sys.stderr if options.json else sys.stdout
    return live_view_at(options.live, options.live_tokens, partial(print, file=out, flush=True))


@contextmanager
def _control(options: argparse.Namespace, seed: int, checkers: Mapping[str, Checker]) -> Iterator[OpenControl]:
    """Open the control socket of a run that has one, and print how to use it."""
    run_id = options.run or (run_directory.new_id() if options.stepped else None)
    if run_id is None:
        yield no_control
        return
    with control_socket(run_id, options.scenario, seed, lambda cases: judge(cases, checkers)) as open_control:
        out = sys.stderr if options.json else sys.stdout
        print(f"run {run_id}: control it with `lapel-fleet status --run {run_id}` and the like", file=out, flush=True)
        yield open_control

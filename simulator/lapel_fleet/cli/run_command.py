"""`lapel-fleet run`: a scenario in any kind of time, with a verdict. Seed after seed, where asked.

Exit codes: 0 passed, 1 a checker found something, 2 the scenario or an option cannot be used, 3 inconclusive (the
broker gone, real time lost) or a file that cannot be written, 4 no broker.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from lapel.clock import Clock, SystemClock
from lapel_fleet import report
from lapel_fleet.broker.address import Address
from lapel_fleet.checkers import custom
from lapel_fleet.checkers.expectations import judge_expectations
from lapel_fleet.checkers.records import Checker
from lapel_fleet.checkers.registry import CHECKERS, judge
from lapel_fleet.cli import shrink_command
from lapel_fleet.cli.run_options import scenario_wanted, shard_of
from lapel_fleet.control.socket import run_directory
from lapel_fleet.control.socket.server import control_socket
from lapel_fleet.runs import chaos, live, virtual
from lapel_fleet.runs.control import OpenControl, no_control
from lapel_fleet.runs.run import Run
from lapel_fleet.runs.stepped_run import run_stepped
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.durations import seconds_of

INCONCLUSIVE = 3


def run(options: argparse.Namespace) -> int:
    """Do it. The exit code."""
    wanted = scenario_wanted(options)
    checkers = {**CHECKERS, **custom.loaded(options.checker)}
    clock = SystemClock()
    code = 0
    for seed in _seeds(options, clock):
        result = _one(options, _with_chaos(options, wanted, seed), seed, checkers, clock)
        print(report.as_json(result) if options.json else report.as_text(result), flush=True)
        if options.junit:
            report.write_junit(options.junit, result)
        if options.report:
            report.write_page(options.report, result)
        code = {"passed": 0, "failed": 1, "inconclusive": INCONCLUSIVE}[result.verdict]
        if code:
            _follow_up(options, wanted, result, checkers, clock)
            break
    return code


def _follow_up(
    options: argparse.Namespace,
    wanted: Scenario,
    result: report.Result,
    checkers: Mapping[str, Checker],
    clock: Clock,
) -> None:
    """After a run that failed: shrink it, or say how to."""
    out = sys.stderr if options.json else sys.stdout
    if result.verdict != "failed":
        return
    if options.shrink:
        scenario = _with_chaos(options, wanted, result.run.seed)
        shrink_command.shrink_failure(
            options.shrink, scenario, result, checkers, clock, out,
            options=" ".join(["--virtual", *(f"--checker {name}" for name in options.checker)]),
        )  # fmt: skip
    elif options.chaos and options.virtual and not options.json:
        print("--shrink FILE finds the fewest faults and cameras that still fail", file=sys.stderr, flush=True)


def _with_chaos(options: argparse.Namespace, wanted: Scenario, seed: int) -> Scenario:
    return chaos.with_chaos(wanted, seed) if options.chaos else wanted


def _seeds(options: argparse.Namespace, clock: Clock) -> Iterator[int]:
    """One; or one after the other until the time is up."""
    seed = secrets.randbits(31) if options.seed is None else options.seed
    yield seed
    if options.for_:
        deadline_s = clock.mono_s() + seconds_of(options.for_, "--for")
        while clock.mono_s() < deadline_s:
            seed += 1
            yield seed


def _one(
    options: argparse.Namespace, wanted: Scenario, seed: int, checkers: dict[str, Checker], clock: Clock
) -> report.Result:
    shard = shard_of(options.shard)
    if not options.json:
        count = len(wanted.cameras[shard[0] :: shard[1]])
        print(f"{options.scenario}: {count} camera{'s' if count > 1 else ''}, seed {seed}", flush=True)
    began_s = clock.mono_s()
    with report.progress(sys.stderr, clock, quiet=options.json) as progress:
        with _controlled(options, seed, checkers) as open_control:
            done = _done(options, wanted, seed, shard, progress, open_control)
    findings = judge(done.cases, checkers) + judge_expectations(done.cases, wanted.expect)
    return report.Result(
        scenario=options.scenario, run=done, findings=findings, took_s=clock.mono_s() - began_s,
        faults=[*([] if options.stepped else wanted.faults), *done.manual_faults], trace=options.trace,
        options=_replayed(options),
    )  # fmt: skip


def _done(
    options: argparse.Namespace,
    wanted: Scenario,
    seed: int,
    shard: tuple[int, int],
    progress: report.Progress,
    open_control: OpenControl,
) -> Run:
    if options.virtual:
        return virtual.run(wanted, seed, options.trace, progress.update, shard=shard)
    address = Address(
        url=options.broker, ca=options.ca, identities=options.identities, allow_plain=options.allow_plain
    ) if options.broker else None  # fmt: skip
    if options.stepped:
        return asyncio.run(run_stepped(wanted, seed, open_control, address, options.agency, options.trace))
    how = live.Live(
        address=address,
        agency=options.agency,
        speed=options.speed,
        workers=options.workers,
        shard=shard,
        clip=options.clip,
        evidence=options.evidence,
    )
    return asyncio.run(live.run_live(wanted, seed, how, options.trace, progress.update, open_control))


@contextmanager
def _controlled(options: argparse.Namespace, seed: int, checkers: Mapping[str, Checker]) -> Iterator[OpenControl]:
    """The control socket of a run that has one; prints how to use it."""
    run_id = options.run or (run_directory.new_id() if options.stepped else None)
    if run_id is None:
        yield no_control
        return
    with control_socket(run_id, options.scenario, seed, lambda cases: judge(cases, checkers)) as open_control:
        out = sys.stderr if options.json else sys.stdout
        print(f"run {run_id}: control it with `lapel-fleet status --run {run_id}` and the like", file=out, flush=True)
        yield open_control


def _replayed(options: argparse.Namespace) -> str:
    """The options that the replay line needs beside scenario and seed."""
    options_ = [
        "--virtual" if options.virtual else "",
        "--stepped" if options.stepped else "",
        f"--run {options.run}" if options.run else "",
        f"--speed {options.speed:g}" if options.speed != 1 else "",
        "--chaos" if options.chaos else "",
        f"--media {options.media}" if options.media else "",
        f"--duration {options.duration}" if options.duration else "",
        f"--shard {options.shard}" if options.shard != "1/1" else "",
        f"--broker {options.broker.rpartition('@')[2]}" if options.broker else "",
        *(f"--checker {name}" for name in options.checker),
    ]
    return " ".join(filter(None, options_))

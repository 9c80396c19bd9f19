"""`lapel-fleet run`: a scenario in any kind of time, with a verdict. Seed after seed, where asked.

Exit codes: 0 passed, 1 a checker found something, 2 the scenario or an option cannot be used, 3 inconclusive (the
broker gone, real time lost) or a file that cannot be written, 4 no broker.
"""

import argparse
import asyncio
import re
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from lapel.clock import Clock, SystemClock
from lapel.errors import ConfigError
from lapel_fleet import faults, live, report, virtual
from lapel_fleet import scenario as scenarios
from lapel_fleet.address import Address
from lapel_fleet.checkers import own
from lapel_fleet.checkers.expectations import judge_expectations
from lapel_fleet.checkers.fleet import CHECKERS, judge
from lapel_fleet.checkers.ledger import Checker
from lapel_fleet.run import Run
from lapel_fleet.scenario import Scenario
from lapel_fleet.steering import place
from lapel_fleet.steering.server import steering
from lapel_fleet.steering.steerable import Steer, nobody
from lapel_fleet.stepped_run import run_stepped
from lapel_fleet.world import World

INCONCLUSIVE = 3
_UNITS_S = {"s": 1, "m": 60, "h": 3600}


def add_run(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("scenario", help=f"{', '.join(scenarios.names())}, or a TOML file")
    time = parser.add_argument_group("time")
    time.add_argument("--virtual", action="store_true", help="in virtual time, on a broker in memory: nothing waits")
    time.add_argument("--stepped", action="store_true", help="time stands still until `lapel-fleet advance`")
    time.add_argument("--speed", type=float, default=1.0, metavar="X", help="live, so many times as fast as real time")
    time.add_argument("--run", metavar="ID", help="stepped or live: a name by which it can be steered meanwhile")
    chance = parser.add_argument_group("chance")
    chance.add_argument("--seed", type=int, help="replays a run; drawn and printed when not given")
    chance.add_argument("--chaos", action="store_true", help="faults drawn from the seed, beside the scenario's own")
    chance.add_argument("--for", dest="for_", metavar="TIME", help="seed after seed until one fails or 90s, 10m, 2h")
    who = parser.add_argument_group("cameras and broker")
    who.add_argument("--media", choices=("none", "clip", "pixels"), help="what cameras film, instead of the scenario's")
    who.add_argument("--clip", default="", metavar="FILE", help="live: a video of your own for media `clip`")
    who.add_argument("--evidence", default="", metavar="DIR", help="live: keep recordings with pictures there")
    who.add_argument("--duration", metavar="TIME", help="of the cameras' time, instead of the scenario's")
    who.add_argument("--shard", default="1/1", metavar="I/N", help="only every N-th camera, from the I-th on")
    who.add_argument(
        "--workers", type=int, default=0, metavar="N", help="live: processes (default: as many as it takes)"
    )
    who.add_argument("--broker", metavar="URL", help="live: somebody's broker instead of one of our own")
    who.add_argument("--ca", default="", help="file of the authority that signed the broker's certificate")
    who.add_argument("--identities", default="", metavar="DIR", help="as `lapel-fleet provision` makes them")
    who.add_argument("--agency", default="", help="first level of the cameras' topics (default: one of the run's own)")
    who.add_argument("--allow-plain", action="store_true", help="allow mqtt:// to other machines")
    told = parser.add_argument_group("results")
    told.add_argument("--checker", action="append", default=[], metavar="MODULE:FUNCTION", help="one of your own")
    told.add_argument("--trace", type=Path, metavar="FILE", help="write what happened there, a line each")
    told.add_argument("--junit", type=Path, metavar="FILE", help="write the verdicts there, as JUnit XML")
    told.add_argument("--report", type=Path, metavar="DIR", help="write a page with plots there, and the same as JSON")
    told.add_argument("--json", action="store_true", help="say the result as JSON, and nothing else")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Do it. The exit code."""
    wanted = _wanted(options)
    checkers = {**CHECKERS, **own.loaded(options.checker)}
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
            break
    return code


def _wanted(options: argparse.Namespace) -> Scenario:
    """The scenario, with what the options change. Raises ConfigError for options that do not go together."""
    wanted = scenarios.load(options.scenario)
    if options.virtual and (options.broker or options.identities):
        raise ConfigError(
            "--virtual with --broker: in virtual time a day passes in seconds, and no real broker can keep up: its "
            "time-outs would come before its answers. Run live (--speed X for faster), or leave --broker away"
        )
    _refuse_senseless(options)
    if options.virtual and options.speed != 1:
        raise ConfigError("--virtual with --speed: virtual time is as fast as it can be; leave one away")
    if not 0 < options.speed <= 1000:
        raise ConfigError(f"--speed {options.speed:g}: more than 0, at most 1000")
    if options.media:
        wanted = msgspec.structs.replace(wanted, media=options.media)
    if options.duration:
        wanted = scenarios.shortened(wanted, seconds_of(options.duration, "--duration"))
    if options.virtual and wanted.media == "pixels":
        raise ConfigError('media "pixels" with --virtual: pictures are drawn in real time; run live, or use "clip"')
    return wanted


def _refuse_senseless(options: argparse.Namespace) -> None:
    """Raise ConfigError for options that mean nothing to those who steer."""
    for option, (others, why) in _SENSELESS.items():
        for other in others if _is_given(options, option) else ():
            if _is_given(options, other):
                raise ConfigError(f"--{option} with --{other.rstrip('_')}: {why}; leave one away")


_SENSELESS: Mapping[str, tuple[Sequence[str], str]] = {
    "stepped": (
        ("virtual", "speed", "chaos", "for_", "duration", "shard", "workers", "clip", "evidence"),
        "time stands still, and nobody acts by himself",
    ),
    "run": (("virtual", "for_"), "nobody outside can keep up with such a run"),
}


def _is_given(options: argparse.Namespace, name: str) -> bool:
    usual = {"speed": 1.0, "shard": "1/1"}
    value = getattr(options, name)
    return bool(value != usual[name] if name in usual else value)


def _with_chaos(options: argparse.Namespace, wanted: Scenario, seed: int) -> Scenario:
    if not options.chaos:
        return wanted
    drawn = faults.drawn(wanted, World(seed).chance("fleet", "chaos"))
    return msgspec.structs.replace(wanted, faults=[*wanted.faults, *drawn])


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
    shard = _shard(options.shard)
    if not options.json:
        count = len(wanted.cameras[shard[0] :: shard[1]])
        print(f"{options.scenario}: {count} camera{'s' if count > 1 else ''}, seed {seed}", flush=True)
    began_s = clock.mono_s()
    with report.progress(sys.stderr, clock, quiet=options.json) as progress:
        with _steered(options, seed, checkers) as steer:
            done = _done(options, wanted, seed, shard, progress, steer)
    findings = judge(done.cases, checkers) + judge_expectations(done.cases, wanted.expect)
    return report.Result(
        scenario=options.scenario, run=done, findings=findings, took_s=clock.mono_s() - began_s,
        faults=[*([] if options.stepped else wanted.faults), *done.by_hand], trace=options.trace,
        options=_replayed(options),
    )  # fmt: skip


def _done(
    options: argparse.Namespace,
    wanted: Scenario,
    seed: int,
    shard: tuple[int, int],
    progress: report.Progress,
    steer: Steer,
) -> Run:
    if options.virtual:
        return virtual.run(wanted, seed, options.trace, progress.update, shard=shard)
    address = Address(
        url=options.broker, ca=options.ca, identities=options.identities, allow_plain=options.allow_plain
    ) if options.broker else None  # fmt: skip
    if options.stepped:
        return asyncio.run(run_stepped(wanted, seed, steer, address, options.agency, options.trace))
    how = live.Live(
        address=address,
        agency=options.agency,
        speed=options.speed,
        workers=options.workers,
        shard=shard,
        clip=options.clip,
        evidence=options.evidence,
    )
    return asyncio.run(live.run_live(wanted, seed, how, options.trace, progress.update, steer))


@contextmanager
def _steered(options: argparse.Namespace, seed: int, checkers: Mapping[str, Checker]) -> Iterator[Steer]:
    """Where somebody may steer, he is told how to."""
    run_id = options.run or (place.drawn_id() if options.stepped else None)
    if run_id is None:
        yield nobody
        return
    with steering(run_id, options.scenario, seed, lambda cases: judge(cases, checkers)) as steer:
        told = sys.stderr if options.json else sys.stdout
        print(f"run {run_id}: steer it with `lapel-fleet status --run {run_id}` and the like", file=told, flush=True)
        yield steer


def _replayed(options: argparse.Namespace) -> str:
    """What the line that replays it needs beside scenario and seed."""
    said = [
        "--virtual" if options.virtual else "",
        "--stepped" if options.stepped else "",
        f"--speed {options.speed:g}" if options.speed != 1 else "",
        "--chaos" if options.chaos else "",
        f"--media {options.media}" if options.media else "",
        f"--duration {options.duration}" if options.duration else "",
        f"--shard {options.shard}" if options.shard != "1/1" else "",
        f"--broker {options.broker.rpartition('@')[2]}" if options.broker else "",
        *(f"--checker {name}" for name in options.checker),
    ]
    return " ".join(filter(None, said))


def seconds_of(text: str, option: str) -> float:
    """`90`, `90s`, `10m` or `2h`. Raises ConfigError naming `option`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if found is None:
        raise ConfigError(f"{option} {text}: a time is wanted, as in 90s, 10m or 2h")
    return float(found[1]) * _UNITS_S[found[2] or "s"]


def _shard(text: str) -> tuple[int, int]:
    """`2/4` as (1, 4)."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigError(f"--shard {text}: I/N is wanted, with I from 1 to N")
    return int(found[1]) - 1, int(found[2])

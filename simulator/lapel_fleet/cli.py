"""`lapel-fleet`: simulated cameras.

Exit codes: 0 all well, 1 a verdict against a recording or a camera, 2 bad input, 3 no room for evidence, 4 no broker.
"""

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from lapel.clock import SystemClock
from lapel.errors import ConfigError, LapelError


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code; every foreseen failure is one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except LapelError as error:
        print(f"lapel-fleet: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("lapel-fleet: interrupted; the recordings so far are finished and kept", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("lapel-fleet", description="Cameras that run the real firmware, simulated.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="four cameras, a broker, and a minute in which things happen")
    demo.add_argument("--video", default="scene", help="a file, device or address instead of the drawn street")
    demo.add_argument("--evidence", type=Path, help="where the recordings go (default: evidence/TIME)")
    demo.add_argument("--picture", type=Path, help="write the screen in mid-story there, as SVG")
    demo.set_defaults(command=_demo)
    _add_run(commands.add_parser("run", help="a scenario: a fleet, its wearers, what goes wrong, and a verdict"))
    _add_provision(commands.add_parser("provision", help="certificates for a fleet, and a Mosquitto that demands them"))
    _add_controller(commands)
    return parser


def _add_controller(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from lapel_fleet.controller.cli import add_commands

    add_commands(commands)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", help="smoke, five-cities, nationwide, broker-storm, bad-day, or a TOML file")
    parser.add_argument("--virtual", action="store_true", help="in virtual time, on a link in memory")
    parser.add_argument("--seed", type=int, help="replays a run; drawn and printed when not given")
    parser.add_argument("--chaos", type=int, default=1, metavar="RUNS", help="seed after seed until one fails")
    parser.add_argument("--trace", type=Path, help="write what happened there, a line each")
    parser.add_argument("--junit", type=Path, help="write the verdicts there, as JUnit XML")
    parser.add_argument("--json", action="store_true", help="say the result as JSON")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from lapel_fleet import report, scenario
    from lapel_fleet.checkers.fleet import judge
    from lapel_fleet.fleet import run

    wanted = scenario.load(options.scenario)
    if not options.virtual:
        raise ConfigError("live and stepped runs are still to be built; add --virtual")
    if options.chaos < 1:
        raise ConfigError(f"--chaos {options.chaos}: at least one run")
    first = secrets.randbits(31) if options.seed is None else options.seed
    for seed in range(first, first + options.chaos):
        if not options.json:
            print(f"{options.scenario}: {len(wanted.cameras)} cameras, seed {seed}", flush=True)
        clock = SystemClock()
        began_s = clock.mono_s()
        done = run(wanted, seed, options.trace, report.progress_line(sys.stderr))
        result = report.Result(options.scenario, done, judge(done.cases), clock.mono_s() - began_s)
        print(report.as_json(result) if options.json else report.as_text(result))
        if options.junit:
            report.write_junit(options.junit, result)
        if not result.passed:
            return 1
    return 0


def _add_provision(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sites", nargs="+", default=[], metavar="SITE=CAMERAS", help="baltimore=3, or buffalo=a,b")
    parser.add_argument("--agency", default="demo", help="who answers for the cameras (default: demo)")
    parser.add_argument("--operator", nargs="+", default=["fleet"], metavar="NAME", help="who may hear all and command")
    parser.add_argument("--out", type=Path, default=Path("fleet-identities"), help="the folder (default: %(default)s)")
    parser.add_argument("--host", nargs="+", default=[], help="names or addresses by which cameras reach the broker")
    parser.add_argument("--days", type=int, default=365, help="how long an identity lasts (default: %(default)s)")
    parser.add_argument("--revoke", nargs="+", default=[], metavar="AGENCY/SITE/CAMERA", help="from the next start on")
    parser.add_argument("--port", type=int, default=8883, help="where the broker listens (default: %(default)s)")
    parser.add_argument("--bind", default="127.0.0.1", help="on which address (default: this machine only)")
    parser.add_argument("--serve", action="store_true", help="start that broker, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="say what there is as JSON")
    parser.set_defaults(command=_provision)


def _provision(options: argparse.Namespace) -> int:
    from lapel_fleet.broker import serve
    from lapel_fleet.provision import Authority, cameras_of

    cameras = cameras_of(options.agency, options.sites)
    authority = Authority(options.out, SystemClock().now().utc)
    if options.revoke:
        authority.revoke(options.revoke)
    done = authority.provision(cameras, options.operator, options.host, options.days)
    config = authority.configure(options.port, options.bind)
    if options.json:
        counts = {"made": done.made, "kept": done.kept, "revoked": done.revoked}
        print(json.dumps({"folder": str(done.folder), "mosquitto": str(config), **counts}))
    else:
        print(f"{done.folder}: {done.made} identities made, {done.kept} kept, {done.revoked} revoked")
        print(f"a broker that believes them: mosquitto -c {config}")
    return serve(config) if options.serve else 0


def _demo(options: argparse.Namespace) -> int:
    try:
        from rich.console import Console
    except ImportError:
        print("lapel-fleet: needs more than the camera does: pip install 'lapel[fleet]'", file=sys.stderr)
        return 2
    from lapel_fleet.demo import run

    root = options.evidence or Path("evidence") / f"{SystemClock().now().utc:%Y%m%dT%H%M%SZ}"
    return asyncio.run(run(options.video, root, Console(), options.picture))

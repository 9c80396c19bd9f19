"""`lapel-fleet`: simulated cameras.

Exit codes: 0 all well, 1 a verdict against a recording or a camera, or practice given up, 2 bad input, 3 inconclusive
or a file that cannot be written, 4 no broker.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lapel.clock import SystemClock
from lapel.errors import LapelError
from lapel_fleet.cli.run_options import add_run
from lapel_fleet.control.socket.cli import add_control
from lapel_fleet.operator.cli import add_commands
from lapel_fleet.training.cli import add_practice


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code; every foreseen failure is one line on standard error. A reader that went
    away, as `| head` does, is none.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except LapelError as error:
        print(f"lapel-fleet: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return 0
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
    add_run(commands.add_parser("run", help="a scenario: a fleet, its wearers, what goes wrong, and a verdict"))
    _add_provision(commands.add_parser("provision", help="certificates for a fleet, and a Mosquitto that demands them"))
    add_commands(commands)
    add_control(commands)
    add_practice(commands.add_parser("practice", help="mend a camera with a field problem, at its serial console"))
    return parser


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
    from lapel_fleet.broker.authority import Authority
    from lapel_fleet.broker.embedded import run_mosquitto
    from lapel_fleet.broker.identity import camera_identities
    from lapel_fleet.broker.mosquitto_conf import write_mosquitto_conf

    cameras = camera_identities(options.agency, options.sites)
    authority = Authority(options.out, SystemClock().now().utc)
    if options.revoke:
        authority.revoke(options.revoke)
    done = authority.provision(cameras, options.operator, options.host, options.days)
    config = write_mosquitto_conf(authority, options.port, options.bind)
    if options.json:
        counts = {"made": done.made, "kept": done.kept, "revoked": done.revoked}
        print(json.dumps({"folder": str(done.folder), "mosquitto": str(config), **counts}))
    else:
        print(f"{done.folder}: {done.made} identities made, {done.kept} kept, {done.revoked} revoked")
        print(f"a broker that believes them: mosquitto -c {config}")
    return run_mosquitto(config) if options.serve else 0


def _demo(options: argparse.Namespace) -> int:
    try:
        from rich.console import Console
    except ImportError:
        print("lapel-fleet: needs more than the camera does: pip install 'lapel[fleet]'", file=sys.stderr)
        return 2
    from lapel_fleet.cli.demo import run

    root = options.evidence or Path("evidence") / f"{SystemClock().now().utc:%Y%m%dT%H%M%SZ}"
    return asyncio.run(run(options.video, root, Console(), options.picture))

"""The command `lapel-fleet`. Each room adds its own subcommands.

Exit codes: 0 success, 1 a checker failed, or practice was given up, 2 bad input, 3 inconclusive, or a file cannot be
written, 4 no broker.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lapel.clock import SystemClock
from lapel.completion import add_completion
from lapel.errors import LapelError
from lapel.sanitize import plain
from lapel_fleet.broker.cli import add_provision
from lapel_fleet.cli.policy_diff.cli import add_policy_diff
from lapel_fleet.cli.run_options import add_options
from lapel_fleet.control.conformance.cli import add_conformance
from lapel_fleet.control.conformance.mutants_cli import add_mutants
from lapel_fleet.control.socket.cli import add_control
from lapel_fleet.operator.cli import add_commands
from lapel_fleet.operator.page.cli import add_serve
from lapel_fleet.operator.page.daily_cli import add_daily
from lapel_fleet.runs.evidence_back_end.cli import add_evidence_server
from lapel_fleet.training.cli import add_practice

if TYPE_CHECKING:
    from lapel_fleet.control.socket.page_control import SocketRunControl


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit code; every foreseen failure is one line on standard error. A reader of the
    output that goes away, such as `| head`, is not a failure.
    """
    try:
        options = _parser().parse_args(arguments)
        return int(options.command(options))
    except LapelError as error:
        print(f"lapel-fleet: {plain(str(error))}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at exit
        return 0
    except KeyboardInterrupt:
        print("lapel-fleet: interrupted; the recordings so far are finished and kept", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("lapel-fleet", description="Simulated cameras that run the real firmware.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="run four cameras and a broker for a minute, and judge their recordings")
    demo.add_argument("--video", default="scene", help="a file, device or address instead of the drawn street")
    demo.add_argument("--evidence", type=Path, help="folder for the recordings (default: evidence/TIME)")
    demo.add_argument("--picture", type=Path, metavar="FILE", help="write an SVG of the screen at half time")
    demo.set_defaults(command=_demo)
    run = commands.add_parser("run", help="run a scenario, and judge what the cameras did")
    add_options(run)
    run.set_defaults(command=_run)
    add_provision(commands.add_parser("provision", help="make certificates, and configure a Mosquitto to require them"))
    add_commands(commands)
    add_serve(
        commands.add_parser("serve", help="the operator's web page: the fleet, each camera, commands, history"),
        _run_control,
    )
    add_daily(commands.add_parser("daily", help="report on a day: what should have been recorded and was not"))
    add_control(commands)
    add_conformance(commands.add_parser("conformance", help="examine your back end in named situations of the field"))
    add_evidence_server(commands.add_parser("evidence-server", help="an evidence back end to develop against"))
    add_mutants(commands.add_parser("mutants", help="plant bugs in a back end, and see which situations catch them"))
    add_practice(commands.add_parser("practice", help="repair a camera with a field problem at its serial console"))
    add_policy_diff(commands.add_parser("policy-diff", help="the same day under two policy profiles: what differs"))
    add_completion(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    from lapel_fleet.cli.run_command import run  # imports much that `lapel-fleet press` and the like do not need

    return run(options)


def _run_control(run_id: str) -> "SocketRunControl":
    from lapel_fleet.control.socket.page_control import socket_run_control

    return socket_run_control(run_id)


def _demo(options: argparse.Namespace) -> int:
    try:
        from rich.console import Console
    except ImportError:
        print("lapel-fleet: the demonstration needs more packages: pip install 'lapel[fleet]'", file=sys.stderr)
        return 2
    from lapel_fleet.cli.demo import run

    root = options.evidence or Path("evidence") / f"{SystemClock().now().utc:%Y%m%dT%H%M%SZ}"
    return asyncio.run(run(options.video, root, Console(), options.picture))

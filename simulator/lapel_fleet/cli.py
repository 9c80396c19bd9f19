"""`lapel-fleet`: simulated cameras.

Exit codes: 0 all well, 1 a verdict against a recording, 2 bad input, 3 no room for evidence, 4 no broker.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from lapel.clock import SystemClock
from lapel.errors import LapelError


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
    return parser


def _demo(options: argparse.Namespace) -> int:
    try:
        from rich.console import Console
    except ImportError:
        print("lapel-fleet: needs more than the camera does: pip install 'lapel[fleet]'", file=sys.stderr)
        return 2
    from lapel_fleet.demo import run

    root = options.evidence or Path("evidence") / f"{SystemClock().now().utc:%Y%m%dT%H%M%SZ}"
    return asyncio.run(run(options.video, root, Console(), options.picture))

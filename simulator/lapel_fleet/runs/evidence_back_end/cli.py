"""`lapel-fleet evidence-server`: an evidence back end to develop against."""

import argparse
import asyncio
import signal
from pathlib import Path

from lapel.errors import ConfigError
from lapel.sanitize import plain
from lapel_fleet.scenario.evidence_faults import EVIDENCE_FAULTS

_PORT = "8091"


def add_evidence_server(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lapel-fleet evidence-server`."""
    parser.description = (
        "Serves an evidence back end on this machine: the server's half of the Axis Body worn integration API. What "
        "it receives lies in the folder as files, and so does connection.json, which the camera needs."
    )
    parser.add_argument(
        "--dir", type=Path, default=Path("evidence-back-end"), metavar="DIR",
        help="what it keeps (default: %(default)s; made if it is not there)",
    )  # fmt: skip
    parser.add_argument(
        "--port", default=_PORT, metavar="[HOST:]PORT", help="where it listens (default: %(default)s; 0: any free one)"
    )
    parser.add_argument("--cert", type=Path, metavar="FILE", help="certificate; needed to listen beyond this machine")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the certificate's private key")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME[=TIMES]", help="repeatable; see --list-faults"
    )
    parser.add_argument("--list-faults", action="store_true", help="print the faults, and what each does")
    parser.add_argument("--quiet", action="store_true", help="do not print a line for each request")
    parser.set_defaults(command=_evidence_server)


def _evidence_server(options: argparse.Namespace) -> int:
    if options.list_faults:
        width = max(map(len, EVIDENCE_FAULTS))
        print("\n".join(f"{name:<{width}}  {meaning}" for name, meaning in EVIDENCE_FAULTS.items()))
        return 0
    try:
        asyncio.run(_serve(options))
    except ImportError:
        raise ConfigError("evidence-server needs more packages: pip install 'lapel[fleet]'") from None
    return 0


async def _serve(options: argparse.Namespace) -> None:
    from lapel.http_server import listening
    from lapel_fleet.runs.evidence_back_end.faults import Faults
    from lapel_fleet.runs.evidence_back_end.serving import served

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def log(line: str) -> None:
        if not options.quiet:
            print(plain(line), flush=True)

    with listening("--port", options.port, options.cert, options.key) as where:
        async with served(options.dir, where, Faults(options.fault), log) as found:
            print(f"evidence back end: {found.url}; give the camera {found.connection}", flush=True)
            await stop.wait()

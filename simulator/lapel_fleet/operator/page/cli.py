"""`lapel-fleet serve`: its options."""

import argparse
import asyncio
import getpass
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lapel.errors import ConfigError
from lapel.loopback import LOOPBACK_NAMES
from lapel.tokens import tokens_from
from lapel_fleet.operator.broker_options import above_zero, add_broker_options, brokers_from

if TYPE_CHECKING:
    from lapel_fleet.operator.page.run_control import RunControl

_PORT, _DAYS = 8090, 30.0


def add_serve(parser: argparse.ArgumentParser, run_control: Callable[[str], "RunControl"]) -> None:
    """Add the options of `serve`. `run_control` gives control of the simulated run with an ID; raises ConfigError."""
    parser.add_argument(
        "--port",
        type=int,
        default=_PORT,
        metavar="PORT",
        help="of this machine (default: %(default)s; 0: any free one)",
    )
    parser.add_argument(
        "--history", type=Path, metavar="FILE",
        help="what the page remembers (default: lapel-history-AGENCY.sqlite; made if it is not there)",
    )  # fmt: skip
    parser.add_argument(
        "--keep", type=above_zero, default=_DAYS, metavar="DAYS", help="remove what is older (default: %(default)g)"
    )
    parser.add_argument(
        "--tokens", type=Path, metavar="FILE",
        help="a line NAME TOKEN for each operator; made if it is not there (default: a new token at each start)",
    )  # fmt: skip
    parser.add_argument(
        "--origin", action="append", default=[], metavar="URL", type=_origin,
        help="where a proxy with TLS publishes the page, such as https://fleet.example; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--live", action="append", default=[], metavar="URL", type=_origin,
        help="fetch cameras' live views from there, such as http://127.0.0.1:8091; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--live-token", type=Path, metavar="FILE", help="file whose first line NAME TOKEN lets the page in there"
    )
    parser.add_argument(
        "--run", metavar="ID", help="a simulated run: press its cameras' buttons and inject faults on their pages"
    )
    add_broker_options(parser)
    parser.set_defaults(command=partial(_serve, run_control))


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise argparse.ArgumentTypeError(f"{text}: give https://HOST[:PORT]")
    return f"{parts.scheme}://{parts.netloc}"


def _live_token(origins: Sequence[str], path: Path | None) -> str:
    """The token in the first line of the file. Raises ConfigError."""
    if not origins:
        return ""
    if path is None or not path.exists():
        raise ConfigError("--live needs --live-token FILE: the file that lets the page in, with a line NAME TOKEN")
    for origin in origins:
        if urlsplit(origin).scheme == "http" and urlsplit(origin).hostname not in LOOPBACK_NAMES:
            raise ConfigError(f"--live {origin}: beyond this machine only https://, since the token goes with it")
    found = tokens_from(path, "page", "--live-token").by_name
    if not found:
        raise ConfigError(f"--live-token {path}: is empty; give a line NAME TOKEN")
    return next(iter(found.values()))


def _serve(run_control: Callable[[str], "RunControl"], options: argparse.Namespace) -> int:
    brokers = brokers_from(options)
    try:
        from lapel_fleet.operator.page.live_views import LiveSources
        from lapel_fleet.operator.page.serving import Serving, serve
    except ImportError:
        raise ConfigError("serve needs more packages: pip install 'lapel[fleet]'") from None
    asked = Serving(
        agency=options.agency,
        port=options.port,
        history=options.history or Path(f"lapel-history-{options.agency}.sqlite"),
        days=options.keep,
        tokens=tokens_from(options.tokens, options.operator or getpass.getuser()),
        origins=options.origin,
        live=LiveSources(options.live, _live_token(options.live, options.live_token)),
        live_ca=options.ca,
        run=run_control(options.run) if options.run else None,
    )
    asyncio.run(serve(brokers, asked))
    return 0

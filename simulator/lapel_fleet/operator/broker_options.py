"""The options that name a broker and the operator's identity, and the brokers that they mean."""

import argparse
import re
from pathlib import Path

from lapel import config
from lapel.errors import ConfigError
from lapel.link.broker_address import Broker, brokers_at
from lapel_fleet.operator.operator import QUIET_S

_PLAIN_URL, _TLS_URL = "mqtt://127.0.0.1:1883", "mqtts://127.0.0.1:8883"


def add_broker_options(parser: argparse.ArgumentParser) -> None:
    """Add --broker, --identity and the like."""
    parser.add_argument(
        "--broker", metavar="URL", help=f"mqtt://HOST[:PORT], mqtts:// or wss:// (default: {_PLAIN_URL})"
    )
    parser.add_argument("--agency", default="demo", metavar="NAME", help="agency of the cameras (default: %(default)s)")
    parser.add_argument(
        "--identity", type=Path, metavar="DIR", help="folder made by `lapel-fleet provision`, for mqtts://"
    )
    parser.add_argument("--operator", metavar="NAME", help="the operator of that folder, if it has several")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="authority that signed the broker's certificate")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="the operator's own certificate")
    parser.add_argument("--key", type=Path, metavar="FILE", help="private key of that certificate")
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="password for the user name in the URL of --broker"
    )
    parser.add_argument("--allow-plain", action="store_true", help="allow mqtt:// to other machines")
    parser.add_argument(
        "--settle", type=above_zero, default=QUIET_S, metavar="SECONDS",
        help="the list is complete when no retained state arrived for this long (default: %(default)s)",
    )  # fmt: skip


def above_zero(text: str) -> float:
    """The number in an option's value, which must be above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: must be more than 0")
    return value


def brokers_from(options: argparse.Namespace) -> list[Broker]:
    """The brokers to try in turn. Raises ConfigError naming the flag."""
    ca, cert, key = options.ca, options.cert, options.key
    if options.identity is not None:
        ca, cert, key = _identity(options.identity, options.operator)
    elif options.operator is not None:
        raise ConfigError(
            "--operator needs --identity, whose folder has the operators; for a name in the log use --sender"
        )
    default = _PLAIN_URL if options.identity is None else _TLS_URL
    url = default if options.broker is None else options.broker
    try:
        found = brokers_at(
            url, ca=ca, cert=cert, key=key, password_file=options.password_file, allow_plain=options.allow_plain
        )
    except ConfigError as error:
        raise ConfigError(_as_flags(str(error))) from error
    if not found:
        raise ConfigError("--broker: give mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    return found


def _as_flags(text: str) -> str:
    """The text of an error about a camera's configuration, with the names of flags instead of keys."""
    return re.sub(
        r"\blink\.(broker|ca|cert|key|password_file|allow_plain)\b", lambda key: f"--{key[1].replace('_', '-')}", text
    )


def _identity(folder: Path, name: str | None) -> tuple[Path, Path, Path]:
    """Certificate authority, certificate and key of an operator in the folder. Raises ConfigError."""
    known = sorted(path.stem for path in (folder / "operators").glob("*.crt"))
    if not known:
        raise ConfigError(
            f"--identity {folder}: no operator has an identity there; make one with `lapel-fleet provision`"
        )
    if name is None and len(known) > 1:
        raise ConfigError(f"--identity {folder}: there are {', '.join(known)}; choose one with --operator")
    one = name or known[0]
    if one not in known:
        raise ConfigError(f"--operator {one}: has no identity in {folder}{config.suggestion(one, known)}")
    return folder / "ca.crt", folder / "operators" / f"{one}.crt", folder / "operators" / f"{one}.key"

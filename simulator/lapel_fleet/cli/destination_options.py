"""The options of `lapel-fleet run` that name the user's evidence system."""

import argparse
from typing import TYPE_CHECKING

from lapel.errors import ConfigError

if TYPE_CHECKING:
    from lapel_fleet.runs.destination import Destination


def add_destination_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    evidence = parser.add_argument_group("evidence system, for cameras that offload")
    evidence.add_argument(
        "--destination", metavar="URL",
        help="live: https://HOST/auth/v1.0 (Axis API, Swift) or s3+https://HOST/BUCKET (default: a built-in one, if "
        "the scenario has [offload])",
    )  # fmt: skip
    evidence.add_argument("--destination-user", default="", metavar="NAME", help="user name, or id of the access key")
    evidence.add_argument("--destination-secret", default="", metavar="FILE", help="its first line is the secret")
    evidence.add_argument("--destination-ca", default="", metavar="FILE", help="authority of its certificate")
    evidence.add_argument(
        "--receipt-key", action="append", default=[], metavar="PEM", help="its public key, that signs receipts"
    )


def destination_of(options: argparse.Namespace) -> "Destination | None":
    """The user's evidence system, if one is named. Raises ConfigError for an option that is missing."""
    from lapel_fleet.runs.destination import Destination

    if not options.destination:
        for name in ("destination_user", "destination_secret", "destination_ca", "receipt_key"):
            if getattr(options, name):
                raise ConfigError(f"--{name.replace('_', '-')} without --destination: name the evidence system, too")
        return None
    for name in ("destination_user", "destination_secret"):
        if not getattr(options, name):
            raise ConfigError(f"--destination without --{name.replace('_', '-')}: the evidence system wants both")
    return Destination(
        url=options.destination,
        user=options.destination_user,
        secret_file=options.destination_secret,
        ca=options.destination_ca,
        receipt_keys=tuple(options.receipt_key),
        allow_plain=options.allow_plain,
    )

"""`lapel-fleet provision`: certificates for a fleet, and the configuration of a Mosquitto that requires them."""

import argparse
import json
from pathlib import Path

from lapel.clock import SystemClock


def add_provision(parser: argparse.ArgumentParser) -> None:
    """Add the options of `provision`."""
    parser.add_argument("--sites", nargs="+", default=[], metavar="SITE=CAMERAS", help="baltimore=3, or buffalo=a,b")
    parser.add_argument(
        "--agency", default="demo", help="first level of the topics after lapel/v1 (default: %(default)s)"
    )
    parser.add_argument(
        "--operator", nargs="+", default=["fleet"], metavar="NAME",
        help="may subscribe to everything and send commands (default: fleet)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("fleet-identities"), help="folder to write (default: %(default)s)"
    )
    parser.add_argument("--host", nargs="+", default=[], help="names or addresses by which cameras reach the broker")
    parser.add_argument(
        "--days", type=int, default=365, help="how long the certificates are valid (default: %(default)s)"
    )
    parser.add_argument(
        "--revoke", nargs="+", default=[], metavar="AGENCY/SITE/CAMERA",
        help="refuse these cameras from the broker's next start on",
    )  # fmt: skip
    parser.add_argument("--port", type=int, default=8883, help="port of the broker (default: %(default)s)")
    parser.add_argument(
        "--bind", default="127.0.0.1", help="address of the broker (default: %(default)s, this machine only)"
    )
    parser.add_argument("--serve", action="store_true", help="start that broker, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
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
        print(f"start a broker that requires them: mosquitto -c {config}")
    return run_mosquitto(config) if options.serve else 0

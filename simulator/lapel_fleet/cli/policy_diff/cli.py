"""`lapel-fleet policy-diff A B`: one seeded day in virtual time, under both profiles."""

import argparse
import sys
from pathlib import Path


def add_policy_diff(parser: argparse.ArgumentParser) -> None:
    """Add arguments and options."""
    parser.add_argument("profiles", nargs=2, metavar="PROFILE", help="a shipped profile, or a .toml file")
    parser.add_argument("--scenario", default="policy-day", help="whose cameras and day (default: policy-day)")
    parser.add_argument("--seed", type=int, default=1, help="of the day (default: 1)")
    parser.add_argument("--duration", metavar="TIME", help="of the day (default: the scenario's)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="number of processes (default: 2)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a web page, too")
    parser.set_defaults(command=_policy_diff)


def _policy_diff(options: argparse.Namespace) -> int:
    from lapel_fleet.cli.policy_diff.command import policy_diff  # imports the whole simulator

    return policy_diff(options, sys.stdout)

"""Passwords of key files: from a file or typed at a prompt, never an argument, which other users could list."""

import argparse
import getpass
import sys
from collections.abc import Callable
from pathlib import Path

from lapel.errors import EvidenceError
from lapel.evidence.pem_keys import read_file


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add `--password-file`."""
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="holds the key's password; without it you are asked for it"
    )


def password_of(options: argparse.Namespace) -> Callable[[], bytes]:
    """Where the password comes from, for when one is needed."""
    source: Path | None = options.password_file
    return lambda: read_file(source).rstrip(b"\r\n") if source is not None else _typed()


def _typed() -> bytes:
    if not sys.stdin.isatty():
        raise EvidenceError("the key has a password, and there is no terminal to ask for it; give --password-file")
    return getpass.getpass("password of the key: ").encode()

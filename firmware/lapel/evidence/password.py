"""Passwords of key files: from a file or typed at a prompt, never an argument, which other users could list."""

import argparse
import getpass
import sys
from collections.abc import Callable
from pathlib import Path

from lapel.errors import EvidenceError
from lapel.evidence.pem_keys import read_file


def add_option(parser: argparse._ActionsContainer, name: str = "--password-file", key: str = "--key") -> None:
    """Add an option for the file with the password of the option `key`."""
    parser.add_argument(name, type=Path, metavar="FILE", help=f"password of {key}; asked for when left out")


def source(file: Path | None, key: Path) -> Callable[[], bytes]:
    """Where the password of a key comes from, for when one is needed."""
    return lambda: read_file(file).rstrip(b"\r\n") if file is not None else _typed(key)


def _typed(key: Path) -> bytes:
    if not sys.stdin.isatty():
        raise EvidenceError(f"{key}: has a password, and there is no terminal to ask for it; give it in a file")
    return getpass.getpass(f"password of {key}: ").encode()

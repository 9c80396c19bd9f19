"""The command `lapel-evidence`: check, read and export what cameras have recorded, without a camera.

Exit codes: 0 intact, or done; 1 not intact; 2 cannot say, or an invalid option or file.
"""

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType

from lapel import __version__
from lapel.completion import add_completion
from lapel.errors import LapelError
from lapel.evidence.commands import anchor, day, export, receipt, show, verify, why, wrap_key
from lapel.sanitize import plain

COMMANDS: tuple[ModuleType, ...] = (verify, show, export, wrap_key, day, why, receipt, anchor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. An expected error is printed as one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except LapelError as error:
        print(f"lapel-evidence: {plain(str(error))}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("lapel-evidence", description="Check and export what cameras have recorded.")
    parser.add_argument("--version", action="version", version=f"lapel {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        command = commands.add_parser(module.NAME, help=module.HELP, description=module.__doc__)
        module.add_options(command)
        command.set_defaults(run=module.run)
    add_completion(parser)
    return parser

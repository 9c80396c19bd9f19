"""The option `--print-completion` of Lapel's commands: a script with which a shell completes them."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from lapel.errors import ConfigError

_SHELLS = ("bash", "zsh", "tcsh")


def add_completion(parser: argparse.ArgumentParser) -> None:
    """Add the option. Values whose placeholder is FILE or DIR are completed as paths. The last step of making a parser,
    since it looks at all options that there are.
    """
    parser.add_argument(
        "--print-completion", choices=_SHELLS, action=_PrintCompletion, help="print a script for your shell, and exit"
    )


class _PrintCompletion(argparse.Action):
    """Prints the script and exits. shtab is imported only here: no other use of the command needs it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        try:
            import shtab
        except ImportError:
            raise ConfigError("--print-completion needs one more package: pip install 'lapel[fleet]'") from None
        _complete_paths(parser, {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY})
        print(shtab.complete(parser, shell=str(values)))
        parser.exit()


def _complete_paths(parser: argparse.ArgumentParser, completions: Mapping[str, object]) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                _complete_paths(subparser, completions)
        elif action.metavar in completions:
            action.complete = completions[str(action.metavar)]  # type: ignore[attr-defined]

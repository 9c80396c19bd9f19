"""The commands `lapel-camera install`, `uninstall` and `doctor`."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from lapel import config
from lapel.docstrings import field_docstrings
from lapel.errors import ConfigError
from lapel.service.answers import Answers, ask, read_answers
from lapel.service.installation import CONFIG, install, uninstall
from lapel.service.system import System

_PREFIX = Path("/opt/lapel")
_INSTALLED = _PREFIX / "bin" / "lapel-camera"


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add them to the parser of `lapel-camera`."""
    installing = commands.add_parser("install", help="make this machine a camera: user, folder, configuration, service")
    installing.add_argument(
        "--answers", type=Path, metavar="FILE", help="take the answers from a TOML file; ask nothing"
    )
    installing.add_argument(
        "--command",
        type=Path,
        dest="service_command",
        metavar="FILE",
        help=f"what the service starts; {_INSTALLED} under --root",
    )
    _add_place(installing)
    installing.set_defaults(command=_install)
    removing = commands.add_parser("uninstall", help="undo what install did; recordings stay")
    _add_place(removing)
    removing.set_defaults(command=_uninstall)
    examining = commands.add_parser("doctor", help="say what is missing or misconfigured, and how to mend it")
    examining.add_argument("--config", type=Path, metavar="FILE", help="the camera's configuration file")
    examining.add_argument("--root", type=Path, default=Path("/"), metavar="FOLDER", help=argparse.SUPPRESS)
    examining.set_defaults(command=_doctor)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")
    parser.add_argument(
        "--root", type=Path, default=Path("/"), metavar="FOLDER", help="the root of another system: a mounted card"
    )


def _install(options: argparse.Namespace) -> int:
    system = _system(options)
    if options.answers is not None:
        answers = read_answers(options.answers)
    elif sys.stdin.isatty():
        answers = ask(input, field_docstrings(Answers))
    else:
        raise ConfigError("install: there is no terminal to ask on; give --answers FILE")
    command = options.service_command or (_own_command() if system.root == Path("/") else _INSTALLED)
    _require_visible(command)
    for line in install(system, answers, str(command), dry_run=options.dry_run):
        print(line, flush=True)
    return 0


def _uninstall(options: argparse.Namespace) -> int:
    is_empty = True
    for line in uninstall(_system(options), dry_run=options.dry_run):
        print(line, flush=True)
        is_empty = False
    if is_empty:
        print(f"nothing to undo: `lapel-camera install` changed nothing under {options.root}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from lapel.service.doctor import examine  # looks into many rooms: not for `--help`

    system = System(options.root)
    file = options.config or (system.path(CONFIG) if system.path(CONFIG).exists() else None)
    settings = config.from_environment(file, {})
    findings = list(examine(settings, system))
    for finding in findings:
        print(finding)
    return 2 if any(finding.level == "error" for finding in findings) else 0


def _system(options: argparse.Namespace) -> System:
    if not options.root.is_dir():
        raise ConfigError(f"--root: {options.root}: no such folder")
    if options.root != Path("/") and not (options.root / "etc").is_dir():
        raise ConfigError(
            f"--root: {options.root}: holds no system; mount the card's second partition (`rootfs`) there"
        )
    if os.geteuid() != 0 and not options.dry_run:
        raise ConfigError(f"this changes {options.root}; run it as root (sudo), or look with --dry-run")
    return System(options.root)


def _own_command() -> Path:
    """The path of `lapel-camera` as it runs now; the service will start this one."""
    own = Path(sys.argv[0])
    return own.absolute() if own.is_file() else Path(shutil.which("lapel-camera") or _INSTALLED)


def _require_visible(command: Path) -> None:
    """Raises ConfigError for a command in a home folder, which the service cannot see."""
    if command.is_relative_to("/home") or command.is_relative_to("/root"):
        raise ConfigError(
            f"{command}: the service cannot see home folders; install Lapel elsewhere: python3 -m venv {_PREFIX}, then "
            f"{_PREFIX}/bin/pip install 'lapel[pi]' and {_INSTALLED} install"
        )

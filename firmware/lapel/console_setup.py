"""A camera's console on a line of this machine: what `--console` names, put together."""

from pathlib import Path

from lapel.clock import Clock
from lapel.config import Config, state_folder, unconfirmed_note
from lapel.console.candidate import Candidate, Note
from lapel.console.console_log import FileConsoleLog
from lapel.console.interface import ConsoleCamera
from lapel.console.login import LoginGuard, Secrets
from lapel.console.shell import Console
from lapel.hardware.desktop.pty import PtyLine
from lapel.hardware.interfaces import SerialLine
from lapel.hardware.uart import UartLine
from lapel.worker import Worker


def line_at(where: str, clock: Clock) -> SerialLine:
    """`/dev/ttyAMA0`, `/dev/ttyAMA0@9600`, `pty`, or `pty:PATH`, which makes PATH a link. Raises ConfigError."""
    kind, _, path = where.partition(":")
    if kind == "pty":
        return PtyLine(clock, Path(path) if path else None)
    device, _, baud = where.partition("@")
    return UartLine(device, clock, int(baud)) if baud.isdigit() else UartLine(where, clock)


def secrets_of(config: Config) -> Secrets:
    """The file of secrets of the camera that `config` describes."""
    return Secrets(state_folder(config) / "logins.json")


def candidate_of(desk: ConsoleCamera, config: Config, clock: Clock, worker: Worker) -> Candidate:
    """The change of configuration that is on its way."""
    return Candidate(desk, clock, worker, Note(unconfirmed_note(config)))


def console_at(where: str, desk: ConsoleCamera, config: Config, clock: Clock, worker: Worker) -> Console:
    """The console on that line; what is done there goes on record beside the camera's other state."""
    return Console(
        line_at(where, clock),
        desk,
        clock,
        worker,
        door=LoginGuard(secrets_of(config), clock, worker),
        record=FileConsoleLog(state_folder(config) / "console.jsonl", clock, worker),
        candidate=candidate_of(desk, config, clock, worker),
    )

"""Builds the console of a camera on a serial line of this machine, as `--console` names it."""

from pathlib import Path

from lapel.clock import Clock
from lapel.config import Config, state_folder, unconfirmed_note
from lapel.console.candidate import CandidateConfig, UnconfirmedFile
from lapel.console.console_log import AuditedConsoleLog, FileConsoleLog, NoteAudit
from lapel.console.interface import ConsoleCamera
from lapel.console.login import LoginGuard, Secrets
from lapel.console.shell import Console
from lapel.hardware.desktop.pty import PtyLine
from lapel.hardware.interfaces import SerialLine
from lapel.hardware.uart import UartLine
from lapel.own_files import DamageReports
from lapel.worker import Worker


def line_at(where: str, clock: Clock) -> SerialLine:
    """The serial line at `/dev/ttyAMA0`, `/dev/ttyAMA0@9600`, `pty`, or `pty:PATH`, which makes PATH a link to the pty.

    Raises ConfigError.
    """
    kind, _, path = where.partition(":")
    if kind == "pty":
        return PtyLine(clock, Path(path) if path else None)
    device, _, baud = where.partition("@")
    return UartLine(device, clock, int(baud)) if baud.isdigit() else UartLine(where, clock)


def secrets_of(config: Config, damage: DamageReports | None = None) -> Secrets:
    """The secrets file of the camera with this configuration."""
    return Secrets(state_folder(config) / "logins.json", damage=damage)


def candidate_of(
    camera: ConsoleCamera, config: Config, clock: Clock, worker: Worker, damage: DamageReports
) -> CandidateConfig:
    """The camera's candidate configuration, with the file for an unconfirmed change."""
    return CandidateConfig(camera, clock, worker, UnconfirmedFile(unconfirmed_note(config), damage))


def console_at(
    where: str,
    camera: ConsoleCamera,
    config: Config,
    clock: Clock,
    worker: Worker,
    damage: DamageReports,
    audit: NoteAudit,
) -> Console:
    """The console on that line; its log and secrets are in the camera's state folder. `audit` notes what was done."""
    log = FileConsoleLog(state_folder(config) / "console.jsonl", clock, worker)
    return Console(
        line_at(where, clock),
        camera,
        clock,
        worker,
        login=LoginGuard(secrets_of(config, damage), clock, worker),
        console_log=AuditedConsoleLog(log, audit),
        candidate=candidate_of(camera, config, clock, worker, damage),
    )

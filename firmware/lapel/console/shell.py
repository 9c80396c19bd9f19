"""The console of one camera: waits for a client on the serial line and runs a session with it, one after the other."""

from lapel.clock import Clock
from lapel.console.candidate import CandidateConfig
from lapel.console.command_parser import CommandTable, all_commands
from lapel.console.console_log import ConsoleLog
from lapel.console.interface import ConsoleCamera
from lapel.console.invocation import ConsoleServices
from lapel.console.login import LoginGuard
from lapel.console.session import Session
from lapel.hardware.interfaces import SerialLine
from lapel.worker import Worker

IDLE_S = 600.0
"""Seconds without a command until the user is logged out. Keys do not count: noise on the line looks like keys."""


class Console:
    """The service port of one camera."""

    def __init__(
        self,
        line: SerialLine,
        camera: ConsoleCamera,
        clock: Clock,
        worker: Worker,
        *,
        login: LoginGuard,
        console_log: ConsoleLog,
        candidate: CandidateConfig | None = None,
        commands: CommandTable | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        """`commands` are all commands by default."""
        self.line, self._idle_s = line, idle_s
        self._commands = commands or all_commands()
        candidate = candidate or CandidateConfig(camera, clock, worker)
        self._services = ConsoleServices(camera, clock, worker, console_log, candidate, login)

    async def run(self) -> None:
        """Run one session after the other until cancelled. The caller closes the line."""
        candidate = self._services.candidate
        try:
            await candidate.resume()
            while True:
                await self.line.attached()
                await Session(self._services, self._commands, self.line, self._idle_s).run()
        finally:
            await candidate.close()

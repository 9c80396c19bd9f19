"""Executes commands: checks role and state, writes them to the console log, turns every failure into a ConsoleError."""

import asyncio
import traceback
from collections.abc import Awaitable

from lapel.console.command import Answer
from lapel.console.command_parser import CommandTable, ParsedCommand
from lapel.console.interface import Role
from lapel.console.invocation import ConsoleServices, InteractiveSession, Invocation
from lapel.errors import ConsoleError, LapelError
from lapel.logs import Log

_LINE_CHARS = 1_000


class CommandExecutor:
    """Executes one command at a time for one session."""

    def __init__(self, services: ConsoleServices, commands: CommandTable) -> None:
        self._services, self._commands = services, commands
        self._running: asyncio.Task[Answer] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a command is running."""
        return self._running is not None

    def interrupt(self) -> None:
        """Cancel the running command."""
        if self._running is not None:
            self._running.cancel()

    async def parse(self, line: str, role: Role) -> ParsedCommand:
        """Parse a line. Raises ConsoleError when it is invalid, and writes it to the console log as mistyped."""
        try:
            return self._commands.parse(line)
        except ConsoleError:
            await self._services.console_log.append("mistyped", role=role, line=line[:_LINE_CHARS])
            raise

    async def execute(self, parsed: ParsedCommand, line: str, role: Role, session: InteractiveSession | None) -> Answer:
        """Log the command, then run it; log its end if it fails. Raises ConsoleError, and no other error."""
        await self._services.console_log.append("command", role=role, line=line[:_LINE_CHARS])
        try:
            self._check_allowed(parsed, role, session)
            invocation = Invocation.of(self._services, self._commands, role, parsed.words, session)
            return await self._run_interruptibly(parsed.verb.run(invocation))
        except ConsoleError as error:
            await self._log_failure(line, error.result, error)
            raise
        except LapelError as error:
            await self._log_failure(line, "failed", error)
            raise ConsoleError(str(error)) from error
        except Exception as error:
            log_internal_error(self._services.camera.log, error)
            await self._log_failure(line, "failed", error)
            raise ConsoleError(
                f"{parsed.name}: internal error ({type(error).__name__}), details are in the log;"
                " report it with a `support bundle`"
            ) from error

    async def _log_failure(self, line: str, result: str, error: Exception) -> None:
        await self._services.console_log.append(
            "command-ended", line=line[:200], result=result, reason=str(error)[:400]
        )

    def _check_allowed(self, parsed: ParsedCommand, role: Role, session: InteractiveSession | None) -> None:
        verb = parsed.verb
        if verb.role == "service" and role != "service":
            raise ConsoleError(f"{parsed.name}: needs the role service; log in as service", "denied")
        if verb.not_while_recording and self._services.camera.overview().state == "recording":
            raise ConsoleError(
                f"{parsed.name}: refused while the camera records; `record stop REASON` first", "refused"
            )
        if verb.interactive and session is None:
            raise ConsoleError(f"{parsed.name}: needs an interactive session, not machine mode", "refused")

    async def _run_interruptibly(self, job: Awaitable[Answer]) -> Answer:
        """Run until done, ^C, or cancelled by a hang-up. Waits for the command's own clean-up in each case."""
        self._running = asyncio.ensure_future(job)
        try:
            await asyncio.wait({self._running})
            if self._running.cancelled():
                raise ConsoleError("interrupted", "refused")
            return self._running.result()
        finally:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None


def log_internal_error(log: Log, error: BaseException) -> None:
    """Log a bug in Lapel, its traceback as debug lines: a support bundle carries them to the developers."""
    for line in traceback.format_tb(error.__traceback__):
        log.add("console: " + " ".join(line.split())[:400], "debug")
    log.add(f"console: {type(error).__name__}: {error}"[:400], "error")

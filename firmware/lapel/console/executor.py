"""Carrying out what was asked: who may, when, on record, and every end of it in one line instead of a traceback."""

import asyncio
import traceback
from collections.abc import Awaitable

from lapel.console.command import Answer, Parsed
from lapel.console.interface import Role
from lapel.console.invocation import Invocation, Means, Seat
from lapel.errors import ConsoleError, LapelError
from lapel.logs import Log

_LINE_CHARS = 1_000


class CommandExecutor:
    """One command at a time, for one visit."""

    def __init__(self, means: Means) -> None:
        self._on = means
        self._command: asyncio.Task[Answer] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a command runs."""
        return self._command is not None

    def break_off(self) -> None:
        """End the command that runs."""
        if self._command is not None:
            self._command.cancel()

    async def understand(self, line: str, role: Role) -> Parsed:
        """Raises ConsoleError; then the line is on record as mistyped."""
        try:
            return self._on.table.parse(line)
        except ConsoleError:
            await self._on.record.put("mistyped", role=role, line=line[:_LINE_CHARS])
            raise

    async def carry_out(self, parsed: Parsed, line: str, role: Role, seat: Seat | None) -> Answer:
        """On record before it is done, and how it ended. Raises ConsoleError, whatever happens."""
        await self._on.record.put("command", role=role, line=line[:_LINE_CHARS])
        try:
            self._allow(parsed, role, seat)
            return await self._interruptible(parsed.verb.run(Invocation.of(self._on, role, parsed.words, seat)))
        except ConsoleError as error:
            await self._ended(line, error.result, error)
            raise
        except LapelError as error:
            await self._ended(line, "failed", error)
            raise ConsoleError(str(error)) from error
        except Exception as error:
            tell_fault(self._on.desk.log, error)
            await self._ended(line, "failed", error)
            raise ConsoleError(
                f"{parsed.name}: a fault of Lapel's ({type(error).__name__}), it is in the log; send a `support bundle`"
            ) from error

    async def _ended(self, line: str, result: str, error: Exception) -> None:
        await self._on.record.put("command-ended", line=line[:200], result=result, reason=str(error)[:400])

    def _allow(self, parsed: Parsed, role: Role, seat: Seat | None) -> None:
        verb = parsed.verb
        if verb.role == "service" and role != "service":
            raise ConsoleError(f"{parsed.name}: is for the role service; log in as service", "denied")
        if verb.not_while_recording and self._on.desk.standing().state == "recording":
            raise ConsoleError(
                f"{parsed.name}: refused while the camera records; `record stop REASON` first", "refused"
            )
        if verb.interactive and seat is None:
            raise ConsoleError(f"{parsed.name}: needs somebody at the keys; not in machine mode", "refused")

    async def _interruptible(self, job: Awaitable[Answer]) -> Answer:
        """^C breaks it off; hanging up does too. What it still has to tidy up is waited for."""
        self._command = asyncio.ensure_future(job)
        try:
            await asyncio.wait({self._command})
            if self._command.cancelled():
                raise ConsoleError("broken off", "refused")
            return self._command.result()
        finally:
            self._command.cancel()
            await asyncio.gather(self._command, return_exceptions=True)
            self._command = None


def tell_fault(log: Log, error: BaseException) -> None:
    """A fault of ours: into the log, where a support bundle finds it. Where it was is for those at home alone."""
    for line in traceback.format_tb(error.__traceback__):
        log.add("console: " + " ".join(line.split())[:400], "debug")
    log.add(f"console: {type(error).__name__}: {error}"[:400], "error")

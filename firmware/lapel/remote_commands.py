"""What the fleet asks of a camera beyond its state chart: settings, self-test, log, identify, restart.

Each was answered with *accepted* by the link before it comes here, and gets its last answer here or, when the camera
has to restart for it, in the session after that.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from lapel.check import Check
from lapel.errors import ConfigError, StorageError
from lapel.hardware.interfaces import Indicators
from lapel.link.event_details import ConfigurationChanged, ConfigurationRolledBack, Refused, SelfTested
from lapel.link.messages import Command, Reply, Result
from lapel.reporter import Reporter
from lapel.settings import Settings
from lapel.worker import Worker

IDENTIFY_S = 10.0
TRIAL_S = 60.0
"""Seconds in which a camera with changed settings must have pictures, and its broker; else they are taken back."""

_LOG_LINES = 100
_LINES_A_REPLY = 40
_LINE_CHARS = 300


class RemoteCommands:
    """Carries such commands out. Called by the camera, one at a time; whatever it asks of it is passed in."""

    def __init__(
        self,
        reporter: Reporter,
        settings: Settings,
        worker: Worker,
        indicators: Indicators,
        *,
        self_test: Callable[[], Awaitable[list[Check]]],
        restart: Callable[[Command], Awaitable[str | None]],
    ) -> None:
        """`restart` ends the camera so that it starts anew, or returns why it must not."""
        self._reporter, self._settings, self._worker, self._indicators = reporter, settings, worker, indicators
        self._self_test, self._restart = self_test, restart
        self._trial: Reply | None = None  # the answer that waits for the trial's end
        self._rolled_back = settings.take_roll_back()

    async def carry_out(self, command: Command) -> None:
        """Do it and answer."""
        match command.command:
            case "identify":
                self._indicators.identify(command.seconds or IDENTIFY_S)
                self._done(command)
            case "request-log":
                self._tell_log(command)
            case "self-test":
                await self._test(command)
            case "set-configuration":
                await self._change_settings(command)
            case _:
                if (reason := await self._restart(command)) is not None:
                    self._refuse(command, reason)

    def resume(self, reply: Reply) -> None:
        """An earlier session accepted this and did not end it."""
        match reply.command:
            case "set-configuration" if self._settings.trial_by == reply.id:
                self._trial = reply
            case "set-configuration" if self._rolled_back:
                self._end(reply, "failed", f"rolled back: {self._rolled_back}")
            case "set-configuration" | "reboot":
                self._end(reply, "done")
            case _:
                self._end(reply, "failed", "the camera restarted before it was done")

    async def end_trial(self, trouble: str | None) -> bool:
        """The settings on trial have proved themselves, or not: `trouble` says why. True when they were taken back."""
        if not self._settings.on_trial:
            return False
        try:
            if trouble is None:
                await self._worker.run(self._settings.confirm)
                self._tell_in_force()
            else:
                await self._worker.run(partial(self._settings.roll_back, trouble))
        except StorageError as error:  # the next start takes it back, since nothing says that it was confirmed
            self._reporter.announce(str(error), "error")
            return False
        return trouble is not None

    def _tell_in_force(self) -> None:
        number = self._settings.version
        self._reporter.announce(f"configuration {number} is in force")
        self._reporter.emit(ConfigurationChanged(version=number))
        if self._trial is not None:
            self._end(self._trial, "done")

    def report_rollback(self) -> None:
        """At power-on: say that the newest settings were taken back, if they were."""
        if reason := self._rolled_back:
            self._reporter.announce(f"configuration rolled back to {self._settings.version}: {reason}", "warning")
            self._reporter.emit(ConfigurationRolledBack(version=self._settings.version, reason=reason))

    # -- one by one --------------------------------------------------------------------------------------------------

    def _tell_log(self, command: Command) -> None:
        """Some lines at a time, so that no answer is larger than a broker takes."""
        lines = [str(line)[:_LINE_CHARS] for line in self._reporter.log.newest(command.lines or _LOG_LINES)]
        parts = [lines[at : at + _LINES_A_REPLY] for at in range(0, len(lines), _LINES_A_REPLY)] or [[]]
        for part in parts[:-1]:
            self._reporter.reply(command.id, command.command, "progress", lines=part)
        self._reporter.reply(command.id, command.command, "done", lines=parts[-1])

    async def _test(self, command: Command) -> None:
        checks = await self._self_test()
        detail = {check.name: f"{'ok' if check.ok else 'FAILED'}: {check.finding}" for check in checks}
        failed = [check.name for check in checks if not check.ok]
        self._reporter.emit(SelfTested(passed=not failed, failed=", ".join(failed)))
        reason = f"failed: {', '.join(failed)}" if failed else None
        self._reporter.reply(command.id, command.command, "failed" if failed else "done", reason, detail=detail)

    async def _change_settings(self, command: Command) -> None:
        """Written down before the restart; a restart that is refused takes it back."""
        try:
            version = self._settings.checked(command.configuration or {}, command.base_version)
        except ConfigError as error:
            self._refuse(command, str(error))
            return
        try:
            await self._worker.run(partial(self._settings.try_out, version, command.id))
            if (reason := await self._restart(command)) is not None:
                await self._worker.run(partial(self._settings.roll_back, ""))
                self._refuse(command, reason)
        except StorageError as error:
            self._reporter.reply(command.id, command.command, "failed", str(error))

    def _done(self, command: Command) -> None:
        self._reporter.reply(command.id, command.command, "done")

    def _refuse(self, command: Command, reason: str) -> None:
        self._reporter.announce(f"refused {command.command}: {reason}", "warning")
        self._reporter.emit(Refused(event=command.command, source="command", reason=reason))
        self._reporter.reply(command.id, command.command, "refused", reason)

    def _end(self, reply: Reply, result: Result, reason: str | None = None) -> None:
        detail = {"version": self._settings.version} if reply.command == "set-configuration" else None
        self._reporter.reply(reply.id, reply.command, result, reason, detail=detail)

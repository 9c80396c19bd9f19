"""Carries out the commands that are no events of the state chart: settings, self-test, log, identify, restart.

The link has answered each with *accepted* before. Its final reply is sent here or, when the camera has to restart for
it, by the next session.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import assert_never

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
"""Seconds in which a camera with changed settings must get frames and reach its broker; else they are rolled back."""

_LOG_LINES = 100
_LINES_A_REPLY = 40
_LINE_CHARS = 300


class RemoteCommands:
    """Carries out such commands, one at a time. Called by the camera, whose own actions are passed in."""

    def __init__(
        self,
        reporter: Reporter,
        settings: Settings,
        worker: Worker,
        indicators: Indicators,
        *,
        self_test: Callable[[], Awaitable[list[Check]]],
        restart: Callable[[Command], Awaitable[str | None]],
        offload: Callable[[Command], Awaitable[None]],
        resume_offload: Callable[[Reply], None],
    ) -> None:
        """`restart` ends the camera so that it starts again, or returns why it is refused. `offload` lets a recording
        leave and replies; `resume_offload` is called with such a command of an earlier session.
        """
        self._reporter, self._settings, self._worker, self._indicators = reporter, settings, worker, indicators
        self._self_test, self._restart = self_test, restart
        self._offload, self._resume_offload = offload, resume_offload
        self._trial_reply: Reply | None = None  # the last reply to the command that requested the trial
        self._rolled_back = settings.take_rollback_reason()

    async def carry_out(self, command: Command) -> None:
        """Carry out `command` and reply."""
        match command.command:
            case "identify":
                self._indicators.identify(command.seconds or IDENTIFY_S)
                self._done(command)
            case "request-log":
                self._send_log(command)
            case "self-test":
                await self._run_self_test(command)
            case "set-configuration":
                await self._change_settings(command)
            case "reboot":
                if (reason := await self._restart(command)) is not None:
                    self._refuse(command, reason)
            case "offload":
                await self._offload(command)
            case "start-recording" | "stop-recording" | "arm" | "sleep" | "mark" | "status":
                raise ValueError(f"{command.command} is the camera's own to carry out")
            case _:
                assert_never(command.command)

    def resume(self, reply: Reply) -> None:
        """Reply finally to a command that an earlier session accepted; `reply` is its last reply."""
        match reply.command:
            case "set-configuration" if self._settings.trial_by == reply.id:
                self._trial_reply = reply
            case "set-configuration" if self._rolled_back:
                self._end(reply, "failed", f"rolled back: {self._rolled_back}")
            case "set-configuration" | "reboot":
                self._end(reply, "done")
            case "offload":
                self._resume_offload(reply)
            case _:
                self._end(reply, "failed", "the camera restarted before it was done")

    async def end_trial(self, failure: str | None) -> bool:
        """Confirm the settings on trial, or roll them back because of `failure`. Whether they were rolled back."""
        if not self._settings.on_trial:
            return False
        try:
            if failure is None:
                await self._worker.run(self._settings.confirm)
                self._report_confirmed()
            else:
                await self._worker.run(partial(self._settings.roll_back, failure))
        except StorageError as error:  # without a confirmation on disk the next start rolls them back
            self._reporter.announce(str(error), "error")
            return False
        return failure is not None

    def _report_confirmed(self) -> None:
        number = self._settings.version
        self._reporter.announce(f"configuration {number} is in force")
        self._reporter.emit(ConfigurationChanged(version=number))
        if self._trial_reply is not None:
            self._end(self._trial_reply, "done")

    def report_rollback(self) -> None:
        """At power-on: report that the newest settings were rolled back, if they were."""
        if reason := self._rolled_back:
            self._reporter.announce(f"configuration rolled back to {self._settings.version}: {reason}", "warning")
            self._reporter.emit(ConfigurationRolledBack(version=self._settings.version, reason=reason))

    # -- single commands ---------------------------------------------------------------------------------------------

    def _send_log(self, command: Command) -> None:
        """Send the log in several replies, so that none is too large for a broker."""
        lines = [str(line)[:_LINE_CHARS] for line in self._reporter.log.newest(command.lines or _LOG_LINES)]
        parts = [lines[at : at + _LINES_A_REPLY] for at in range(0, len(lines), _LINES_A_REPLY)] or [[]]
        for part in parts[:-1]:
            self._reporter.reply(command.id, command.command, "progress", lines=part)
        self._reporter.reply(command.id, command.command, "done", lines=parts[-1])

    async def _run_self_test(self, command: Command) -> None:
        checks = await self._self_test()
        detail = {check.name: f"{'ok' if check.ok else 'FAILED'}: {check.finding}" for check in checks}
        failed = [check.name for check in checks if not check.ok]
        self._reporter.emit(SelfTested(passed=not failed, failed=", ".join(failed)))
        reason = f"failed: {', '.join(failed)}" if failed else None
        self._reporter.reply(command.id, command.command, "failed" if failed else "done", reason, detail=detail)

    async def _change_settings(self, command: Command) -> None:
        """Write the change before the restart; if the restart is refused, roll it back."""
        try:
            version = self._settings.validate(command.configuration or {}, command.base_version)
        except ConfigError as error:
            self._refuse(command, str(error))
            return
        try:
            await self._worker.run(partial(self._settings.start_trial, version, command.id))
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

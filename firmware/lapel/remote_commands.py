"""Carries out the commands that are no events of the state chart: settings, self-test, log, identify, restart.

The link has answered each with *accepted* before. Its final reply is sent here or, when the camera has to restart for
it, by the next session.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import assert_never

from lapel.check import Check
from lapel.errors import ConfigError, StorageError
from lapel.link.event_details import ConfigurationChanged, ConfigurationRolledBack, Refused
from lapel.link.messages import Command, Reply, Result
from lapel.policy.profile import ACTIVITIES, CONTEXTS, TRIGGER_SOURCES
from lapel.recording_policy import RecordingPolicy
from lapel.reporter import Reporter
from lapel.settings import Settings
from lapel.wearer_controls import WearerControls
from lapel.wearer_signals import WearerSignals
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
        signals: WearerSignals,
        policy: RecordingPolicy,
        *,
        wearer: WearerControls,
        self_test: Callable[[str], Awaitable[list[Check]]],
        restart: Callable[[Command], Awaitable[str | None]],
        offload: Callable[[Command], Awaitable[None]],
        resume_offload: Callable[[Reply], None],
    ) -> None:
        """`self_test` is called with who requested it. `restart` ends the camera so that it starts again, or returns
        why it is refused. `offload` lets a recording leave and replies; `resume_offload` is called with such a command
        of an earlier session.
        """
        self._reporter, self._settings, self._worker, self._signals = reporter, settings, worker, signals
        self._wearer, self._self_test, self._restart, self._policy = wearer, self_test, restart, policy
        self._offload, self._resume_offload = offload, resume_offload
        self._trial_reply: Reply | None = None  # the last reply to the command that requested the trial
        self._rolled_back = settings.take_rollback_reason()

    async def carry_out(self, command: Command) -> None:
        """Carry out `command` and reply."""
        match command.command:
            case "identify":
                self._answer(command, self._signals.identify(command.seconds or IDENTIFY_S))
            case "request-log":
                self._send_log(command)
            case "self-test":
                await self._run_self_test(command)
            case "set-configuration":
                await self._change_settings(command)
            case "assign":
                self._assign(command)
            case "category":
                self._answer(command, self._wearer.categories.choose(command.category or "", "command"))
            case "note":
                self._take_note(command)
            case "reboot":
                if (reason := await self._restart(command)) is not None:
                    self._refuse(command, reason)
            case "declare" | "withdraw":
                await self._change_declaration(command)
            case "trigger":  # one that names its source is the camera's own
                self._refuse(command, f"trigger: give what asks for the recording: {', '.join(TRIGGER_SOURCES)}")
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

    def _assign(self, command: Command) -> None:
        assignment = self._wearer.assignment
        try:
            if command.wearer:
                assignment.assign(command.wearer, "command")
            else:
                assignment.clear("command")
        except ConfigError as error:
            self._refuse(command, str(error))
        else:
            self._done(command)

    def _take_note(self, command: Command) -> None:
        if not command.reason.strip():
            self._refuse(command, "a note without words: write it into `reason`")
            return
        self._wearer.take_note(command.reason, "command")
        self._done(command)

    def _answer(self, command: Command, refusal: str | None) -> None:
        """Reply to what was done, or refused for that reason."""
        if refusal is not None:
            self._refuse(command, refusal)
        else:
            self._done(command)

    def _send_log(self, command: Command) -> None:
        """Send the log in several replies, so that none is too large for a broker."""
        lines = [str(line)[:_LINE_CHARS] for line in self._reporter.log.newest(command.lines or _LOG_LINES)]
        parts = [lines[at : at + _LINES_A_REPLY] for at in range(0, len(lines), _LINES_A_REPLY)] or [[]]
        for part in parts[:-1]:
            self._reporter.reply(command.id, command.command, "progress", lines=part)
        self._reporter.reply(command.id, command.command, "done", lines=parts[-1])

    async def _run_self_test(self, command: Command) -> None:
        checks = await self._self_test("command")
        detail = {check.name: f"{'ok' if check.ok else 'FAILED'}: {check.finding}" for check in checks}
        failed = [check.name for check in checks if not check.ok]
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

    async def _change_declaration(self, command: Command) -> None:
        if command.declared is None:
            self._refuse(command, f"declared: give one of {', '.join((*CONTEXTS, *ACTIVITIES))}")
            return
        source = command.sender or "command"
        if command.command == "declare":
            await self._policy.declare(command.declared, source, command.reason, command.for_s)
        elif (reason := await self._policy.withdraw(command.declared, source)) is not None:
            self._refuse(command, reason)
            return
        self._done(command)

    def _done(self, command: Command) -> None:
        self._reporter.reply(command.id, command.command, "done")

    def _refuse(self, command: Command, reason: str) -> None:
        self._reporter.announce(f"refused {command.command}: {reason}", "warning")
        self._reporter.emit(Refused(event=command.command, source="command", reason=reason))
        self._reporter.reply(command.id, command.command, "refused", reason)

    def _end(self, reply: Reply, result: Result, reason: str | None = None) -> None:
        detail = {"version": self._settings.version} if reply.command == "set-configuration" else None
        self._reporter.reply(reply.id, reply.command, result, reason, detail=detail)

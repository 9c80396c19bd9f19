"""The console's access to a camera: the one module that knows both.

It outlives cameras: a restart attaches the next one. A technician's request goes the way of a fleet command, so that
state chart, guards and events are the same; only its replies are delivered to the console instead of the fleet. What
the console can read of a camera is in `console_readings.py`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from lapel.check import Check
from lapel.clock import Clock
from lapel.config import Changes
from lapel.console.interface import Outcome
from lapel.console_readings import CameraReadings
from lapel.errors import ConsoleError
from lapel.link.interface import Link
from lapel.link.messages import Command, CommandName, EventMessage, Outgoing, Reply
from lapel.link.tap import Tap
from lapel.logs import Log
from lapel.policy.profile import Declarable

_REPLY_TIMEOUT_S = 30.0
_ID_PREFIX = "console-"
"""Marks the ids of the console's own commands; replies to them are not published to the fleet."""

_ACTIONS: dict[str, CommandName] = {
    "start-recording": "start-recording",
    "stop-recording": "stop-recording",
    "mark": "mark",
    "arm": "arm",
    "sleep": "sleep",
    "reboot": "reboot",
}


def _declarable(what: str) -> Declarable:
    declarable: Declarable = msgspec.convert(what, Declarable)
    return declarable


class CameraAccess(CameraReadings):
    """Implements `lapel.console.interface.ConsoleCamera` for a real camera."""

    def __init__(self, clock: Clock, log: Log, *, step_clock: Callable[[datetime], None] | None = None) -> None:
        """`step_clock` sets the wall clock; without it `set_clock` is refused, as most cameras use their host's."""
        super().__init__(clock, log)
        self._step_clock = step_clock
        self._pending: dict[str, asyncio.Future[Outcome]] = {}
        self._pending_restarts: set[str] = set()
        self._commands = 0

    # -- used where the camera is assembled ----------------------------------------------------------------------------

    def intercept(self, link: Link) -> Link:
        """`link` for the next camera, with its outgoing messages passed through this object."""
        tap = Tap(link)
        self.intercept_tap(tap)
        return tap

    def intercept_tap(self, tap: Tap) -> None:
        """The same for a tap that exists already; messages that it has published before are not known here."""
        tap.intercept = self._is_for_fleet
        self._link = tap

    def _is_for_fleet(self, message: Outgoing) -> bool:
        """Take note of an outgoing message, and return whether it is published to the fleet, too."""
        if isinstance(message, EventMessage):
            self._record_event(message)
            if message.kind == "state-changed" and message.detail.get("after") == "off":
                for command in tuple(self._pending_restarts):
                    self._resolve(command, Outcome(done=True))
        if isinstance(message, Reply) and message.id.startswith(_ID_PREFIX):
            if message.result in ("done", "refused", "failed"):
                done = message.result == "done"
                self._resolve(message.id, Outcome(done=done, reason=message.reason or "", recording=message.recording))
            return False
        return True

    # -- requests ------------------------------------------------------------------------------------------------------

    async def request(self, action: str, reason: str, label: str = "") -> Outcome:
        """See `ConsoleCamera.request`."""
        return await self._command(
            Command(id=self._new_id(), command=_ACTIONS[action], reason=reason, sender="console", label=label)
        )

    async def change(self, changes: Changes, reason: str) -> Outcome:
        """See `ConsoleCamera.change`."""
        configuration = {name: dict(keys) for name, keys in changes.items()}
        command = Command(
            id=self._new_id(), command="set-configuration", reason=reason, sender="console", configuration=configuration
        )
        return await self._command(command)

    async def declare(self, what: str, for_s: float | None) -> Outcome:
        """See `ConsoleCamera.declare`."""
        return await self._command(
            Command(id=self._new_id(), command="declare", sender="console", declared=_declarable(what), for_s=for_s)
        )

    async def withdraw(self, what: str) -> Outcome:
        """See `ConsoleCamera.withdraw`."""
        return await self._command(
            Command(id=self._new_id(), command="withdraw", sender="console", declared=_declarable(what))
        )

    def check_change(self, changes: Changes) -> None:
        """See `ConsoleCamera.check_change`."""
        self._attached.settings.validate(changes)

    async def self_test(self) -> Sequence[Check]:
        """See `ConsoleCamera.self_test`."""
        return await self._attached.camera.run_self_test("console")

    def assign(self, badge: str) -> None:
        """See `ConsoleCamera.assign`."""
        assignment = self._attached.camera.wearer.assignment
        if badge:
            assignment.assign(badge, "console")
        else:
            assignment.clear("console")

    def set_present(self, badge: str) -> None:
        """See `ConsoleCamera.set_present`."""
        self._attached.camera.wearer.assignment.set_present(badge, "console")

    def categorise(self, category: str) -> Outcome:
        """See `ConsoleCamera.categorise`."""
        return self._outcome(self._attached.camera.wearer.categories.choose(category, "console"))

    def take_note(self, text: str) -> None:
        """See `ConsoleCamera.take_note`."""
        self._attached.camera.wearer.take_note(text, "console")

    def start_offload(self) -> None:
        """See `ConsoleCamera.start_offload`."""
        self._attached.camera.offload.start()

    def pause_offload(self, reason: str) -> None:
        """See `ConsoleCamera.pause_offload`."""
        self._attached.camera.offload.pause(reason)

    async def retry_offload(self, recording: str) -> Sequence[str]:
        """See `ConsoleCamera.retry_offload`."""
        return await self._attached.camera.offload.retry(recording)

    def mute(self, reason: str) -> Outcome:
        """See `ConsoleCamera.mute`."""
        return self._outcome(self._attached.camera.mute(reason, "console"))

    def unmute(self) -> Outcome:
        """See `ConsoleCamera.unmute`."""
        return self._outcome(self._attached.camera.unmute("console"))

    def _outcome(self, refusal: str | None) -> Outcome:
        recording = self._attached.camera.status().recording
        return Outcome(done=refusal is None, reason=refusal or "", recording=recording)

    def audit(self, event: str, detail: Mapping[str, str | float | bool | None]) -> None:
        """Note in the camera's audit log what was done at its console; while it is still starting there is none."""
        if self._current is not None:
            self._current.camera.audit(event, detail)

    def identify(self, seconds: float) -> Outcome:
        """See `ConsoleCamera.identify`."""
        return self._outcome(self._attached.camera.identify(seconds))

    def acknowledge(self) -> None:
        """See `ConsoleCamera.acknowledge`."""
        self._interrupted.clear()
        self._failed.clear()
        self._damaged.clear()

    def set_clock(self, to: datetime) -> None:
        """See `ConsoleCamera.set_clock`."""
        if self._step_clock is None:
            raise ConsoleError("clock set: this camera uses its host's clock; set it there", "refused")
        try:
            self._step_clock(to)
        except OSError as error:
            raise ConsoleError(
                f"clock set: this process is not allowed to set the clock ({error.strerror}); set it on the host",
                "refused",
            ) from error

    async def wait_for_presence(self, within_s: float) -> bool:
        """See `ConsoleCamera.wait_for_presence`. False where the button cannot report how long it is held."""
        return await self._attached.camera.presence(within_s)

    @property
    def presence_hint(self) -> str:
        """See `ConsoleCamera.presence_hint`."""
        if self._attached.camera.has_switches:
            return "Hold the event button for 3 s"
        return "This camera has no button to prove presence with; on its host: lapel-camera login set"

    # -- commands and their replies ------------------------------------------------------------------------------------

    def _new_id(self) -> str:
        self._commands += 1
        return f"{_ID_PREFIX}{self._attached.camera.state_message().session}-{self._commands}"

    async def _command(self, command: Command) -> Outcome:
        """Carry out `command`, and wait for its final reply; a restart is done once the camera has switched off."""
        reply: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._pending[command.id] = reply
        if command.command in ("reboot", "set-configuration"):
            self._pending_restarts.add(command.id)
        timeout = asyncio.create_task(self._clock.sleep(_REPLY_TIMEOUT_S))
        try:
            self._attached.camera.on_command(command)
            either: list[asyncio.Future[Any]] = [reply, timeout]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return reply.result() if reply.done() else Outcome(done=False, reason="the camera does not answer")
        finally:
            timeout.cancel()
            self._pending.pop(command.id, None)
            self._pending_restarts.discard(command.id)

    def _resolve(self, command: str, outcome: Outcome) -> None:
        self._pending_restarts.discard(command)
        reply = self._pending.pop(command, None)
        if reply is not None and not reply.done():
            reply.set_result(outcome)

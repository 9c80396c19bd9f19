"""The events in a camera's inbox that the state chart decides."""

from collections.abc import Mapping
from dataclasses import dataclass

from lapel.capture_reason import trigger_text
from lapel.clock import Instant
from lapel.link.messages import Command
from lapel.policy.profile import Source, TriggerSource
from lapel.recording import Cause
from lapel.states import Event

_COMMANDS: Mapping[str, Event] = {
    "start-recording": Event.START,
    "stop-recording": Event.STOP,
    "arm": Event.ARM,
    "sleep": Event.SLEEP,
    "mark": Event.MARK,
}


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """An event for the chart: what, when, and by whose request."""

    event: Event
    at: Instant
    cause: Cause
    command: Command | None = None
    trigger: TriggerSource | None = None
    """What triggered it, where that was neither a person at the camera nor an operator."""

    @property
    def source(self) -> Source:
        """Who or what requests it, as policies name it."""
        return self.trigger or ("wearer" if self.cause.source == "button" else "command")

    @property
    def distance_m(self) -> float | None:
        """How far away the other camera is whose recording requests it; None where that is not known."""
        return self.command.distance_m if self.command is not None else None


def event_of(command: Command, at: Instant) -> InboxEvent | None:
    """The event that a command stands for; None for one that the state chart does not decide."""
    if command.command == "trigger" and command.trigger is not None:
        return InboxEvent(
            Event.START, at, Cause("trigger", trigger_text(command), command.id), command, command.trigger
        )
    event = _COMMANDS.get(command.command)
    if event is None:
        return None
    return InboxEvent(event, at, Cause("command", command.reason, command.id), command)

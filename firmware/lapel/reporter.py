"""The camera's reports: lines for the wearer and the log, events and replies for the fleet."""

from lapel.audit_trail import AuditTrail
from lapel.clock import Clock, iso
from lapel.errors import MessageError
from lapel.link.backoff import TokenBucket
from lapel.link.event_details import CommandRejected, EventDetail, PrebufferSaved, StateChanged
from lapel.link.interface import Link
from lapel.link.messages import CameraState, Detail, EventMessage, Reply, Result
from lapel.logs import Level, Log
from lapel.states import State
from lapel.wearer_signals import WearerSignals

_TEXT_CHARS = 500
_SIGNED_ELSEWHERE = (StateChanged, PrebufferSaved)
"""Events that the audit log need not have: it has the transition itself, and the clip's manifest the pre-event part."""
REJECTION_RATE = (20, 0.2)
"""Rejected messages that are reported at once, and then per second. An event and a reply for each of 20,000 would delay
the reports that matter.
"""


class Reporter:
    """Logs, indicates and publishes for one camera. Never blocks: the link keeps what cannot be sent now."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        signals: WearerSignals,
        log: Log,
        camera: str,
        session: str,
        audit: AuditTrail | None = None,
    ) -> None:
        """Events are noted in `audit`, too."""
        self.link, self._clock, self._signals, self.log = link, clock, signals, log
        self._audit = audit
        self._camera, self._session = camera, session
        self._events = 0
        self._rejections = TokenBucket(*REJECTION_RATE)
        self._unreported, self._newest_unreported = 0, ""
        self._state = State.OFF

    @property
    def state(self) -> State:
        """The state as it was last reported: *recording* only once something is on disk."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state
        self._signals.show_state(state)

    @property
    def wire_state(self) -> CameraState:
        """The reported state by its name in messages."""
        return self.state.value

    def announce(self, text: str, level: Level = "info") -> None:
        """Log a line, and show it to the wearer where there is a display."""
        self.log.add(text, level)
        self._signals.show_line(text)

    def emit(self, detail: EventDetail) -> None:
        """Publish an event that happened just now."""
        self._events += 1
        now = self._clock.now()
        if self._audit is not None and not isinstance(detail, _SIGNED_ELSEWHERE):
            self._audit.note(detail.kind, detail.on_wire())
        self.link.publish(
            EventMessage(
                id=f"{self._session}-{self._events}",
                kind=detail.kind,
                time=iso(now.utc),
                mono_s=now.mono_s,
                camera=self._camera,
                session=self._session,
                detail=detail.on_wire(),
            )
        )

    def reply(
        self,
        command_id: str,
        command: str,
        result: Result,
        reason: str | None = None,
        *,
        recording: str | None = None,
        detail: Detail | None = None,
        lines: list[str] | None = None,
    ) -> None:
        """Answer a command, or send a part of the answer."""
        self.link.publish(
            Reply(
                id=command_id,
                command=command,
                result=result,
                reason=reason[:_TEXT_CHARS] if reason else None,
                state=self.wire_state,
                recording=recording,
                time=iso(self._clock.now().utc),
                detail=detail,
                lines=lines,
            )
        )

    def reject(self, error: MessageError) -> None:
        """A received message is no valid command, or too old to be carried out: log it, publish it, and answer it if
        it can be answered. Beyond a rate they are only counted: see `summarise_rejections`.
        """
        if not self._rejections.take(self._clock.mono_s()):
            self._unreported, self._newest_unreported = self._unreported + 1, str(error)
            return
        self.announce(f"rejected: {error}", "warning")
        self.emit(CommandRejected(reason=str(error)))
        if error.command_id:
            self.reply(error.command_id, error.command, "refused", str(error))

    def summarise_rejections(self) -> None:
        """Report how many messages were rejected and not reported one by one since the last call."""
        if self._unreported:
            count, self._unreported = self._unreported, 0
            reason = f"{count} more messages were rejected and not answered, the last one: {self._newest_unreported}"
            self.announce(f"rejected: {reason}", "warning")
            self.emit(CommandRejected(reason=reason))

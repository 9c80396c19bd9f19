"""What a camera says of itself: lines for the wearer and the log, events and replies for the fleet."""

from lapel.clock import Clock, iso
from lapel.errors import MessageError
from lapel.hardware.interfaces import Indicators
from lapel.link.interface import Link
from lapel.link.messages import CameraState, Detail, EventKind, EventMessage, Reply, Result
from lapel.logs import Level, Log
from lapel.states import State

_TEXT_CHARS = 500
_DETAIL_CHARS = 400


class Reporter:
    """One camera's voice. Never blocks: the link keeps what cannot be sent now."""

    def __init__(self, link: Link, clock: Clock, indicators: Indicators, log: Log, camera: str, session: str) -> None:
        self.link, self._clock, self._indicators, self.log = link, clock, indicators, log
        self._camera, self._session = camera, session
        self._events = 0
        self._state = State.OFF

    @property
    def state(self) -> State:
        """As it was last reported: *recording* only once something is on disk."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state
        self._indicators.show(state)

    @property
    def wire_state(self) -> CameraState:
        """By the name that goes over the wire."""
        return self.state.value

    def say(self, text: str, level: Level = "info") -> None:
        """To the wearer, and into the log."""
        self.log.add(text, level)
        self._indicators.say(text)

    def emit(self, kind: EventKind, **detail: str | float | bool | None) -> None:
        """An event, once and for good."""
        self._events += 1
        now = self._clock.now()
        said: Detail = {key: _short(value) for key, value in detail.items()}
        self.link.publish(
            EventMessage(
                id=f"{self._session}-{self._events}",
                kind=kind,
                time=iso(now.utc),
                mono_s=now.mono_s,
                camera=self._camera,
                session=self._session,
                detail=said,
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
        """The answer to a command, or a part of it."""
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
        """Something that came in is no command, or must not be carried out: answer it if it can be answered."""
        self.say(f"refused: {error}", "warning")
        self.emit("command-rejected", reason=str(error))
        if error.command_id:
            self.reply(error.command_id, error.command, "refused", str(error))


def _short(value: str | float | bool | None) -> str | float | bool | None:
    if isinstance(value, float):
        return round(value, 3)
    return value[:_DETAIL_CHARS] if isinstance(value, str) else value

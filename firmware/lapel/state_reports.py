"""Publishes a camera's state and telemetry, and reports what has changed about its flags."""

from collections.abc import Callable, Sequence

from lapel.clock import Clock, Instant
from lapel.hardware.interfaces import Footage
from lapel.link.event_details import (
    MicrophoneLost,
    MicrophoneRestored,
    MicrophoneSilent,
    PictureFrozen,
    StateChanged,
)
from lapel.link.interface import Link
from lapel.link.messages import StateMessage
from lapel.reporter import Reporter
from lapel.states import State
from lapel.status_messages import Current, StatusMessages
from lapel.wearer_signals import WearerSignals


class StateReports:
    """The state messages of one camera."""

    __slots__ = (
        "_clock",
        "_configuration",
        "_current",
        "_footage",
        "_link",
        "_messages",
        "_published_flags",
        "_reported_flags",
        "_reporter",
        "_signals",
        "since",
    )

    def __init__(
        self,
        messages: StatusMessages,
        link: Link,
        clock: Clock,
        footage: Footage,
        reporter: Reporter,
        signals: WearerSignals,
        *,
        current: Callable[[], Current],
        configuration: Callable[[], int],
    ) -> None:
        """`current`: what only the camera knows; `configuration`: the version in force."""
        self._messages, self._link, self._clock, self._footage = messages, link, clock, footage
        self._reporter, self._signals = reporter, signals
        self._current, self._configuration = current, configuration
        self._published_flags: Sequence[str] = ()
        self._reported_flags: Sequence[str] = ()
        self.since: Instant = clock.now()
        """When the reported state began."""

    def message(self) -> StateMessage:
        """The state message of this moment; also the birth message."""
        return self._messages.state(self._current(), self._configuration())

    def publish(self) -> None:
        """Publish the state."""
        message = self.message()
        self._published_flags = message.flags
        self._signals.set_flags(message.flags)
        self._link.publish(message)

    def change(self, state: State) -> bool:
        """The camera is in this state: report it unless it was reported. Returns whether it was not."""
        before = self._reporter.state
        if state is before:
            return False
        self._reporter.state = state
        self.since = self._clock.now()
        self._reporter.emit(StateChanged(before=before.value, after=state.value))
        return True

    def update_flags(self) -> None:
        """Report what flags have changed, and publish the state again if its flags are out of date."""
        flags, before = self._messages.flags(self._current()), self._reported_flags
        self._reported_flags = flags  # not those that were published: a change of state may have brought them already
        if flags != before:
            self._report_video(flags, before)
            self._report_microphone(flags, before)
        if flags != self._published_flags:
            self.publish()

    def _report_video(self, flags: Sequence[str], before: Sequence[str]) -> None:
        """Report what has changed about the frames."""
        if "frozen" in flags and "frozen" not in before:
            self._reporter.announce("the video is frozen", "warning")
            self._reporter.emit(PictureFrozen(seconds=self._footage.status().unchanged_s))

    def _report_microphone(self, flags: Sequence[str], before: Sequence[str]) -> None:
        """Report what has changed about the sound."""
        sound = self._footage.status().sound
        if sound is None:
            return
        if "microphone-lost" in flags and "microphone-lost" not in before:
            self._reporter.announce(f"no sound: {sound.lost}", "warning")
            self._reporter.emit(MicrophoneLost(reason=sound.lost or ""))
        elif "microphone-lost" in before and sound.lost is None:
            self._reporter.emit(MicrophoneRestored())
        if "silent-microphone" in flags and "silent-microphone" not in before:
            self._reporter.announce("the microphone is silent", "warning")
            self._reporter.emit(MicrophoneSilent(seconds=sound.silent_s))

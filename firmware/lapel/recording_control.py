"""The current recording of a camera: begins, marks, mutes and ends it."""

from collections.abc import Callable
from functools import partial

from lapel.categories import CategoryChoice
from lapel.clock import Clock, Instant
from lapel.fragment import LONGEST_GOP_S, Fragment
from lapel.hardware.interfaces import Footage
from lapel.inbox_event import InboxEvent
from lapel.link.event_details import Marker, Muted, Unmuted
from lapel.link.messages import Command
from lapel.live_view_reports import LiveViewReports
from lapel.media.active_recording import Recording
from lapel.media.recorder import Recorder
from lapel.recording import Cause
from lapel.recording_policy import RecordingPolicy, Ruling
from lapel.reporter import Reporter
from lapel.sanitize import plain
from lapel.timers import Timers
from lapel.wearer_signals import WearerSignals

_POST_EVENT = "post-event"


class RecordingControl:
    """What a camera does with its current recording, of which there is one at most."""

    __slots__ = (
        "_awaiting_start",
        "_categories",
        "_clock",
        "_footage",
        "_live_view",
        "_policy",
        "_publish_state",
        "_recorder",
        "_reporter",
        "_signals",
        "_since",
        "_timers",
        "current",
    )

    def __init__(
        self,
        recorder: Recorder,
        footage: Footage,
        clock: Clock,
        reporter: Reporter,
        signals: WearerSignals,
        categories: CategoryChoice,
        policy: RecordingPolicy,
        live_view: LiveViewReports,
        *,
        publish_state: Callable[[], None],
    ) -> None:
        self._recorder, self._footage, self._clock = recorder, footage, clock
        self._reporter, self._signals, self._categories = reporter, signals, categories
        self._policy, self._live_view, self._publish_state = policy, live_view, publish_state
        self._timers = Timers(clock)
        self._since = clock.now()
        self._awaiting_start: dict[str, Command] = {}
        self.current: Recording | None = None
        """The recording that grows; None without one."""

    @property
    def id(self) -> str | None:
        """The id of the current recording; None without one."""
        return self.current.id if self.current is not None else None

    @property
    def is_muted(self) -> bool:
        """Whether there is a recording, and it is muted."""
        return self.current is not None and self.current.is_muted

    @property
    def unwritten_bytes(self) -> int:
        """What of it waits for the disk."""
        return self.current.unwritten_bytes if self.current is not None else 0

    @property
    def in_post_event(self) -> bool:
        """Whether it goes on for the post-event time after its stop."""
        return self._timers.is_set(_POST_EVENT)

    def recorded_s(self) -> float:
        """Seconds since its trigger; 0 without one."""
        return self._clock.mono_s() - self._since.mono_s if self.current is not None else 0.0

    async def open(self, item: InboxEvent, ruling: Ruling, why_short: str | None) -> None:
        """Record the buffer as it is, then what follows; the GOP that is open at the press is cut and comes first.

        `why_short`: what is known about a pre-event part that will be short.
        """
        before = self._footage.before(item.at)
        self.current = self._recorder.begin(item.cause, item.at, before, why_short=why_short, decision=ruling.note)
        self._since = item.at
        self._policy.on_recording_started()
        self._live_view.begin(self.current.id, item.at, before.fragments)
        if item.command is not None:
            self._awaiting_start[self.current.id] = item.command
        if await self._footage.cut():
            self.current.pre_event_complete()

    def add(self, fragment: Fragment) -> None:
        """The newest fragment; ignored without a recording."""
        if self.current is not None:
            self.current.add(fragment)
            self._live_view.add(fragment)

    def await_post_event(self, seconds: float, over: Callable[[], None]) -> None:
        """Go on for the post-event time; then `over` is called."""
        self._timers.set(_POST_EVENT, seconds, over)

    async def close(self, cause: Cause, *, asks: bool) -> None:
        """End it; harmless without one. `asks`: whether the wearer is still there to choose a category."""
        self._timers.cancel(_POST_EVENT)
        if self.current is None:
            return
        stopped = self._clock.now()
        await self._footage.cut(wait_s=LONGEST_GOP_S)
        if self.current.is_muted:
            self.unmute(Cause("camera", "the recording ended"))
        recording, self.current = self.current, None
        self._policy.on_recording_ended(recording.id, cause)
        end = partial(recording.end, cause, stopped)
        if asks:
            self._categories.ask(recording, end)
        else:
            end()
        self._live_view.end()

    def mark(self, at: Instant, cause: Cause, label: str) -> None:
        """Set a marker."""
        if self.current is not None:
            label = plain(label.strip())
            self.current.mark(at, label)
            self._signals.signal("marker")
            self._reporter.emit(Marker(recording=self.current.id, source=cause.source, label=label))

    def mute(self, cause: Cause) -> None:
        """From now on, not from when it was requested: sound from before may be on the storage card."""
        if self.current is not None:
            now = self._clock.now()
            self._footage.set_muted(True, now)
            self.current.mute(now, cause)
            self._signals.set_muted(True)
            self._reporter.emit(Muted(recording=self.current.id, source=cause.source, reason=cause.reason))
            self._publish_state()

    def unmute(self, cause: Cause) -> None:
        """Record sound again."""
        if self.current is not None:
            now = self._clock.now()
            self._footage.set_muted(False, now)
            seconds = self.current.unmute(now)
            if cause.source != "camera":  # else the recording ends
                self._signals.set_muted(False)
            self._reporter.emit(Unmuted(recording=self.current.id, source=cause.source, seconds=seconds))
            self._publish_state()

    def take_start_command(self, recording: str) -> Command | None:
        """The command that started a recording, unless that was taken already: it is owed its final reply."""
        return self._awaiting_start.pop(recording, None)

    def shut_down(self) -> None:
        """The camera goes off: no post-event time any more."""
        self._timers.close()

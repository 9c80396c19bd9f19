"""The camera: joins the rooms. One inbox, one event at a time, and the only place where effects happen.

Everything that can happen to a camera comes through `_inbox`: a button, a command, a closed fragment's news, a notice
from the recorder. Events that decide the state go to the chart (`states.py`), which answers with effects or a refusal;
the effects are carried out here, in order, before the next thing is looked at.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from lapel import __version__
from lapel.buttons import ButtonWatch, Held
from lapel.check import Check
from lapel.clock import Clock, Instant, iso
from lapel.config import Config
from lapel.errors import MessageError, StorageError
from lapel.fragment import Fragment
from lapel.gestures import Gesture
from lapel.hardware.interfaces import (
    Battery,
    ButtonName,
    Buttons,
    Charge,
    Dock,
    Fix,
    Footage,
    FootageStatus,
    Indicators,
    Positioning,
    Storage,
    Switches,
)
from lapel.indications import REMIND_EVERY_S, WARN_EVERY_S, Repeated
from lapel.light_event import Inbox
from lapel.link.interface import Link
from lapel.link.messages import Command, Position, Reply, Result, StateMessage, Telemetry
from lapel.logs import Log
from lapel.media.recorder import Failed, Identity, Lost, Notice, PreEventSaved, Recorder, Recording, Saved, Started
from lapel.power import CRITICAL_PERCENT, MARKS, News, Power
from lapel.randomness import RandomSource
from lapel.recording import Cause
from lapel.remote_commands import TRIAL_S, RemoteCommands
from lapel.reporter import Reporter
from lapel.settings import Settings
from lapel.states import Chart, Effect, Event, Facts, Outcome, State
from lapel.worker import Worker

FAULT_RETRY_S = 5.0
"""Seconds between looks at what caused a fault, so that a mended card is noticed soon."""
FROZEN_S = 5.0
"""Seconds of one and the same picture after which it counts as frozen: our choice."""

_COMMANDS: Mapping[str, Event] = {
    "start-recording": Event.START,
    "stop-recording": Event.STOP,
    "arm": Event.ARM,
    "sleep": Event.SLEEP,
    "mark": Event.MARK,
}


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """An event for the chart: what, when, on whose word."""

    event: Event
    at: Instant
    cause: Cause
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How a camera stands, for a status line."""

    state: State
    reason: str
    flags: list[str]
    footage: FootageStatus
    recording: str | None
    recorded_s: float
    link: str
    """Empty while the link is up, else why it is not."""


class Camera:
    """One camera. Everything that it is made of is passed in; `run` is its life from power-on to power-off."""

    # Thousands share a machine when a fleet is simulated: so many names in a dictionary take 3 KB, in slots a tenth.
    __slots__ = (
        "_awaiting_start", "_battery", "_battery_warnings", "_began", "_buttons", "_chance", "_chart", "_clock",
        "_config", "_dock", "_fault", "_footage", "_free_bytes", "_has_pictures", "_inbox", "_indicators", "_link",
        "_mending", "_positioning", "_post_event", "_power", "_recorder", "_recording", "_recording_since",
        "_reminders", "_remote", "_reporter", "_session", "_settings", "_since", "_storage", "_storage_full",
        "_switches", "_told_flags", "_worker", "ended", "log", "recovered", "restarts",
    )  # fmt: skip

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        footage: Footage,
        storage: Storage,
        worker: Worker,
        link: Link,
        chance: RandomSource,
        session: str,
        indicators: Indicators,
        buttons: Buttons | None = None,
        switches: Switches | None = None,
        battery: Battery | None = None,
        dock: Dock | None = None,
        positioning: Positioning | None = None,
        settings: Settings | None = None,
        log: Log | None = None,
    ) -> None:
        """`session` is new at each start; `chance` is this camera's own stream of it. `settings` is where `config` came
        from and where changes of it go. A device that is None is one that this camera does not have.
        """
        self._config, self._clock, self._footage, self._storage = config, clock, footage, storage
        self._worker, self._link, self._chance = worker, link, chance
        self._indicators, self._buttons, self._session = indicators, buttons, session
        self._battery, self._dock, self._positioning = battery, dock, positioning
        self._switches = ButtonWatch(switches, clock, self._on_gesture) if switches is not None else None
        self._power = Power()
        self._settings = settings or Settings(config)
        who = config.camera
        self.log = log or Log(clock)
        self._reporter = Reporter(link, clock, indicators, self.log, who.name, session)
        self._remote = RemoteCommands(
            self._reporter, self._settings, worker, indicators, self_test=self.self_test, restart=self._restart_for
        )
        self._recorder = Recorder(
            storage,
            worker,
            clock,
            identity=Identity(who.agency, who.site, who.name, session, __version__),
            new_id=self._new_recording_id,
            max_clip_s=config.recording.max_clip_s,
            unwritten_max_bytes=config.prebuffer.max_bytes,
            notify=lambda notice: self._inbox.put(notice),
        )
        self._inbox = Inbox[InboxEvent | Notice | Command]()
        self._chart = Chart()
        self._since = self._began = clock.now()
        self._fault = ""
        self._recording: Recording | None = None
        self._recording_since = self._began
        self._awaiting_start: dict[str, Command] = {}
        self._post_event: asyncio.Task[None] | None = None
        self._mending: asyncio.Task[None] | None = None
        self._reminders = Repeated(clock, lambda: indicators.signal("recording"), REMIND_EVERY_S)
        self._battery_warnings = Repeated(clock, lambda: indicators.signal("low battery"), WARN_EVERY_S)
        self._told_flags: list[str] = []
        self._storage_full = False
        self._free_bytes = 0
        self._has_pictures = False
        self.recovered: list[str] = []
        """Recordings that an earlier session did not finish, found by this one."""
        self.ended = ""
        """Why it went off; empty while it runs."""
        self.restarts = False
        """Whether it went off to start anew, with the settings then in force."""

    # -- life --------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """From power-on until it is off: recordings finished, the fleet told. Ends early only when cancelled."""
        self._happen(Event.POWER_ON, Cause("camera", "power on"))
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._link.run(self), name="link"),
                group.create_task(self._watch(), name="watch"),
                *(group.create_task(watch, name="device") for watch in self._device_watches()),
            ]
            try:
                await self._live()
                await self._link.close(self.ended)
            finally:
                self._reminders.lasts(False)
                self._battery_warnings.lasts(False)
                for helper in (*helpers, self._mending, self._post_event):
                    if helper is not None:
                        helper.cancel()
                await self._recorder.abandon()  # nothing is left to abandon but when we are cancelled

    def press(self) -> None:
        """The recording button: starts a recording, or stops the one under way."""
        event = Event.STOP if self._chart.state == State.RECORDING else Event.START
        self._happen(event, Cause("button"))

    def mark(self) -> None:
        """The wearer sets a marker."""
        self._happen(Event.MARK, Cause("button"))

    def shut_down(self, reason: str) -> None:
        """End the session; a recording under way is finished first."""
        self._happen(Event.SHUT_DOWN, Cause("camera", reason))

    def restart(self, reason: str) -> None:
        """End the session so that the firmware starts anew; refused while recording."""
        self._happen(Event.RESTART, Cause("camera", reason))

    def identify(self, seconds: float) -> None:
        """Blink and beep."""
        self._indicators.identify(seconds)

    async def self_test(self) -> list[Check]:
        """Look at everything that a recording needs. Harmless at any time."""
        footage, link, quality = self._footage.status(), self._link.status(), self._clock.quality()
        storage = await self._storage_check()
        fps = f"{footage.measured_fps:.1f} pictures a second, {footage.buffered_s:.0f} s buffered"
        return [
            storage,
            Check("video", footage.lost is None and self._is_capturing(), footage.lost or fps),
            Check("clock", quality != "unsynced", quality),
            Check("link", link.up, link.reason or "up"),
            Check("events", not link.unkept, link.unkept or f"{link.events_waiting} waiting"),
        ]

    def charge(self) -> Charge | None:
        """What the battery's gauge reads; None where there is no battery."""
        return self._battery.charge() if self._battery is not None else None

    def last_fix(self) -> Fix | None:
        """Where it was last known to be; None where there is no receiver, or never was a fix."""
        return self._positioning.last_fix() if self._positioning is not None else None

    def satellites(self) -> int | None:
        """How many the receiver uses; None where there is none."""
        return self._positioning.satellites() if self._positioning is not None else None

    def is_docked(self) -> bool | None:
        """Whether it stands in its dock; None where it cannot tell."""
        return self._dock.is_docked() if self._dock is not None else None

    def held(self) -> Sequence[Held]:
        """The buttons that are down."""
        return self._switches.held() if self._switches is not None else ()

    @property
    def has_switches(self) -> bool:
        """Whether it can tell how long a button is held, and so whether somebody stands before it."""
        return self._switches is not None

    async def presence(self, within_s: float) -> bool:
        """Whether somebody holds the event button in that time. Such a hold does nothing else."""
        return self._switches is not None and await self._switches.presence(within_s)

    @property
    def state(self) -> State:
        """Where it stands in its chart."""
        return State(self._chart.state)

    def uptime_s(self) -> float:
        """Seconds since it was switched on, or started anew."""
        return self._clock.mono_s() - self._began.mono_s

    async def settled(self) -> None:
        """Wait until every recording that has ended is on disk, or has failed."""
        await self._recorder.settled()

    def status(self) -> CameraStatus:
        """How it stands right now."""
        since = self._recording_since
        return CameraStatus(
            state=State(self._chart.state),
            reason=self._fault,
            flags=self._flags(),
            footage=self._footage.status(),
            recording=self._recording.id if self._recording else None,
            recorded_s=self._clock.mono_s() - since.mono_s if self._recording else 0.0,
            link=self._link.status().reason,
        )

    async def _live(self) -> None:
        while self._chart.state != State.OFF or not self.ended:
            await self._take(await self._inbox.get())
        await self._recorder.settled()
        while self._inbox:  # the last notices: what was saved
            await self._take(await self._inbox.get())

    async def _take(self, item: InboxEvent | Notice | Command) -> None:
        if isinstance(item, InboxEvent):
            await self._decide(item)
        elif isinstance(item, Command):
            await self._remote.carry_out(item)
        else:
            self._notice(item)

    def _happen(self, event: Event, cause: Cause, command: Command | None = None) -> None:
        self._inbox.put(InboxEvent(event, self._clock.now(), cause, command))

    # -- events and effects ------------------------------------------------------------------------------------------

    async def _decide(self, happening: InboxEvent) -> None:
        outcome = self._chart.handle(happening.event, self._facts())
        if outcome.refusal is not None:
            self._refuse(happening, outcome.refusal)
            return
        if outcome.after is State.FAULT:
            self._fault = happening.cause.reason
            self._mending = asyncio.create_task(self._mend(), name="mend")
        elif outcome.before is State.FAULT:
            self._fault = ""
        if outcome.after is State.OFF:
            self.restarts = happening.event is Event.RESTART
            self.ended = happening.cause.reason or happening.cause.source
        for effect in outcome.effects:
            await self._carry_out(effect, happening, outcome)
        self._tell(happening, outcome)

    def _facts(self) -> Facts:
        return Facts(
            storage_full=self._storage_full,
            battery_critical=self._power.is_critical,
            post_event_asked=self._config.recording.postevent_s > 0 and self._post_event is None,
        )

    async def _carry_out(self, effect: Effect, happening: InboxEvent, outcome: Outcome) -> None:
        match effect:
            case Effect.SELF_TEST:
                await self._self_test()
            case Effect.START_CAPTURE:
                await self._footage.start(self)
            case Effect.STOP_CAPTURE:
                await self._footage.stop()
            case Effect.OPEN_RECORDING:
                await self._open_recording(happening, outcome)
            case Effect.CLOSE_RECORDING:
                await self._close_recording(happening.cause)
            case Effect.AWAIT_POST_EVENT:
                self._post_event = asyncio.create_task(self._await_post_event(happening.cause), name="post-event")
            case Effect.SET_MARKER:
                self._set_marker(happening)
            case _:
                assert_never(effect)

    async def _self_test(self) -> None:
        """See whether evidence can be kept, and what an earlier session left unfinished."""
        try:
            await self._check_and_recover()
        except StorageError as error:
            self._happen(Event.STORAGE_FAILED, Cause("camera", f"self-test failed: {error}"))
            return
        self._reporter.emit("booted", firmware=__version__)
        self._remote.tell_roll_back()
        self._happen(Event.SELF_TEST_PASSED, Cause("camera", "self-test passed"))

    async def _check_and_recover(self) -> None:
        """At boot, and when a card came back: another may have been put in. Raises StorageError."""
        await self._worker.run(self._storage.check)
        for account in await self._worker.run(self._storage.recover):
            self.recovered.append(account.recording)
            self._reporter.say(f"recovered {account.recording}: interrupted after {account.duration_s:.1f} s")
            self._reporter.emit(
                "recovered", recording=account.recording, duration_s=account.duration_s, frames=account.frames
            )

    async def _open_recording(self, happening: InboxEvent, outcome: Outcome) -> None:
        """The buffer as it is, then what comes; the GOP that was open at the press is cut and comes first."""
        why_short = "the camera was in standby" if outcome.before is State.STANDBY else None
        before = self._footage.before(happening.at)
        self._recording = self._recorder.begin(happening.cause, happening.at, before, why_short=why_short)
        self._recording_since = happening.at
        if happening.command is not None:
            self._awaiting_start[self._recording.id] = happening.command
        await self._footage.cut()
        self._recording.pre_event_complete()

    async def _close_recording(self, cause: Cause) -> None:
        if self._post_event is not None:
            self._post_event.cancel()
            self._post_event = None
        if self._recording is not None:
            await self._footage.cut()
            self._recording.end(cause)
            self._recording = None

    async def _await_post_event(self, cause: Cause) -> None:
        await self._clock.sleep(self._config.recording.postevent_s)
        self._post_event = None  # it is over: the event must not cancel the task that posts it
        self._happen(Event.POST_EVENT_OVER, cause)

    def _set_marker(self, happening: InboxEvent) -> None:
        if self._recording is not None:
            self._recording.mark(happening.at)
            self._reporter.emit("marker", recording=self._recording.id, source=happening.cause.source)

    # -- footage: what the lens says ---------------------------------------------------------------------------------

    def on_fragment(self, fragment: Fragment) -> None:
        """Straight to the recording: fragments must not wait behind events."""
        self._has_pictures = True
        if self._recording is not None:
            self._recording.add(fragment)

    def on_source_lost(self, reason: str) -> None:
        """A gap, not an end."""
        self._reporter.say(f"no pictures: {reason}")
        self._reporter.emit("source-lost", reason=reason)
        self._publish_state()

    def on_source_restored(self) -> None:
        """The gap is over."""
        self._reporter.emit("source-restored")
        self._publish_state()

    def on_source_ended(self, reason: str) -> None:
        """Nothing more to record."""
        self._happen(Event.VIDEO_ENDED, Cause("camera", reason))

    # -- recorder: what is on disk -----------------------------------------------------------------------------------

    def _notice(self, notice: Notice) -> None:
        match notice:
            case Started(recording):
                self._report(State(self._chart.state))
                self._reporter.emit("recording-started", recording=recording.id)
                self._answer_start(recording.id, "done")
            case PreEventSaved(recording, actual_s, configured_s, shortfall):
                self._reporter.emit(
                    "prebuffer-saved",
                    recording=recording.id,
                    actual_s=actual_s,
                    configured_s=configured_s,
                    shortfall=shortfall,
                )
            case Saved(account):
                self._reporter.say(
                    f"saved {account.recording}: {account.duration_s:.1f} s, "
                    f"{account.prebuffer_actual_s:.1f} of {account.prebuffer_configured_s:g} s from before the press"
                )
                self._reporter.emit(
                    "recording-saved",
                    recording=account.recording,
                    duration_s=account.duration_s,
                    frames=account.frames,
                    dropped_frames=account.dropped_frames,
                    gaps=len(account.gaps),
                )
                self._answer_start(account.recording, "failed", "it ended before there was a picture")
            case Lost(recording, frames, seconds, reason):
                self._reporter.say(f"LOST {frames} pictures ({seconds:.1f} s) of {recording.id}: {reason}")
                self._reporter.emit(
                    "footage-lost", recording=recording.id, frames=frames, seconds=seconds, reason=reason
                )
            case Failed(recording, error):
                self._reporter.emit("recording-failed", recording=recording.id, reason=str(error))
                self._answer_start(recording.id, "failed", str(error))
                self._happen(Event.STORAGE_FAILED, Cause("camera", str(error)))

    # -- link: what the fleet says -----------------------------------------------------------------------------------

    def on_command(self, command: Command) -> None:
        """A command came; `status` is answered at once, the others are events like any other."""
        if command.command == "status":
            self._reply(command, "done")
            self._link.publish(self._telemetry())
            return
        self._reporter.emit(
            "command-accepted", command=command.command, id=command.id, sender=command.sender, reason=command.reason
        )
        event = _COMMANDS.get(command.command)
        if event is None:
            self._inbox.put(command)
        else:
            self._happen(event, Cause("command", command.reason, command.id), command)

    def on_unfinished(self, reply: Reply) -> None:
        """The restart in between was the command's own doing, or its end."""
        self._remote.resume(reply)

    def on_bad_command(self, error: MessageError) -> None:
        """Answer it if it can be answered, put it on record in any case."""
        self._reporter.reject(error)

    def on_dropped(self, dropped: Mapping[str, int]) -> None:
        """Say so: what is missing must not be missed."""
        self._reporter.say(f"events given up: {dict(dropped)}", "error")
        self._reporter.emit("events-dropped", **dropped)

    def on_link(self, up: bool, reason: str) -> None:
        """The camera works the same either way; only a duplicate name ends with the link coming up."""
        self._reporter.say("link up" if up else f"link down: {reason}")
        if up and self._chart.state == State.FAULT and self._fault.startswith(_DUPLICATE):
            self._happen(Event.FAULT_CLEARED, Cause("camera", "the name is ours again"))

    def on_duplicate(self, session: str) -> None:
        """Two cameras under one name: nobody could say later which of them recorded what."""
        reason = f"{_DUPLICATE} {self._config.camera.name} (session {session}); give each camera a name of its own"
        self._reporter.say(reason)
        self._reporter.emit("duplicate-name", session=session)
        self._happen(Event.DUPLICATE_NAME, Cause("camera", reason))

    def state_message(self) -> StateMessage:
        """The birth: what it is now. *recording* is said only once the first fragment is on disk."""
        who = self._config.camera
        return StateMessage(
            state=self._reporter.wire_state,
            agency=who.agency,
            site=who.site,
            camera=who.name,
            session=self._session,
            firmware=__version__,
            flags=self._flags(),
            time=iso(self._clock.now().utc),
            since=iso(self._since.utc),
            reason=self._fault[:500] or None,
            recording=self._recording.id if self._recording and self._reporter.state is State.RECORDING else None,
            configuration=self._settings.version,
        )

    async def _restart_for(self, command: Command) -> str | None:
        """The restart that a command needs, or why the chart refuses it."""
        if (reason := self._chart.refusal(Event.RESTART, self._facts())) is not None:
            return reason
        cause = Cause("command", f"restart: {command.reason or command.command}", command.id)
        await self._decide(InboxEvent(Event.RESTART, self._clock.now(), cause))
        return None

    # -- saying so ---------------------------------------------------------------------------------------------------

    def _tell(self, happening: InboxEvent, outcome: Outcome) -> None:
        """After the effects: the new state, and the answer to a command."""
        if outcome.after is not outcome.before:
            self._reporter.say(f"{outcome.after}" + (f": {self._fault}" if self._fault else ""))
            if outcome.after is not State.RECORDING:  # recording is reported when something is on disk
                self._report(outcome.after)
        if happening.event in (Event.STORAGE_FULL, Event.STORAGE_FAILED):
            self._reporter.emit("storage-failed", reason=self._fault)
        if happening.command is not None and happening.event is not Event.START:
            self._reply(happening.command, "done")

    def _report(self, state: State) -> None:
        before = self._reporter.state
        if state is before:
            return
        self._reporter.state = state
        self._since = self._clock.now()
        self._reminders.lasts(state is State.RECORDING)
        self._reporter.emit("state-changed", before=before.value, after=state.value)
        self._publish_state()

    def _refuse(self, happening: InboxEvent, reason: str) -> None:
        if happening.event in (Event.STORAGE_FAILED, Event.SELF_TEST_PASSED):
            return  # a fault that goes on is no news; neither is a camera that stays in its dock
        if happening.event is Event.START:
            self._indicators.signal("refused")
        self._reporter.say(f"refused {happening.event.replace('_', ' ')}: {reason}")
        self._reporter.emit("refused", event=happening.event.value, source=happening.cause.source, reason=reason)
        if happening.command is not None:
            self._reply(happening.command, "refused", reason)

    def _answer_start(self, recording: str, result: Result, reason: str | None = None) -> None:
        """The end of the command that began it, unless it has had one."""
        command = self._awaiting_start.pop(recording, None)
        if command is not None:
            self._reply(command, result, reason, recording)

    def _reply(self, command: Command, result: Result, reason: str | None = None, recording: str | None = None) -> None:
        clip = recording or (self._recording.id if self._recording else None)
        self._reporter.reply(command.id, command.command, result, reason, recording=clip)

    def _publish_state(self) -> None:
        message = self.state_message()
        self._told_flags = message.flags
        self._link.publish(message)

    def _flags(self) -> list[str]:
        flags = []
        footage = self._footage.status()
        if self._is_capturing() and footage.lost is not None:
            flags.append("source-lost")
        elif self._is_capturing() and (footage.unchanged_s or 0.0) >= FROZEN_S:
            flags.append("frozen")
        if self._clock.quality() == "unsynced":
            flags.append("clock-unsynced")
        if self._post_event is not None:
            flags.append("post-event")
        if self._link.status().unkept:
            flags.append("events-in-memory")
        return flags + self._power.flags()

    def _is_capturing(self) -> bool:
        return self._chart.state in (State.BUFFERING, State.RECORDING)

    # -- watching ----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Storage, picture and telemetry, at the telemetry interval. Cameras that are switched on together, as after a
        roll call, do not report together.
        """
        wait_s = self._chance.uniform(0.0, self._config.link.telemetry_s)
        while True:
            await self._look_at_storage()
            self._look_at_flags()
            if self._link.status().up:
                self._link.publish(self._telemetry())
            await self._clock.sleep(wait_s)
            wait_s = self._config.link.telemetry_s

    def _look_at_flags(self) -> None:
        """Say what came true beside the state, or is no longer."""
        flags, before = self._flags(), self._told_flags
        if flags == before:
            return
        if "frozen" in flags and "frozen" not in before:
            self._reporter.say("the picture is frozen", "warning")
            self._reporter.emit("picture-frozen", seconds=self._footage.status().unchanged_s)
        self._publish_state()

    async def _mend(self) -> None:
        """See whether the fault's cause is gone, until it is. A duplicate name is for the link to clear."""
        while self._chart.state == State.FAULT:
            await self._clock.sleep(FAULT_RETRY_S)
            await self._look_at_storage()

    async def _look_at_storage(self) -> None:
        try:
            self._free_bytes = await self._worker.run(self._storage.free_bytes)
            self._storage_full = self._free_bytes < self._config.recording.min_free_bytes
            if self._chart.state == State.FAULT and not self._fault.startswith(_DUPLICATE):
                await self._recorder.settled()  # what just failed is not an earlier session's
                await self._check_and_recover()
                self._happen(Event.FAULT_CLEARED, Cause("camera", "the storage works again"))
            elif self._storage_full and self._chart.state in (State.BUFFERING, State.STANDBY):
                self._happen(
                    Event.STORAGE_FULL, Cause("camera", "the storage is full; offload recordings to make room")
                )
        except StorageError as error:
            self._happen(Event.STORAGE_FAILED, Cause("camera", str(error)))

    async def _storage_check(self) -> Check:
        try:
            await self._worker.run(self._storage.check)
            free = await self._worker.run(self._storage.free_bytes)
        except StorageError as error:
            return Check("storage", False, str(error))
        return Check("storage", True, f"{free / 1e9:.1f} GB free")

    async def _watch_trial(self) -> None:
        """Changed settings must bring pictures, and the broker where there is one, or they are taken back."""
        trouble = None
        deadline_s = self._clock.mono_s() + TRIAL_S
        while self._unproved():
            if self._clock.mono_s() >= deadline_s:
                trouble = f"after {TRIAL_S:g} s there {self._unproved()}"
                break
            await self._clock.sleep(1.0)
        if await self._remote.settle_trial(trouble):
            self.restart("the configuration before is put in force again")
        self._publish_state()

    def _unproved(self) -> str:
        if not (self._has_pictures or self._footage.status().buffered_s > 0):
            return "were still no pictures" + (f" ({self._fault})" if self._fault else "")
        link = self._link.status()
        return f"was still no broker ({link.reason})" if self._config.link.broker and not link.up else ""

    async def _watch_buttons(self, buttons: Buttons) -> None:
        async for action in buttons.presses():
            match action:
                case "event":
                    self.press()
                case "mark":
                    self.mark()
                case "quit":
                    self.shut_down("ended by the user")

    def _on_gesture(self, button: ButtonName, gesture: Gesture) -> None:
        """Twice starts, held stops, once marks; the power button, held, switches off."""
        is_recording = self._chart.state == State.RECORDING
        match button, gesture:
            case "event", "double press" if not is_recording:
                self._happen(Event.START, Cause("button"))
            case "event", "hold" if is_recording:
                self._happen(Event.STOP, Cause("button"))
            case "event", "press" if is_recording:
                self.mark()
            case "power", "hold":
                self._happen(Event.POWER_OFF, Cause("button", "switched off"))

    def _device_watches(self) -> Iterator[Coroutine[None, None, None]]:
        """One for each device that this camera has, and one for settings that have to prove themselves."""
        if self._settings.on_trial:
            yield self._watch_trial()
        if self._buttons is not None:
            yield self._watch_buttons(self._buttons)
        if self._switches is not None:
            yield self._switches.run()
        if self._battery is not None:
            yield self._watch_battery(self._battery)
        if self._dock is not None:
            yield self._watch_dock(self._dock)

    async def _watch_battery(self, battery: Battery) -> None:
        while True:
            charge = battery.charge()
            for news in self._power.read(charge):
                self._tell_power(news, charge)
            self._battery_warnings.lasts(self._power.is_low)
            self._look_at_flags()
            await battery.crossed(MARKS)

    def _tell_power(self, news: News, charge: Charge) -> None:
        """A low battery stops nothing; a critical one ends the session while the recording can still be finished."""
        facts = {"percent": charge.percent, "minutes_left": charge.minutes_left, "temperature_c": charge.temperature_c}
        self._reporter.emit(news, **facts)
        match news:
            case "battery-low":
                self._reporter.say(f"the battery is low: {charge.percent:.0f} %", "warning")
                self._indicators.signal("low battery")
            case "battery-critical":
                self._indicators.signal("critical battery")
                self._happen(Event.BATTERY_CRITICAL, Cause("camera", _CRITICAL))
            case "overheated":
                self._reporter.say(f"the battery is hot: {charge.temperature_c:.0f} °C", "warning")

    async def _watch_dock(self, dock: Dock) -> None:
        was_docked = False
        while True:
            if dock.is_docked() is not was_docked:
                was_docked = not was_docked
                words = "put into the dock" if was_docked else "taken out of the dock"
                self._happen(Event.DOCK if was_docked else Event.UNDOCK, Cause("dock", words))
                if self._power.is_critical:  # in the dock that was no reason to go off
                    self._happen(Event.BATTERY_CRITICAL, Cause("camera", _CRITICAL))
            await dock.changed()

    def _telemetry(self) -> Telemetry:
        footage, link, now = self._footage.status(), self._link.status(), self._clock.now()
        charge, fix = self.charge(), self.last_fix()
        minutes_left = charge.minutes_left if charge else None
        return Telemetry(
            time=iso(now.utc),
            session=self._session,
            state=self._reporter.wire_state,
            uptime_s=round(self.uptime_s(), 3),
            buffered_s=round(footage.buffered_s, 3),
            buffered_bytes=footage.buffered_bytes,
            measured_fps=round(footage.measured_fps, 2),
            dropped_frames=footage.dropped_frames,
            unwritten_bytes=self._recording.unwritten_bytes if self._recording else 0,
            events_waiting=link.events_waiting,
            events_dropped=link.events_dropped,
            storage_free_bytes=self._free_bytes,
            battery_percent=round(charge.percent, 1) if charge else None,
            battery_minutes_left=round(minutes_left, 1) if minutes_left is not None else None,
            temperature_c=round(charge.temperature_c, 1) if charge else None,
            position=_position(fix) if fix else None,
        )

    def _new_recording_id(self) -> str:
        return f"{self._clock.now().utc:%Y%m%dT%H%M%SZ}-{self._chance.getrandbits(32):08x}"


def _position(fix: Fix) -> Position:
    return Position(
        latitude=round(fix.latitude, _DEGREE_DIGITS),
        longitude=round(fix.longitude, _DEGREE_DIGITS),
        accuracy_m=round(fix.accuracy_m, 1),
        age_s=round(fix.age_s, 1),
    )


_DEGREE_DIGITS = 6  # a tenth of a metre
_CRITICAL = f"the battery is critical: {CRITICAL_PERCENT:g} % or less"
_DUPLICATE = "another live camera is called"

"""The camera: joins the parts. One inbox, one event at a time, and the only place where effects happen.

Everything that can happen to a camera comes through `_inbox`: a button, a command, a notice from the recorder. Events
that decide the state go to the chart (`states.py`), which answers with effects or a refusal; the effects are carried
out here, in order, before the next item is taken.

Beside it: `recording_control.py` has the current recording, `state_reports.py` publishes state and flags,
`link_events.py` and `footage_events.py` take what link and video source report, `recording_policy.py` applies the
agency's rules, `device_watches.py`, `trigger_watch.py` and `storage_watch.py` watch the devices, `wearer_controls.py`
carries out gestures, `remote_commands.py` the commands that are no events of the chart, `offload_watch.py` lets
recordings leave, and `settings_trial.py` tries changed settings.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import assert_never

from lapel import __version__
from lapel.audit_entry import Value
from lapel.audit_trail import AuditTrail
from lapel.buttons import HeldButton
from lapel.capture_reason import (
    SWITCHED_ON,
    after_power_loss,
    after_restart,
    capture_reason,
    requester,
    restart_reason,
)
from lapel.categories import CategoryChoice, categories_of
from lapel.check import Check
from lapel.clock import Clock, Instant
from lapel.config import Config, fingerprint
from lapel.device_watches import BatteryWatch, watch_dock, watch_keys
from lapel.errors import StorageError
from lapel.footage_events import FootageEvents
from lapel.fragment import Fragment
from lapel.hardware.devices import Devices
from lapel.hardware.interfaces import (
    Footage,
    Retention,
    Storage,
)
from lapel.inbox_event import InboxEvent, event_of
from lapel.light_event import Inbox
from lapel.link import event_details as detail
from lapel.link.interface import Link
from lapel.link.messages import Command, Result, StateMessage
from lapel.link_events import LinkEvents
from lapel.live_view.live_view import LiveView
from lapel.live_view_reports import LiveViewReports
from lapel.logs import Log
from lapel.media.notices import Failed, Notice, Saved, Started
from lapel.media.recorder import Identity, Recorder
from lapel.offload_watch import OffloadParts, OffloadWatch
from lapel.policy.declarations import Declarations
from lapel.policy.profile import Profile, TriggerSource, development
from lapel.randomness import RandomSource
from lapel.recording import Cause
from lapel.recording_control import RecordingControl
from lapel.recording_policy import NOT_SUBJECT, RecordingPolicy, Ruling
from lapel.recording_reports import report_notice
from lapel.remote_commands import RemoteCommands
from lapel.reporter import Reporter
from lapel.retention_watch import RetentionWatch
from lapel.settings import Settings
from lapel.settings_trial import SettingsTrial
from lapel.shift_check import ShiftCheck, check_battery, check_key, check_sound, check_video
from lapel.state_reports import StateReports
from lapel.states import Chart, Effect, Event, Facts, Outcome, State
from lapel.status_messages import CameraStatus, Current, StatusMessages
from lapel.storage_watch import StorageWatch
from lapel.trigger_watch import TriggerWatch
from lapel.wearer_controls import WearerControls, WearerStatus, wearer_signals
from lapel.wearer_store import WearerStore
from lapel.worker import Worker

FAULT_RETRY_S = 5.0
"""Seconds between checks whether the cause of a fault is gone, so that a repaired card is noticed soon."""

_ALREADY_SO = {Event.SHUT_DOWN, Event.POWER_OFF, Event.RESTART}
"""Requests that a camera which is off has fulfilled: a second SIGTERM is no refusal."""


class Camera:
    """One camera. Its parts are passed in; `run` lasts from power-on to power-off."""

    # Thousands share a machine when a fleet is simulated: so many names in a dictionary take 3 KB, in slots a tenth.
    __slots__ = (
        "_asleep",
        "_audit",
        "_battery_watch",
        "_began",
        "_busy_since_s",
        "_categories",
        "_chart",
        "_check_key",
        "_clock",
        "_config",
        "_controls",
        "_fault",
        "_footage",
        "_inbox",
        "_link",
        "_live_view",
        "_messages",
        "_recorder",
        "_recording",
        "_remote",
        "_repairing",
        "_reporter",
        "_retention",
        "_rng",
        "_settings",
        "_shift",
        "_signals",
        "_started",
        "_states",
        "_storage",
        "_switches",
        "_time_zone",
        "_trial",
        "devices",
        "ended",
        "footage_events",
        "link_events",
        "log",
        "offload",
        "policy",
        "powers_off",
        "recovered",
        "restarts",
    )

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        footage: Footage,
        storage: Storage,
        devices: Devices,
        worker: Worker,
        link: Link,
        rng: RandomSource,
        session: str,
        settings: Settings | None = None,
        log: Log | None = None,
        time_zone: str = "UTC",
        retention: Retention | None = None,
        wearer: WearerStore | None = None,
        check_key: Callable[[], str] = lambda: "recordings are not signed",
        profile: Profile | None = None,
        declarations: Declarations | None = None,
        live_view: LiveView | None = None,
        offload: OffloadParts | None = None,
    ) -> None:
        """`session` is new at each start; `rng` is this camera's own random stream. `settings` is where `config` came
        from and where changes to it are written. Without `retention` nothing is deleted from the storage card, without
        `offload` nothing leaves it. `wearer` keeps what concerns the wearer across restarts. `check_key` blocks; it
        returns in words what evidence is signed with, or raises StorageError. Without a policy's `profile` there are no
        rules; `declarations` are what an earlier session left declared.

        Raises ConfigError for a table of indications or a list of categories that cannot be used.
        """
        self._config, self._clock, self._footage, self._link = config, clock, footage, link
        self._time_zone, self._rng, self.devices = time_zone, rng, devices
        self._settings = settings or Settings(config)
        identity = config.camera
        self.log = log or Log(clock)
        self._audit = AuditTrail(storage, worker, clock, session, config.evidence.heartbeat_s)
        wearer = wearer or WearerStore()
        self._signals = wearer_signals(config.controls, devices.indicators, clock, wearer)
        self._reporter = Reporter(link, clock, self._signals, self.log, identity.name, session, self._audit)
        self._categories = CategoryChoice(
            categories_of(config.recording), config.controls.ask_category_s, clock, self._reporter, self._signals,
            lambda: self._recording.current,
        )  # fmt: skip
        self._controls = WearerControls(
            config.controls, wearer, worker, self._reporter, self._signals, self._post, self._wearer_status,
            self._categories, on_change=self._publish_state,
        )  # fmt: skip
        self._switches = self._controls.watch(devices.switches, clock) if devices.switches is not None else None
        self._storage = StorageWatch(storage, worker, config.recording.min_free_bytes)
        self._retention = RetentionWatch(retention, worker, clock, self._audit, self._reporter)
        self._battery_watch = BatteryWatch(
            devices.battery, self._reporter, self._signals, self._post, self._update_flags
        )
        self._live_view = LiveViewReports(live_view, self._reporter, self._signals, self._update_flags)
        self._messages = StatusMessages(
            identity,
            session,
            clock,
            footage,
            link,
            self._reporter,
            self._battery_watch.power,
            devices,
        )
        self._check_key = partial(worker.run, check_key)
        self._shift = ShiftCheck(
            config.controls.self_test, clock, self._reporter, footage, self.self_test, lambda: self.state, self._post
        )
        self.policy = RecordingPolicy(
            profile or development(),
            declarations or Declarations(),
            clock,
            time_zone,
            self._reporter,
            self._signals,
            worker,
            state=lambda: self.state,
            last_fix=devices.last_fix,
            update_flags=self._update_flags,
        )
        self.offload = OffloadWatch(
            offload,
            config.offload,
            worker,
            clock,
            rng,
            self._reporter,
            devices.battery,
            state=lambda: self.state,
            update_flags=self._update_flags,
        )
        """When recordings leave for the evidence back end."""
        self._remote = RemoteCommands(
            self._reporter,
            self._settings,
            worker,
            self._signals,
            self.policy,
            wearer=self._controls,
            self_test=self._shift.run,
            restart=self._restart_for,
            offload=self.offload.carry_out,
            resume_offload=self.offload.resume,
        )
        self._trial = SettingsTrial(clock, footage, link, self._remote, has_broker=bool(config.link.broker))
        self._recorder = Recorder(
            storage,
            worker,
            clock,
            identity=Identity(
                identity.agency,
                identity.site,
                identity.name,
                identity.model,
                session,
                __version__,
                time_zone,
                config.audio.in_prebuffer,
                config.video.codec == "copy",
            ),
            new_id=self._new_recording_id,
            max_clip_s=config.recording.max_clip_s,
            unwritten_max_bytes=config.prebuffer.max_bytes,
            notify=lambda notice: self._inbox.put(notice),
            last_fix=devices.last_fix,
            records_sound=lambda: self._footage.status().sound is not None,
            attribution=self._controls.attribution,
        )
        self._recording = RecordingControl(
            self._recorder,
            footage,
            clock,
            self._reporter,
            self._signals,
            self._categories,
            self.policy,
            self._live_view,
            publish_state=self._publish_state,
        )
        self._states = StateReports(
            self._messages,
            link,
            clock,
            footage,
            self._reporter,
            self._signals,
            current=self._current,
            configuration=lambda: self._settings.version,
        )
        self.footage_events = FootageEvents(
            self._reporter,
            on_fragment=self._on_fragment,
            on_ended=lambda reason: self._post(Event.VIDEO_ENDED, Cause("camera", reason)),
            publish_state=self._publish_state,
        )
        self.link_events = LinkEvents(
            link,
            self._reporter,
            self._remote,
            state_message=self._states.message,
            on_command=self.on_command,
            update_flags=self._update_flags,
        )
        self._inbox = Inbox[InboxEvent | Notice | Command]()
        self._chart = Chart()
        self._began = clock.now()
        self._started = SWITCHED_ON
        self._fault = ""
        self._asleep = ""
        self._repairing: asyncio.Task[None] | None = None
        self._busy_since_s: float | None = None
        self.recovered: list[str] = []
        """Recordings that an earlier session did not finish, found by this one."""
        self.ended = ""
        """Why it switched off; empty while it runs."""
        self.restarts = False
        """Whether it switched off in order to start again with the settings then in force."""
        self.powers_off = False
        """Whether the board should go off with it: by the power button, or because the battery is critical."""

    # -- life --------------------------------------------------------------------------------------------------------

    async def run(self, restarted_because: str = "") -> None:
        """Run from power-on until it is off, with recordings finished and the last message sent; or until cancelled.

        `restarted_because`: why the previous camera of this process restarted (its `ended`); empty for the first camera
        of a process.
        """
        if restarted_because:
            self._started = after_restart(restarted_because)
        self._audit.note("power-on", self._audited_setup(restarted_because))
        self.policy.begin()
        self._post(Event.POWER_ON, Cause("camera", "power on"))
        async with asyncio.TaskGroup() as group:
            auditing = group.create_task(self._audit.run(), name="audit")
            helpers = [
                group.create_task(self._link.run(self.link_events), name="link"),
                group.create_task(self._report_regularly(), name="telemetry"),
                group.create_task(self.offload.run(), name="offload"),
                *(group.create_task(watch, name="device") for watch in self._device_watches()),
            ]
            try:
                await self._process_inbox()
                await self._link.close(self.ended)
                self._audit.note("power-off", {"reason": self.ended})
                self._audit.close()
                await auditing
            finally:
                auditing.cancel()
                self._signals.close()
                self._shift.close()
                self.policy.close()
                self._recording.shut_down()
                self._live_view.close()
                for helper in (*helpers, self._repairing):
                    if helper is not None:
                        helper.cancel()
                await self._recorder.abandon()  # only a cancelled camera still has something to abandon

    def press(self) -> None:
        """The recording button: starts a recording, or stops the current one."""
        event = Event.STOP if self._chart.state == State.RECORDING else Event.START
        self._post(event, Cause("button"))

    def mark(self) -> None:
        """The wearer sets a marker."""
        self._post(Event.MARK, Cause("button"))

    def mute(self, reason: str, source: str = "button") -> str | None:
        """Record silence from now on. Returns why that is refused; None when it is not."""
        return self._request(Event.MUTE, Cause(source, reason))

    def unmute(self, source: str = "button") -> str | None:
        """Record sound again. Returns why that is refused; None when it is not."""
        return self._request(Event.UNMUTE, Cause(source))

    def _request(self, event: Event, cause: Cause) -> str | None:
        self._post(event, cause)  # a refusal is reported, too
        refusal = self._chart.refusal(event, self._facts())
        return self.policy.mute_refusal() if refusal is None and event is Event.MUTE else refusal

    def shut_down(self, reason: str) -> None:
        """End the session; a recording in progress is finished first."""
        self._post(Event.SHUT_DOWN, Cause("camera", reason))

    def restart(self, reason: str) -> None:
        """End the session so that the firmware starts again; refused while recording.

        `reason`: in words that follow "after a".
        """
        self._post(Event.RESTART, Cause("camera", reason))

    def audit(self, event: str, detail: Mapping[str, Value]) -> None:
        """Note in the audit log what was done to the camera otherwise than by a command: at its service port."""
        self._audit.note(event, detail)

    def identify(self, seconds: float) -> str | None:
        """Blink and beep. Returns why that is refused; None when it is not."""
        return self._signals.identify(seconds)

    async def run_self_test(self, by: str) -> list[Check]:
        """Check everything that a recording needs, and put the result on record."""
        return await self._shift.run(by)

    async def self_test(self) -> list[Check]:
        """Check everything that a recording needs. Harmless at any time."""
        link, quality = self._link.status(), self._clock.quality()
        return [
            await self._storage.self_test(),
            await check_key(self._check_key),
            check_video(self._footage.status(), is_capturing=self._current().is_capturing),
            check_sound(self._footage.status().sound),
            check_battery(self.devices.charge()),
            Check("clock", quality != "unsynced", quality),
            Check("link", link.up or not self._config.link.broker, link.reason or "up"),
            Check("events", not link.not_persisted, link.not_persisted or f"{link.events_waiting} waiting"),
        ]

    @property
    def wearer(self) -> WearerControls:
        """What concerns its wearer: assignment, category, stealth, notes."""
        return self._controls

    def held(self) -> Sequence[HeldButton]:
        """The buttons that are down."""
        return self._switches.held() if self._switches is not None else ()

    @property
    def has_switches(self) -> bool:
        """Whether it measures how long a button is held, which shows that a person is present."""
        return self._switches is not None

    async def presence(self, within_s: float) -> bool:
        """Whether the event button is held within that time. Such a hold does nothing else."""
        return self._switches is not None and await self._switches.presence(within_s)

    @property
    def state(self) -> State:
        """Its state in the chart."""
        return State(self._chart.state)

    def uptime_s(self) -> float:
        """Seconds since it was switched on or restarted."""
        return self._clock.mono_s() - self._began.mono_s

    async def settled(self) -> None:
        """Wait until every recording that has ended is on disk, or has failed."""
        await self._categories.settled()
        await self._recorder.settled()

    def status(self) -> CameraStatus:
        """Its status at this moment."""
        now = self._current()
        return CameraStatus(
            state=now.state,
            reason=self._fault,
            flags=self._messages.flags(now),
            footage=self._footage.status(),
            recording=now.recording,
            recorded_s=self._recording.recorded_s(),
            link=self._link.status().reason,
        )

    def state_message(self) -> StateMessage:
        """The state message of this moment."""
        return self._states.message()

    def _current(self) -> Current:
        recording = self._recording
        return Current(
            state=State(self._chart.state),
            since=self._states.since,
            fault=self._fault,
            recording=recording.id,
            in_post_event=recording.in_post_event,
            is_muted=recording.is_muted,
            wearer_flags=self._controls.flags(),
            declared=self.policy.flags(),
            live_view=self._live_view.address,
            is_watched=self._live_view.is_watched,
            offload_flags=self.offload.flags(),
        )

    def _audited_setup(self, reason: str) -> dict[str, Value]:
        """What the audit log says about a session when it begins."""
        return {
            "reason": reason,
            "firmware": __version__,
            "configuration": fingerprint(self._config),
            "version": self._settings.version,
            "time_zone": self._time_zone,
            "profile": self.policy.profile.name,
        }

    def silent_s(self) -> float:
        """Seconds for which it has been busy with one item of its inbox; 0 while it waits for the next."""
        return 0.0 if self._busy_since_s is None else self._clock.mono_s() - self._busy_since_s

    async def _process_inbox(self) -> None:
        while self._chart.state != State.OFF or not self.ended:
            item = await self._inbox.get()
            self._busy_since_s = self._clock.mono_s()
            await self._process(item)
            self._busy_since_s = None
        await self._recorder.settled()
        await self._recorder.save_failed()
        while self._inbox:  # the last notices: what was saved
            await self._process(await self._inbox.get())

    async def _process(self, item: InboxEvent | Notice | Command) -> None:
        if isinstance(item, InboxEvent):
            await self._decide(item)
        elif isinstance(item, Command):
            await self._remote.carry_out(item)
        else:
            self._on_notice(item)

    def _post(self, event: Event, cause: Cause, command: Command | None = None) -> None:
        self._inbox.put(InboxEvent(event, self._clock.now(), cause, command))

    # -- events and effects ------------------------------------------------------------------------------------------

    async def _decide(self, item: InboxEvent) -> None:
        """The state chart is asked first: what cannot be done is not a question of policy."""
        facts = self._facts()
        if (refusal := self._chart.refusal(item.event, facts)) is not None:
            self._report_refusal(item, refusal)
            return
        ruling = self._rule(item)
        if ruling.answer == "refuse":
            self._report_refusal(item, ruling.reason, ruling.rule)
        elif ruling.answer == "allow":
            await self._transition(item, self._chart.handle(item.event, facts), ruling)

    def _rule(self, item: InboxEvent) -> Ruling:
        """What the policy says. It has a say when a person or a trigger asks, and none when the camera must."""
        if item.event is Event.START:
            return self.policy.decide_start(item.source, item.at, item.distance_m)
        if item.event is Event.STOP:
            return self.policy.decide_stop(item.source, item.cause.reason, item.at)
        if item.event is Event.MUTE:
            return self.policy.decide_mute(item.source)
        return NOT_SUBJECT

    async def _transition(self, item: InboxEvent, outcome: Outcome, ruling: Ruling) -> None:
        fault = self._fault if outcome.before is State.FAULT else ""
        if outcome.after is State.FAULT:
            self._fault = item.cause.reason
            self._repairing = asyncio.create_task(self._retry_until_repaired(), name="repair")
        elif outcome.before is State.FAULT:
            self._fault = self._shift.failure = ""
        if outcome.after is not State.BUFFERING:
            self._categories.finish()
        if outcome.after is State.STANDBY:
            self._asleep = f"the camera was in standby, put to sleep by {requester(item.cause, item.command)}"
        if outcome.after is State.OFF:
            self.restarts = item.event is Event.RESTART
            self.ended = item.cause.reason or item.cause.source
            self.powers_off = item.event in (Event.POWER_OFF, Event.BATTERY_CRITICAL)
        for effect in outcome.effects:
            await self._carry_out(effect, item, outcome, fault, ruling)
        self._report_outcome(item, outcome)

    def _facts(self) -> Facts:
        return Facts(
            storage_full=self._storage.is_full,
            battery_critical=self._battery_watch.power.is_critical,
            post_event_configured=self._config.recording.postevent_s > 0 and not self._recording.in_post_event,
            without_sound=self._footage.status().sound is None,
            muted=self._recording.is_muted,
        )

    async def _carry_out(self, effect: Effect, item: InboxEvent, outcome: Outcome, fault: str, ruling: Ruling) -> None:
        match effect:
            case Effect.SELF_TEST:
                await self._boot()
            case Effect.START_CAPTURE:
                reason = capture_reason(item.event, item.cause, item.command, self._started, fault)
                await self._footage.start(self.footage_events, reason)
            case Effect.STOP_CAPTURE:
                await self._footage.stop()
            case Effect.OPEN_RECORDING:
                await self._recording.open(item, ruling, self._asleep if outcome.before is State.STANDBY else None)
            case Effect.CLOSE_RECORDING:
                await self._recording.close(item.cause, asks=outcome.after is State.BUFFERING)
            case Effect.AWAIT_POST_EVENT:
                over = partial(self._post, Event.POST_EVENT_OVER, item.cause)
                self._recording.await_post_event(self._config.recording.postevent_s, over)
            case Effect.SET_MARKER:
                self._recording.mark(item.at, item.cause, item.command.label if item.command else "")
            case Effect.MUTE:
                self._recording.mute(item.cause)
            case Effect.UNMUTE:
                self._recording.unmute(item.cause)
            case _:
                assert_never(effect)

    async def _boot(self) -> None:
        """Check that evidence can be stored, and recover what an earlier session left unfinished."""
        try:
            await self._recover()
            self._report_damage()
        except StorageError as error:
            self._post(Event.STORAGE_FAILED, Cause("camera", f"self-test failed: {error}"))
            return
        if self.recovered and self._started == SWITCHED_ON:
            self._started = after_power_loss(self.recovered)
        self._reporter.emit(detail.Booted(firmware=__version__))
        self._remote.report_rollback()
        self._post(Event.SELF_TEST_PASSED, Cause("camera", "self-test passed"))

    async def _recover(self) -> None:
        """At boot, and when the storage works again, maybe with another card. Raises StorageError."""
        await self._storage.test()
        await self._recorder.save_failed(last_try=True)
        with self._signals.recovering():
            accounts = await self._storage.recover()
        for account in accounts:
            self.recovered.append(account.recording)
            self._reporter.announce(f"recovered {account.recording}: interrupted after {account.duration_s:.1f} s")
            self._reporter.emit(
                detail.Recovered(recording=account.recording, duration_s=account.duration_s, frames=account.frames)
            )

    # -- from the footage and the recorder -----------------------------------------------------------------------------

    def _on_fragment(self, fragment: Fragment) -> None:
        self._trial.has_frames = True
        self._recording.add(fragment)

    def _on_notice(self, notice: Notice) -> None:
        if isinstance(notice, Started):
            self._report_state(State(self._chart.state))
        report_notice(notice, self._reporter)
        match notice:
            case Started(recording):
                self._answer_start(recording.id, "done")
            case Saved(account):
                self.offload.on_saved()
                self._answer_start(account.recording, "failed", "it ended before the first frame")
            case Failed(recording, error):
                self._answer_start(recording.id, "failed", str(error))
                self._post(Event.STORAGE_FAILED, Cause("camera", str(error)))
            case _:
                pass

    def _answer_start(self, recording: str, result: Result, reason: str | None = None) -> None:
        """The final reply to the command that started it, unless it was sent already."""
        command = self._recording.take_start_command(recording)
        if command is not None:
            self._reply(command, result, reason, recording)

    # -- from the link -----------------------------------------------------------------------------------------------

    def on_command(self, command: Command) -> None:
        """A command was received; `status` is answered at once, the others go through the inbox."""
        if command.command == "status":
            self._reply(command, "done")
            self._publish_telemetry()
            return
        self._reporter.emit(
            detail.CommandAccepted(command=command.command, id=command.id, sender=command.sender, reason=command.reason)
        )
        self._inbox.put(event_of(command, self._clock.now()) or command)

    async def _restart_for(self, command: Command) -> str | None:
        """Restart because a command needs it. Why the chart refuses it, or None."""
        if (reason := self._chart.refusal(Event.RESTART, self._facts())) is not None:
            return reason
        cause = Cause("command", restart_reason(command), command.id)
        await self._decide(InboxEvent(Event.RESTART, self._clock.now(), cause))
        return None

    # -- reports -----------------------------------------------------------------------------------------------------

    def _report_outcome(self, item: InboxEvent, outcome: Outcome) -> None:
        """After the effects: the new state, and the answer to a command."""
        self._shift.on_transition(item.event, outcome)
        if outcome.after is not outcome.before:
            self._audit_transition(item, outcome)
            self._reporter.announce(f"{outcome.after}" + (f": {self._fault}" if self._fault else ""))
            if outcome.after is not State.RECORDING:  # recording is reported when something is on disk
                self._report_state(outcome.after)
        if item.event in (Event.STORAGE_FULL, Event.STORAGE_FAILED):
            self._reporter.emit(detail.StorageFailed(reason=self._fault))
        if item.command is not None and item.event is not Event.START:
            self._reply(item.command, "done")

    def _audit_transition(self, item: InboxEvent, outcome: Outcome) -> None:
        cause = item.cause
        self._audit.note(
            "transition",
            {
                "event": item.event.value,
                "before": outcome.before.value,
                "after": outcome.after.value,
                "source": cause.source,
                "reason": cause.reason,
                "command": cause.command,
                "requester": requester(cause, item.command),
                "at_mono_s": round(item.at.mono_s, 6),
            },
        )

    def _report_refusal(self, item: InboxEvent, reason: str, rule: str = "") -> None:
        """`rule`: id of the policy's rule; empty where the state chart refuses."""
        if item.event in (Event.STORAGE_FAILED, Event.SELF_TEST_PASSED):
            return  # a fault that persists was reported when it began; so was a camera that stays docked
        if item.event in _ALREADY_SO and self._chart.state == State.OFF:
            return
        if item.event is Event.START or item.cause.source == "button":
            is_full = item.event is Event.START and self._storage.is_full
            self._signals.signal("storage full" if is_full else "refused")
        self._reporter.announce(f"refused {item.event.replace('_', ' ')}: {reason}")
        self._reporter.emit(detail.Refused(event=item.event.value, source=item.cause.source, reason=reason, rule=rule))
        if item.command is not None:
            self._reply(item.command, "refused", reason)

    def _reply(self, command: Command, result: Result, reason: str | None = None, recording: str | None = None) -> None:
        clip = recording or self._recording.id
        self._reporter.reply(command.id, command.command, result, reason, recording=clip)

    def _report_state(self, state: State) -> None:
        if self._states.change(state):
            self.offload.on_state(state)
            self._states.publish()

    def _publish_state(self) -> None:
        self._states.publish()

    def _update_flags(self) -> None:
        self._states.update_flags()

    def _publish_telemetry(self) -> None:
        self._link.publish(
            self._messages.telemetry(
                self.uptime_s(),
                self._storage.free_bytes,
                self._recording.unwritten_bytes,
                self._audit.position,
                self.offload.status(),
            )
        )

    def _report_damage(self) -> None:
        """Report each file of the camera's own that could not be used."""
        for damage in self._settings.damage.take():
            self._reporter.announce(str(damage), "error")
            self._reporter.emit(detail.FileDamaged(file=damage.file, reason=damage.reason, kept_as=damage.kept_as))

    # -- watches -----------------------------------------------------------------------------------------------------

    async def _report_regularly(self) -> None:
        """Storage, flags and telemetry, at the telemetry interval. The first comes after a random part of it: cameras
        that are switched on together, as after a roll call, must not all publish at once.
        """
        wait_s = self._rng.uniform(0.0, self._config.link.telemetry_s)
        while True:
            await self._check_storage()
            self._report_damage()
            self._reporter.summarise_rejections()
            self._update_flags()
            self._audit.heartbeat(self.state.value)
            if self._link.status().up:
                self._publish_telemetry()
            await self._clock.sleep(wait_s)
            wait_s = self._config.link.telemetry_s

    async def _retry_until_repaired(self) -> None:
        """Check whether the cause of the fault is gone, until it is."""
        while self._chart.state == State.FAULT:
            await self._clock.sleep(FAULT_RETRY_S)
            if self._shift.failure:
                await self._shift.repeat(self.footage_events)
            else:
                await self._check_storage()

    async def _check_storage(self) -> None:
        await self._recorder.save_failed()
        try:
            await self._storage.measure()
            if await self._retention.delete_expired(is_full=self._storage.is_full):
                await self._storage.measure()
            if self._chart.state == State.FAULT and not self._shift.failure:
                await self._recorder.settled()  # what has just failed is not an earlier session's
                await self._recover()
                self._post(Event.FAULT_CLEARED, Cause("camera", "the storage works again"))
            elif self._storage.is_full and self._chart.state in (State.BUFFERING, State.STANDBY):
                self._post(Event.STORAGE_FULL, Cause("camera", "the storage is full; offload recordings to make room"))
        except StorageError as error:
            self._post(Event.STORAGE_FAILED, Cause("camera", str(error)))

    async def _run_trial(self) -> None:
        if await self._trial.run(lambda: self._fault):
            self.restart("restart with the previous settings")
        self._publish_state()

    def _wearer_status(self) -> WearerStatus:
        is_recording = self._chart.state == State.RECORDING
        return WearerStatus(
            state=State(self._chart.state),
            recording_s=self._recording.recorded_s() if is_recording else None,
            is_muted=self._recording.is_muted,
            awaits_start=self.policy.awaits_start,
        )

    def _device_watches(self) -> Iterator[Coroutine[None, None, None]]:
        """One for each device that this camera has, and one for settings on trial."""
        if self._settings.on_trial:
            yield self._run_trial()
        devices = self.devices
        if devices.buttons is not None:
            yield watch_keys(devices.buttons, self.press, self._post)
        if self._switches is not None:
            yield self._switches.run()
        if devices.battery is not None:
            yield self._battery_watch.run()
        if devices.battery is not None and self.offload.is_configured:
            yield self.offload.watch_battery()
        if devices.dock is not None:
            yield watch_dock(devices.dock, self._battery_watch.power, self._post)
        if devices.triggers is not None:
            cancel_s = self._config.policy.trigger_cancel_s
            yield TriggerWatch(
                devices.triggers, self._clock, self._reporter, cancel_s, state=lambda: self.state, fire=self._on_trigger
            ).run()

    def _on_trigger(self, source: TriggerSource, at: Instant) -> None:
        self._inbox.put(InboxEvent(Event.START, at, Cause("trigger", source), trigger=source))

    def _new_recording_id(self) -> str:
        return f"{self._clock.now().utc:%Y%m%dT%H%M%SZ}-{self._rng.getrandbits(32):08x}"

"""The agency's policy at work in one camera: decides requests, knows what is declared, and watches over the duties.

The rules themselves are pure (`lapel.policy`). Here they meet the clock, the position and the wearer: a question waits
for the wearer's second press, a declaration ends after its time, a duty is missed when no recording has started.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Literal

from lapel.background_save import BackgroundSave
from lapel.clock import Clock, Instant, time_zone_of
from lapel.errors import StorageError
from lapel.hardware.interfaces import Fix
from lapel.link import event_details as detail
from lapel.policy.decision import Answer, Decision, Start, Stop, decide, decide_mute, decide_stop, duties_of
from lapel.policy.declarations import Declaration, Declarations
from lapel.policy.profile import Activity, Context, Declarable, Duty, Profile, Source, StartState, Zone
from lapel.policy.zones import zones_at
from lapel.recording import Cause, StartDecision
from lapel.reporter import Reporter
from lapel.states import State
from lapel.timers import Timers
from lapel.wearer_signals import WearerSignals
from lapel.worker import Worker

IN_STEALTH = "the camera was in stealth, so its wearer could not be asked"
"""Why nothing is asked then: a question that the wearer does not perceive would lose the recording."""
FIX_AGE_MAX_S = 300.0
"""Age from which a position says nothing about the zone that a camera is in: our choice, a few minutes' walk."""

Requested = Literal["start", "stop", "mute"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says about a request."""

    answer: Answer
    rule: str
    reason: str
    note: StartDecision | None = None
    """Of a start: what the recording's account says about it."""


NOT_SUBJECT = Ruling("allow", "", "")
"""About what no policy decides."""


@dataclass(frozen=True, slots=True)
class _InForce:
    """What is declared at one moment, and the zones that the camera is in: what rules are about."""

    zones: Sequence[Zone]
    contexts: Sequence[Context]
    activities: Sequence[Activity]


@dataclass(frozen=True, slots=True)
class _Question:
    """The wearer was asked to press once more."""

    rule: str
    asked_s: float


class RecordingPolicy:
    """The policy of one camera. Belongs to the event loop; only `declare` and `withdraw` wait for the disk."""

    __slots__ = (
        "_clock",
        "_declarations",
        "_last_fix",
        "_questions",
        "_reporter",
        "_saving",
        "_signals",
        "_state",
        "_timers",
        "_update_flags",
        "_worker",
        "_zone",
        "profile",
    )

    def __init__(
        self,
        profile: Profile,
        declarations: Declarations,
        clock: Clock,
        time_zone: str,
        reporter: Reporter,
        signals: WearerSignals,
        worker: Worker,
        *,
        state: Callable[[], State],
        last_fix: Callable[[], Fix | None],
        update_flags: Callable[[], None],
    ) -> None:
        """`time_zone`: where the days and times of rules and zones are those of the wall clock."""
        self.profile, self._declarations, self._clock = profile, declarations, clock
        self._zone = time_zone_of(time_zone)
        self._reporter, self._signals, self._worker = reporter, signals, worker
        self._state, self._last_fix, self._update_flags = state, last_fix, update_flags
        self._timers = Timers(clock)
        self._saving = BackgroundSave(self._save, "declarations")
        self._questions: dict[Requested, _Question] = {}

    def begin(self) -> None:
        """The camera starts: what was declared before is in force, and its time goes on."""
        for declaration in self._declarations.all():
            self._watch(declaration)

    def close(self) -> None:
        """The camera switches off."""
        self._timers.close()
        self._saving.close()

    # -- requests ----------------------------------------------------------------------------------------------------

    def decide_start(self, source: Source, at: Instant, distance_m: float | None = None) -> Ruling:
        """Whether a recording may start. The answer to the wearer's second press is *allow*.

        `distance_m`: how far away the other camera is whose recording asks for it.
        """
        if source == "peer" and distance_m is not None and distance_m > self.profile.peer_within_m:
            return Ruling("refuse", "", f"it is {distance_m:.0f} m away, beyond the {self.profile.peer_within_m:g} m")
        now = self._in_force()
        state: StartState = "standby" if self._state() is State.STANDBY else "buffering"
        decision = decide(self.profile, Start(source, state, now.contexts, now.activities, self._today()))
        answer, attested_after_s = self._ask("start", source, decision, at)
        self._report("start", decision, answer, source, now)
        note = StartDecision(
            profile=self.profile.name,
            reason=decision.reason,
            rule=decision.rule,
            source=source,
            contexts=[*now.contexts],
            activities=[*now.activities],
            zones=[zone.id for zone in now.zones],
            attested_after_s=attested_after_s,
            unattested=IN_STEALTH if decision.answer == "ask" and self._signals.is_stealth else "",
        )
        return Ruling(answer, decision.rule, decision.reason, note)

    def decide_stop(self, source: Source, reason: str, at: Instant) -> Ruling:
        """Whether a recording may be stopped by a person. The answer to the wearer's second request is *allow*."""
        now = self._in_force()
        decision = decide_stop(self.profile, Stop(source == "wearer", reason, now.activities, self._today()))
        answer, _ = self._ask("stop", source, decision, at)
        self._report("stop", decision, answer, source, now)
        return Ruling(answer, decision.rule, decision.reason)

    def decide_mute(self, source: Source) -> Ruling:
        """Whether the sound may be muted."""
        now = self._in_force()
        decision = decide_mute(self.profile, now.contexts, self._today())
        self._report("mute", decision, decision.answer, source, now)
        return Ruling(decision.answer, decision.rule, decision.reason)

    def mute_refusal(self) -> str | None:
        """Why the sound may not be muted now; None when it may. Reports nothing."""
        now = self._in_force()
        decision = decide_mute(self.profile, now.contexts, self._today())
        return decision.reason if decision.answer == "refuse" else None

    @property
    def awaits_start(self) -> bool:
        """Whether the wearer was asked to press once more in order to start, and there is still time."""
        return "start" in self._questions

    def _ask(self, request: Requested, source: Source, decision: Decision, at: Instant) -> tuple[Answer, float | None]:
        """The answer with the wearer's second press taken into account, and the seconds between the two presses."""
        if source != "wearer":
            return decision.answer, None
        if decision.answer == "ask" and self._signals.is_stealth:
            return "allow", None
        if decision.answer != "ask":
            self._forget_question(request)
            return decision.answer, None
        question = self._questions.get(request)
        if question is not None and question.rule == decision.rule:
            self._forget_question(request)
            return "allow", round(at.mono_s - question.asked_s, 3)
        self._questions[request] = _Question(decision.rule, at.mono_s)
        self._timers.set(request, self.profile.confirm_within_s, partial(self._give_up, request))
        self._signals.signal("confirm")
        self._reporter.announce(f"press once more to {request}: {decision.reason}", "warning")
        return "ask", None

    def _forget_question(self, request: Requested) -> None:
        self._questions.pop(request, None)
        self._timers.cancel(request)

    def _give_up(self, request: Requested) -> None:
        """The wearer has not pressed once more: on record, since it explains a missing recording."""
        question = self._questions.pop(request)
        after_s = self.profile.confirm_within_s
        self._reporter.announce(f"not confirmed within {after_s:g} s: {request}", "warning")
        self._reporter.emit(detail.NotConfirmed(request=request, rule=question.rule, after_s=after_s))

    def _report(self, request: Requested, decision: Decision, answer: Answer, source: Source, now: _InForce) -> None:
        if not decision.rule:
            return
        self._reporter.emit(
            detail.PolicyDecided(
                request=request,
                answer=answer,
                rule=decision.rule,
                reason=decision.reason,
                profile=self.profile.name,
                source=source,
                contexts=" ".join(now.contexts),
                activities=" ".join(now.activities),
                zones=" ".join(zone.id for zone in now.zones),
            )
        )

    # -- declarations ------------------------------------------------------------------------------------------------

    async def declare(self, what: Declarable, source: str, reason: str = "", for_s: float | None = None) -> None:
        """Declare a context or an activity, for some time or until it is withdrawn."""
        now = self._clock.now()
        until = now.utc + timedelta(seconds=for_s) if for_s is not None else None
        declaration = Declaration(what=what, by=source, at=now.utc, until=until)
        self._declarations.add(declaration)
        self._reporter.announce(f"declared: {what}" + (f" for {for_s:g} s" if for_s is not None else ""))
        self._reporter.emit(detail.Declared(what=what, source=source, reason=reason, for_s=for_s))
        self._watch(declaration)
        self._update_flags()
        await self._save()

    async def withdraw(self, what: Declarable, source: str) -> str | None:
        """Withdraw a declaration. Why that cannot be done; None when it is."""
        if self._declarations.get(what) is None:
            return f"{what} is not declared"
        self._end(what, source)
        await self._save()
        return None

    def declared(self) -> list[Declaration]:
        """What is declared now."""
        return [*self._declarations.all()]

    def flags(self) -> list[str]:
        """What is declared, and what contexts zones bring, as flags of the state message."""
        now = self._in_force()
        return [*(f"context-{one}" for one in now.contexts), *(f"activity-{one}" for one in now.activities)]

    def _end(self, what: Declarable, source: str) -> None:
        self._declarations.remove(what)
        self._timers.cancel(f"end {what}")
        for name in [_duty_timer(duty, what) for duty in self._duties([what])]:
            self._timers.cancel(name)
        self._reporter.announce(f"no longer declared: {what}")
        self._reporter.emit(detail.DeclarationEnded(what=what, source=source))
        self._update_flags()

    def _expire(self, what: Declarable) -> None:
        """Its time is over. Saved, so that the next start does not report the end once more."""
        self._end(what, "camera")
        self._saving.request()

    async def _save(self) -> None:
        try:
            await self._worker.run(self._declarations.save)
        except StorageError as error:
            self._reporter.announce(f"a restart will forget what is declared: {error}", "error")

    def _watch(self, declaration: Declaration) -> None:
        """Set the timers of a declaration: its end, and the duties that it brings."""
        what = declaration.what
        if declaration.until is not None:
            left_s = (declaration.until - self._clock.now().utc).total_seconds()
            self._timers.set(f"end {what}", max(0.0, left_s), partial(self._expire, what))
        if self._state() is not State.RECORDING:
            for duty in self._duties([what]):
                self._timers.set(_duty_timer(duty, what), duty.start_within_s, partial(self._miss, duty, what))

    # -- duties ------------------------------------------------------------------------------------------------------

    def on_recording_started(self) -> None:
        """A recording has started: duties whose time runs are fulfilled."""
        self._forget_question("start")
        for what in self._declarations.activities():
            for duty in self._duties([what]):
                self._timers.cancel(_duty_timer(duty, what))

    def on_recording_ended(self, recording: str, cause: Cause) -> None:
        """A recording has ended: reported where a duty was not over."""
        self._forget_question("stop")
        for duty in self._duties(self._declarations.activities()):
            self._reporter.announce(f"stopped early, against {duty.id}", "warning")
            self._reporter.emit(
                detail.DutyCutShort(rule=duty.id, recording=recording, source=cause.source, reason=cause.reason)
            )

    def _miss(self, duty: Duty, what: Declarable) -> None:
        self._signals.signal("duty missed")
        reason = f"no recording was started; the camera is in the state {self._state().value}"
        self._reporter.announce(f"not recorded within {duty.start_within_s:g} s, against {duty.id}: {what}", "warning")
        self._reporter.emit(detail.DutyMissed(rule=duty.id, activity=what, within_s=duty.start_within_s, reason=reason))

    def _duties(self, declared: Sequence[Declarable]) -> tuple[Duty, ...]:
        return duties_of(self.profile, declared, self._today())

    # -- surroundings ------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self._clock.now().utc.astimezone(self._zone)

    def _today(self) -> date:
        return self._now().date()

    def zones(self) -> list[Zone]:
        """The profile's zones that the camera is in now."""
        if not self.profile.zones:
            return []
        fix = self._last_fix()
        if fix is None or fix.age_s > FIX_AGE_MAX_S:
            return []
        return zones_at(self.profile, fix.latitude, fix.longitude, fix.accuracy_m, self._now())

    def _in_force(self) -> _InForce:
        zones, declared = self.zones(), self._declarations
        contexts = dict.fromkeys([*declared.contexts(), *(zone.context for zone in zones)])
        return _InForce(zones, [*contexts], declared.activities())


def _duty_timer(duty: Duty, what: Declarable) -> str:
    return f"duty {duty.id} for {what}"

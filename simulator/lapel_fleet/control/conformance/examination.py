"""Examines a back end: delivers the story of each situation to it, asks it, and judges its answers."""

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

import msgspec

from lapel.clock import Clock, SystemClock, iso
from lapel.errors import ConfigError
from lapel.link.contract import LapelV1
from lapel.link.messages import StateMessage
from lapel.link.transport import Envelope
from lapel_fleet.control.conformance.judging import WrongBelief, wrong_beliefs
from lapel_fleet.control.conformance.probes import ProbeError
from lapel_fleet.control.conformance.situation import Situation
from lapel_fleet.control.conformance.stage import ContractFactory, Place, make_story
from lapel_fleet.control.conformance.story import (
    Ask,
    Publish,
    StartBackEnd,
    StopBackEnd,
    Story,
    Truth,
)
from lapel_fleet.control.conformance.subject import BackEndError, Subject, wait_until
from lapel_fleet.time.simulated_clock import START

Verdict = Literal["passed", "failed", "not-applicable"]
WITNESS = "zz-witness"
"""The camera whose state is published last before each question: once the back end shows it, it has processed all."""
PROCESS_LIMIT_S = 5.0
"""Real seconds in which a back end must have processed what was published."""
START_LIMIT_S = 30.0
"""Real seconds in which a back end that was started must show the first camera."""
SETTLE_S = 1.0
"""Real seconds after that in which its answers may still become right."""
_BEFORE = timedelta(hours=2)
"""On a real broker situations began so long ago: a back end has a clock of its own."""
_SHOWN_MESSAGES, _SHOWN_CHARS = 14, 400


class LedThere(msgspec.Struct, frozen=True):
    """A message that the back end was given before it believed something wrong."""

    at_s: float
    """Seconds of the cameras' time since the situation began."""
    camera: str
    label: str
    note: str
    """How its delivery differed from the ordinary; empty when it did not."""
    topic: str
    payload: str
    """Its first 400 characters."""

    def __str__(self) -> str:
        note = f"   <- {self.note}" if self.note else ""
        return f"{self.at_s:9.2f} s  {self.camera.partition('/')[2]}  {self.label}{note}"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one situation."""

    id: str
    verdict: Verdict
    happens: str
    matters: str
    reason: str = ""
    """Why it is not applicable."""
    wrong: list[WrongBelief] = []  # msgspec copies it
    messages: list[LedThere] = []
    """The last messages that led to the first wrong belief, oldest first."""
    took_s: float = 0.0


class Examiner:
    """Runs situations on one back end."""

    def __init__(
        self,
        subject: Subject,
        seed: int,
        *,
        agency: str = "conformance",
        contract: ContractFactory = LapelV1,
        stories: "Stories | None" = None,
        process_limit_s: float = PROCESS_LIMIT_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        """`contract`: the user's own topics and payloads. `stories`: shared with other examiners."""
        self._subject, self.seed, self._clock = subject, seed, SystemClock()
        self._process_limit_s, self._settle_s = process_limit_s, settle_s
        self._stories = stories or Stories(seed, agency, contract, is_live=not subject.is_immediate)
        self._contract, self._agency = contract, agency
        self._answered: set[str] = set()
        self._topics: set[str] = set()
        """Topics with retained states of this examination."""
        self._is_stopped = False
        self.lost_in = ""
        """The situation since which the back end processes nothing any more; empty while it does."""

    def check_connection(self) -> None:
        """Find out which questions it answers. Raises ConfigError when it shows nothing of what is published."""
        site = self._stories.site("connection")
        is_shown = self._witness_is_shown(site, self._process_limit_s)
        try:
            answers = self._subject.ask(f"{site}/{WITNESS}")
        except ProbeError as error:
            raise ConfigError(str(error)) from error
        if not is_shown:
            state = answers.get("state", "nothing")
            raise ConfigError(
                f"the back end does not show what is published: a camera {site}/{WITNESS} came online on "
                f"{self._contract(self._agency, site, WITNESS).state_topic}, and the probe answers {state!r} as its "
                f"state. Is the back end connected to this broker, and subscribed to agency {self._agency}?"
            )
        self._answered = set(answers)

    def examine(self, situations: Iterable[Situation]) -> Iterator[Outcome]:
        """The outcome of each situation, as soon as it is there."""
        if not self._answered:
            self.check_connection()
        for one in situations:
            yield self.examine_one(one)

    def examine_one(self, situation: Situation) -> Outcome:
        """The outcome of one situation."""
        if not self._answered:
            self.check_connection()
        began_s = self._clock.mono_s()
        reason = self._lost() or self._inapplicable(situation)
        wrong, messages = ([], []) if reason else self._play(situation, self._stories.story(situation))
        missing = sorted(self._stories.story(situation).asked - self._answered) if not reason else []
        if not reason and not wrong and missing:
            reason = f"the probe does not answer: {', '.join(missing)}"
        return Outcome(
            id=situation.id, happens=situation.happens, matters=situation.matters,
            verdict="failed" if wrong else "not-applicable" if reason else "passed",
            reason=reason, wrong=wrong, messages=messages, took_s=self._clock.mono_s() - began_s,
        )  # fmt: skip

    def clean_up(self) -> None:
        """Leave no retained message at the broker. At the end: an empty payload is more than some back ends survive."""
        for topic in sorted(self._topics if not self._subject.is_immediate else ()):
            self._subject.publish(Envelope(topic, b"", 1, retain=True))
        self._topics.clear()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _inapplicable(self, situation: Situation) -> str:
        if situation.is_json and self._contract is not LapelV1:
            return "it is about the JSON of lapel/v1, and a contract of your own is examined"
        story = self._stories.story(situation)
        if story.restarts and not self._subject.can_restart:
            return "the back end cannot be stopped and started: see --back-end, or stop() and start(empty)"
        if not story.asked & self._answered:
            return f"the probe does not answer: {', '.join(sorted(story.asked))}"
        return ""

    def _lost(self) -> str:
        """Why no further situation can be examined; empty while the back end processes messages."""
        if self.lost_in and self._witness_is_shown(self._stories.site("connection"), self._process_limit_s / 2):
            self.lost_in = ""
        return f"since {self.lost_in} the back end processes nothing any more" if self.lost_in else ""

    def _play(self, situation: Situation, story: Story) -> tuple[list[WrongBelief], list[LedThere]]:
        """What the back end believes wrongly at the first question with a wrong answer, and what led there."""
        self._topics.update(story.state_topics.values())
        so_far: list[Publish] = []
        try:
            for step in story.steps:
                if isinstance(step, Ask):
                    if wrong := self._wrong_after_processing(situation, step):
                        return wrong, _led_there(so_far, {truth.camera for truth in step.truths})
                else:
                    if isinstance(step, Publish):
                        so_far.append(step)
                    self._do(step)
        except BackEndError as error:
            last = so_far[-1].camera if so_far else ""
            return [WrongBelief(last, "every question", "nothing", "an answer", str(error))], _led_there(so_far, {last})
        finally:
            if self._is_stopped:
                self._do(StartBackEnd(0.0, empty=False))
        return [], []

    def _do(self, step: Publish | StopBackEnd | StartBackEnd) -> None:
        match step:
            case Publish():
                self._subject.publish(step.envelope)
            case StopBackEnd():
                self._subject.stop()
                self._is_stopped = True
            case StartBackEnd():
                self._is_stopped = False
                self._subject.start(empty=step.empty)
                if not self._witness_is_shown(self._stories.site("connection"), START_LIMIT_S):
                    raise BackEndError(f"the back end was started and shows nothing after {START_LIMIT_S:g} s")

    def _wrong_after_processing(self, situation: Situation, ask: Ask) -> list[WrongBelief]:
        if self._subject.is_immediate:
            return self._wrong(ask.truths)
        site = self._stories.site(situation.id)
        if not self._witness_is_shown(site, self._process_limit_s):
            self.lost_in = situation.id
            text = f"not shown within {self._process_limit_s:g} s: the back end no longer processes messages"
            lost = WrongBelief(f"{site}/{WITNESS}", "state", "nothing", "its last state", text)
            return [lost, *self._wrong(ask.truths)]
        self._until(lambda: not self._wrong(ask.truths), self._settle_s)
        return self._wrong(ask.truths)

    def _wrong(self, truths: Iterable[Truth]) -> list[WrongBelief]:
        return [belief for truth in truths for belief in self._wrong_about(truth)]

    def _wrong_about(self, truth: Truth) -> Iterator[WrongBelief]:
        try:
            answers: Mapping[str, Any] = self._subject.ask(truth.camera)
        except ProbeError as error:
            yield WrongBelief(truth.camera, ", ".join(truth.asked), "no answer", "an answer", str(error))
            return
        yield from wrong_beliefs(truth, answers, self._answered)

    def _witness_is_shown(self, site: str, within_s: float) -> bool:
        """Publish another state of the witness, and wait until the back end shows it."""
        witness = f"{site}/{WITNESS}"
        state: Literal["recording", "buffering"] = (
            "buffering" if self._state_of(witness) == "recording" else "recording"
        )
        now = iso(self._stories.now())
        message = StateMessage(
            state=state, agency=self._agency, site=site, camera=WITNESS, session=f"{0:016x}", firmware="0.1.0",
            flags=[], time=now, since=now,
        )  # fmt: skip
        envelope = self._contract(self._agency, site, WITNESS).encode(message)
        self._topics.add(envelope.topic)
        self._subject.publish(envelope)
        return self._until(lambda: self._state_of(witness) == state, within_s)

    def _state_of(self, camera: str) -> object:
        try:
            return self._subject.ask(camera).get("state")
        except ProbeError:
            return None

    def _until(self, is_reached: Callable[[], bool], within_s: float) -> bool:
        if self._subject.is_immediate:
            return is_reached()
        return wait_until(is_reached, within_s, self._clock, threading.Event().wait)


class Stories:
    """The stories of a seed, each made once."""

    def __init__(self, seed: int, agency: str, contract: ContractFactory = LapelV1, *, is_live: bool) -> None:
        """`is_live`: on a real broker, where names must be new in each run, and times not of the past year."""
        self._seed, self._agency, self._contract, self._is_live = seed, agency, contract, is_live
        self._suffix = f"-{secrets.token_hex(2)}" if is_live else ""
        self._clock: Clock = SystemClock()
        self._made: dict[str, Story] = {}

    def site(self, id_: str) -> str:
        """The site of a situation's cameras."""
        return f"{id_}{self._suffix}"

    def now(self) -> Any:
        """The date of what is published at this moment."""
        return self._clock.now().utc if self._is_live else START

    def story(self, situation: Situation) -> Story:
        """The story of that situation."""
        if situation.id not in self._made:
            start = self._clock.now().utc - _BEFORE if self._is_live else START
            place = Place(self._agency, self.site(situation.id), self._contract, start)
            self._made[situation.id] = make_story(situation.script, self._seed, place)
        return self._made[situation.id]


def _led_there(so_far: Iterable[Publish], cameras: set[str]) -> list[LedThere]:
    """The last messages of these cameras, without ordinary telemetry."""
    relevant = [one for one in so_far if one.camera in cameras and (one.note or one.label != "telemetry")]
    return [_led(one) for one in relevant][-_SHOWN_MESSAGES:]


def _led(step: Publish) -> LedThere:
    payload = step.envelope.payload.decode(errors="replace")[:_SHOWN_CHARS]
    return LedThere(step.at_s, step.camera, step.label, step.note, step.envelope.topic, payload)

"""The fleet's operator in a run: asks cameras for things, and keeps account of what was asked."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import msgspec

from lapel.clock import iso
from lapel.link.contract import LapelV1
from lapel.link.messages import Command, CommandName
from lapel_fleet.checkers.records import Activation, ActualRecord, ReceivedRecord
from lapel_fleet.runs.measurement.samples import Sampler
from lapel_fleet.runs.traffic.received import ReceivedMessages
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.jobs import JobGroup
from lapel_fleet.time.simulated_clock import SimulatedClock

_TTL_S = 10.0
_ENDS = ("done", "refused", "failed")
_HARMLESS: tuple[CommandName, ...] = ("status", "identify", "self-test")

Send = Callable[[str, bytes], bool]
"""Publish this there, at QoS 1; whether it reached the camera, as far as can be told."""


@dataclass(slots=True)
class Dispatched:
    """What was sent to one camera, whether or not it got there."""

    commands: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    activations: list[Activation] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)

    def added_to(self, actual: ActualRecord) -> ActualRecord:
        """`actual`, and what of this reached the camera, from when it did. Whose clock is wrong cannot know that a
        command came late.
        """
        came = actual.command_arrivals_s
        activations = [replace(one, at_s=came[one.command]) for one in self.activations if one.command in came]
        return replace(
            actual,
            commands=[*actual.commands, *(one for one in self.commands if one in came)],
            activations=sorted([*actual.activations, *activations], key=lambda one: one.at_s),
            stops=sorted([*actual.stops, *(came[one] for one in self.stops if one in came)]),
            expired=[] if actual.clock_steps else self.expired,
        )


class Dispatcher:
    """Commands to the cameras of a run. Which ones and when follows from the chance that is passed in, and from nothing
    that the cameras do: so a shard of a fleet is asked what the whole would be asked.
    """

    def __init__(
        self,
        agency: str,
        clock: SimulatedClock,
        received_messages: ReceivedMessages,
        send: Send,
        later: JobGroup,
        sampler: Sampler,
    ) -> None:
        self._agency, self._clock, self._received_messages, self._send, self._jobs = (
            agency,
            clock,
            received_messages,
            send,
            later,
        )
        self.dispatched = {name: Dispatched() for name in received_messages.received}
        self._sampler = sampler
        self._open: dict[tuple[str, str], float] = {}  # camera and id of each command without an end, and its sending
        self._wanted: dict[str, float] = {}  # cameras that are to record and do not say so yet, and since when
        received_messages.on_message.append(self._received)

    async def work(self, scenario: Scenario, rng: random.Random, among: Collection[str]) -> None:
        """A day's work. `among` are the cameras of this shard; the others are somebody else's."""
        names, number = scenario.all_cameras, 0
        while True:
            await self._clock.sleep(rng.expovariate(scenario.operator.commands_per_hour / 3600))
            name, number = rng.choice(names), number + 1
            starts, length_s, harmless = rng.random() < 0.1, rng.uniform(5, 60), rng.choice(_HARMLESS)
            if name not in among:
                continue
            if starts:
                self.start(name, f"op-{number}", length_s)
            else:
                self.command(name, harmless, f"op-{number}")

    def start(self, name: str, id_: str, length_s: float) -> None:
        """Start a recording, unless there is one, and stop it after so long."""
        if not self._received_messages.is_recording(name) and self._wants_recording(name, id_):
            self._jobs.after(length_s, lambda: self.command(name, "stop-recording", f"{id_}-stop"))

    def start_late(self, name: str, id_: str, late_s: float) -> None:
        """A start that comes so long after it has expired."""
        reached = self.command(name, "start-recording", id_, age_s=late_s + _TTL_S)
        if reached and self._clock.is_trusted():  # where time is scaled no camera compares its clock with ours
            self.dispatched[name].expired.append(id_)

    def start_twice(self, name: str, id_: str) -> None:
        """The same start again at once, and again after its stop."""
        if not self._received_messages.is_recording(name) and self._wants_recording(name, id_):
            self.command(name, "start-recording", id_)
            self._jobs.after(20, lambda: self.command(name, "stop-recording", f"{id_}-stop"))
            self._jobs.after(40, lambda: self.command(name, "start-recording", id_))

    def command(self, name: str, command: CommandName, id_: str, *, age_s: float | None = None) -> bool:
        """Send it; whether it reached the camera, which must then answer it."""
        sent_at = None if age_s is None else iso(self._clock.now().shifted(-age_s).utc)
        ttl_s = None if age_s is None else _TTL_S
        message = Command(id=id_, command=command, sender="operator", sent_at=sent_at, ttl_s=ttl_s)
        topic = LapelV1(self._agency, *name.split("/")).command_topic
        self._open.setdefault((name, id_), self._clock.mono_s())
        reached = self._send(topic, msgspec.json.encode(message))
        dispatched = self.dispatched[name]
        if id_ not in dispatched.commands:
            dispatched.commands.append(id_)
            if command == "stop-recording":
                dispatched.stops.append(id_)
        return reached

    def _wants_recording(self, name: str, id_: str) -> bool:
        """Whether the wish reached the camera."""
        now = self._clock.now()
        self.dispatched[name].activations.append(Activation(now.mono_s, iso(now.utc), id_))
        reached = self.command(name, "start-recording", id_)
        if reached:
            self._wanted[name] = now.mono_s
        return reached

    def _received(self, name: str, leaf: str, received: ReceivedRecord) -> None:
        """How long things took."""
        now_s = self._clock.mono_s()
        if leaf == "reply" and received.replies[-1].result in _ENDS:
            if received.replies[-1].command == "start-recording" and received.replies[-1].result != "done":
                self._wanted.pop(name, None)
            sent_s = self._open.pop((name, received.replies[-1].id), None)
            if sent_s is not None:
                self._sampler.command(now_s - sent_s)
        elif leaf == "state" and received.states[-1].state == "recording":
            wanted_s = self._wanted.pop(name, None)
            if wanted_s is not None:
                self._sampler.press(now_s - wanted_s)

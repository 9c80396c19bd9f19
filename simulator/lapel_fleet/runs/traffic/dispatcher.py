"""The simulated operator of a run: sends commands to cameras, and records what was sent."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import msgspec

from lapel.clock import iso
from lapel.link.contract import LapelV1
from lapel.link.messages import Command, CommandName
from lapel.policy.profile import Declarable
from lapel_fleet.checkers.records import Activation, ActualRecord, ReceivedRecord
from lapel_fleet.runs.measurement.samples import Sampler
from lapel_fleet.runs.traffic.received import ReceivedMessages
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.jobs import JobGroup
from lapel_fleet.time.simulated_clock import SimulatedClock

_TTL_S = 10.0
_FINAL_RESULTS = ("done", "refused", "failed")
_HARMLESS: tuple[CommandName, ...] = ("status", "identify", "self-test")

Send = Callable[[str, bytes], bool]
"""Publishes a payload to a topic, at QoS 1. Returns whether it reached the camera, as far as is known."""


@dataclass(slots=True)
class Dispatched:
    """The commands sent to one camera, whether or not they reached it."""

    commands: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    activations: list[Activation] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)

    def added_to(self, actual: ActualRecord) -> ActualRecord:
        """`actual` with the commands that reached the camera, at their time of arrival. Expired ones are left out if
        the camera's clock was stepped: it cannot know then that they are.
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
    """Sends commands to the cameras of a run. Which ones and when depends on the random stream alone, not on what the
    cameras do, so that the cameras of a shard get the same commands as in the whole fleet.
    """

    def __init__(
        self,
        agency: str,
        clock: SimulatedClock,
        received_messages: ReceivedMessages,
        send: Send,
        jobs: JobGroup,
        sampler: Sampler,
    ) -> None:
        self._agency, self._clock, self._received_messages = agency, clock, received_messages
        self._send, self._jobs, self._sampler = send, jobs, sampler
        self.dispatched = {name: Dispatched() for name in received_messages.received}
        self._sent_s: dict[tuple[str, str], float] = {}  # by camera and id, commands without a final reply
        self._start_sent_s: dict[str, float] = {}  # by camera, starts before the state message *recording*
        received_messages.on_message.append(self._on_message)

    async def run(self, scenario: Scenario, rng: random.Random, among: Collection[str]) -> None:
        """Send commands at random times until cancelled, to those of all cameras that are `among` this shard's."""
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
        """Start a recording unless there is one, and stop it after `length_s`."""
        if not self._received_messages.is_recording(name) and self._send_start(name, id_):
            self._jobs.after(length_s, lambda: self.command(name, "stop-recording", f"{id_}-stop"))

    def send_expired_start(self, name: str, id_: str, late_s: float) -> None:
        """Send a start that expired `late_s` ago."""
        reached = self.command(name, "start-recording", id_, age_s=late_s + _TTL_S)
        if reached and self._clock.is_trusted():  # in scaled time cameras have no clock that can be compared with ours
            self.dispatched[name].expired.append(id_)

    def send_duplicate_starts(self, name: str, id_: str) -> None:
        """Send a start, the same again at once, and once more after the stop."""
        if not self._received_messages.is_recording(name) and self._send_start(name, id_):
            self.command(name, "start-recording", id_)
            self._jobs.after(20, lambda: self.command(name, "stop-recording", f"{id_}-stop"))
            self._jobs.after(40, lambda: self.command(name, "start-recording", id_))

    def declare(self, name: str, what: Declarable, for_s: float, id_: str) -> None:
        """Declare something at a camera, for that many seconds."""
        self.command(name, "declare", id_, declared=what, for_s=for_s)

    def command(
        self,
        name: str,
        command: CommandName,
        id_: str,
        *,
        age_s: float | None = None,
        declared: Declarable | None = None,
        for_s: float | None = None,
    ) -> bool:
        """Send a command, issued `age_s` ago. Returns whether it reached the camera, which must then reply."""
        sent_at = None if age_s is None else iso(self._clock.now().shifted(-age_s).utc)
        ttl_s = None if age_s is None else _TTL_S
        message = Command(
            id=id_, command=command, sender="operator", sent_at=sent_at, ttl_s=ttl_s, declared=declared, for_s=for_s
        )
        topic = LapelV1(self._agency, *name.split("/")).command_topic
        self._sent_s.setdefault((name, id_), self._clock.mono_s())
        reached = self._send(topic, msgspec.json.encode(message))
        dispatched = self.dispatched[name]
        if id_ not in dispatched.commands:
            dispatched.commands.append(id_)
            if command == "stop-recording":
                dispatched.stops.append(id_)
        return reached

    def ask_for_recording(self, name: str, id_: str) -> None:
        """Start a recording unless there is one. The wearer is to stop it."""
        if not self._received_messages.is_recording(name):
            self._send_start(name, id_)

    def _send_start(self, name: str, id_: str) -> bool:
        """Returns whether it reached the camera."""
        now = self._clock.now()
        self.dispatched[name].activations.append(Activation(now.mono_s, iso(now.utc), id_))
        reached = self.command(name, "start-recording", id_)
        if reached:
            self._start_sent_s[name] = now.mono_s
        return reached

    def _on_message(self, name: str, leaf: str, received: ReceivedRecord) -> None:
        """Sample the latency of a final reply, and of a state message that reports a requested recording."""
        now_s = self._clock.mono_s()
        if leaf == "reply" and (reply := received.replies[-1]).result in _FINAL_RESULTS:
            if reply.command == "start-recording" and reply.result != "done":
                self._start_sent_s.pop(name, None)
            sent_s = self._sent_s.pop((name, reply.id), None)
            if sent_s is not None:
                self._sampler.command(now_s - sent_s)
        elif leaf == "state" and received.states[-1].state == "recording":
            sent_s = self._start_sent_s.pop(name, None)
            if sent_s is not None:
                self._sampler.press(now_s - sent_s)

"""The stage of a situation: cameras with the real firmware in virtual time, and what of their messages is delivered.

A situation acts on it; what results is a `Story`. No back end takes part: a story is the same for every back end.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from lapel.clock import iso
from lapel.errors import ConfigError
from lapel.link.contract import Contract, LapelV1
from lapel.link.messages import Command, EventKind, EventMessage, Outgoing, StateMessage
from lapel.link.transport import Envelope, Inbound
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.control.conformance.delivery_line import DeliveryLine, Sent
from lapel_fleet.control.conformance.story import Ask, Publish, Question, StartBackEnd, Step, StopBackEnd, Story, Truth
from lapel_fleet.runs.virtual import VirtualEnvironment
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.simulated_clock import START
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

ContractFactory = Callable[[str, str, str], Contract]
"""The contract of a camera from its agency, site and name."""
_POLL_S, _LIMIT_S = 0.25, 600.0
_BOOT_S = 4.0
"""Monotonic time of the first event of a session."""
_SETTLE_S = 240.0
"""Longer than any back-off and any time-out of a link."""
_SCENARIO = Scenario(sites={"baltimore": 1}, telemetry_s=60.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a situation takes place: names, topics, and the date."""

    agency: str
    site: str
    """Its first site. Others have this name and a suffix, so that situations do not share a camera."""
    contract: ContractFactory = LapelV1
    start: datetime = START


class SituationError(AssertionError):
    """A situation did not go as it was written: a bug of Lapel, not of the back end."""


Script = Callable[["Stage"], Awaitable[None]]


def make_story(script: Script, seed: int, place: Place) -> Story:
    """Run a situation's script in virtual time. The same seed and place give the same story."""

    async def program(_: VirtualClock) -> Story:
        stage = Stage(seed, place)
        try:
            await script(stage)
            return stage.story()
        finally:
            await stage.close()

    return run_virtual(program)


class Stage:
    """What a situation's script works with."""

    def __init__(self, seed: int, place: Place) -> None:
        self.place, self._seed = place, seed
        self._loop = asyncio.get_running_loop()
        self.rng = random.Random(seed)
        self.line = DeliveryLine(self._deliver, self.rng)
        self._environment = _StageEnvironment(_SCENARIO, self._loop, place, self._on_encoded)
        self._environment.broker.observers.append(self._on_message)
        self._messages: dict[tuple[str, bytes], Sent] = {}
        self._cameras: list[SimulatedCamera] = []
        self._records: dict[str, _Record] = {}
        self._steps: list[Step] = []
        self._is_away = False

    # -- cameras -------------------------------------------------------------------------------------------------------

    async def camera(self, name: str = "cam-0001", site: str = "") -> SimulatedCamera:
        """A new camera, online. `site` is a suffix to the situation's own site. A second one with the same name is
        another device that was given that name.
        """
        full = f"{self._site(site)}/{name}"
        streams = _PlaceStreams(self._seed + len(self._cameras), self.place.site)
        camera = SimulatedCamera(full, _SCENARIO, streams, self._environment)
        self._cameras.append(camera)
        self.record(camera)
        camera.power_on()
        await self.until(lambda: camera.is_online and camera.state == "buffering", f"{full} online")
        return camera

    def record(self, camera: SimulatedCamera | str) -> "_Record":
        """What that camera published so far, in the order in which it happened."""
        name = camera if isinstance(camera, str) else camera.name
        return self._records.setdefault(name, _Record())

    async def restart(self, camera: SimulatedCamera, off_s: float = 60.0) -> None:
        """Pull the battery, and put it back after `off_s`."""
        await camera.power_cut()
        await self.sleep(off_s)
        await self.power_on(camera)

    async def power_on(self, camera: SimulatedCamera) -> None:
        """Put the battery back, and wait until the camera is online."""
        camera.power_on()
        await self.until(lambda: camera.is_online and camera.state == "buffering", f"{camera.name} online again")

    async def start_recording(self, camera: SimulatedCamera) -> None:
        """The wearer presses twice. Returns once it is reported."""
        camera.press("event", 2)
        await self.until(lambda: camera.has_reported("recording"), f"{camera.name} recording")

    async def stop_recording(self, camera: SimulatedCamera) -> None:
        """The wearer holds the button. Returns once the recording is saved and reported."""
        await self.sleep(5)
        await camera.hold()
        await self.until(lambda: camera.has_reported("buffering") and camera.is_online, f"{camera.name} buffering")
        await camera.settled()
        await self.sleep(2)

    async def record_once(self, camera: SimulatedCamera, seconds: float = 20.0) -> None:
        """A recording from start to end."""
        await self.start_recording(camera)
        await self.sleep(seconds)
        await self.stop_recording(camera)

    async def record_offline(self, camera: SimulatedCamera) -> None:
        """A recording while the network is unplugged, and the camera online again minutes later."""
        camera.network.unplug()
        await self.sleep(5)
        camera.press("event", 2)
        await self.sleep(30)
        await camera.hold()
        await self.sleep(90)
        camera.network.plug_in()
        await self.until(lambda: camera.is_online, "online again")
        await self.settle()

    async def mark(self, camera: SimulatedCamera, times: int = 1) -> None:
        """The wearer sets markers in a recording, seconds apart."""
        for _ in range(times):
            camera.press()
            await self.sleep(3)

    # -- time ----------------------------------------------------------------------------------------------------------

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def settle(self) -> None:
        """Let so much time pass that every time-out and back-off has ended."""
        await asyncio.sleep(_SETTLE_S)

    async def until(self, is_reached: Callable[[], bool], what: str) -> None:
        """Let time pass until it is reached. Raises SituationError when it never is."""
        for _ in range(round(_LIMIT_S / _POLL_S)):
            if is_reached():
                return
            await asyncio.sleep(_POLL_S)
        raise SituationError(f"{self.place.site}: {what}: did not happen within {_LIMIT_S:g} s")

    # -- the broker and the back end -----------------------------------------------------------------------------------

    def publish(self, camera: SimulatedCamera | str, leaf: str, payload: bytes, note: str, *, qos: int = 1) -> None:
        """Publish something in a camera's name below `lapel/v1`, that its firmware did not. Not retained."""
        name = camera if isinstance(camera, str) else camera.name
        topic = f"lapel/v1/{self.place.agency}/{name}/{leaf}"
        self._add(Publish(self._loop.time(), name, Envelope(topic, payload, qos, retain=False), note, leaf))

    def publish_again(self, sent: Sent, note: str) -> None:
        """Deliver a message of the past once more, as a bridge may."""
        self._deliver(replace(sent, note=note))

    def sent_events(self, camera: SimulatedCamera) -> Sequence[Sent]:
        """Every event that the camera published so far, repeats included."""
        return self.record(camera).sent_events

    def deliver_made(self, camera: SimulatedCamera, event: EventMessage) -> None:
        """Deliver an event that no firmware made."""
        self._deliver(Sent(camera.name, event, camera.contract.encode(event)))

    def clear_retained(self, camera: SimulatedCamera | str) -> None:
        """The operator removes a camera's retained state: an empty payload."""
        name = camera if isinstance(camera, str) else camera.name
        topic = self._environment.contract(*name.split("/")).state_topic
        cleared = Envelope(topic, b"", 1, retain=True)
        self._add(Publish(self._loop.time(), name, cleared, "the operator cleared it", "state, empty"))

    def replay_retained(self) -> None:
        """Deliver each retained state once more, as after a new subscription of the back end or of a bridge."""
        newest = {name: record.states[-1] for name, record in self._records.items() if record.states}
        for sent in newest.values():
            self.publish_again(sent, "retained, delivered again after a new subscription")

    def send_command(self, camera: SimulatedCamera, command: Command) -> None:
        """An operator sends a command. The camera receives it, and so does every subscriber of all topics."""
        self._environment.broker.deliver(camera.contract.encode(command))

    def stop_back_end(self) -> None:
        """End the back end."""
        self._is_away = True
        self._steps.append(StopBackEnd(self._loop.time()))

    def start_back_end(self, *, empty: bool = False) -> None:
        """Start the back end. `empty`: with an empty database."""
        self._is_away = False
        self._steps.append(StartBackEnd(self._loop.time(), empty))
        if empty:
            for record in self._records.values():
                record.missed.update(record.events)

    # -- what is true --------------------------------------------------------------------------------------------------

    def ask(self, *truths: Truth) -> None:
        """Ask the back end at this point."""
        self._steps.append(Ask(self._loop.time(), truths))

    def truth(self, camera: SimulatedCamera | str, *questions: Question, state: str = "", session: str = "") -> Truth:
        """What is true about a camera now, for these questions. `state`, `session`: where the camera object does not
        know, because another device has its name.
        """
        name = camera if isinstance(camera, str) else camera.name
        record = self.record(name)
        if not state and not isinstance(camera, str):
            state = camera.state if camera.is_on else "offline"
        return Truth(
            name,
            state=state if "state" in questions else None,
            session=(session or record.sessions[-1]) if "session" in questions else None,
            events=tuple(record.events.values()) if "events" in questions else None,
            maybe_events=frozenset(record.missed),
            recordings=tuple(record.recordings) if "recordings" in questions else None,
        )

    def story(self) -> Story:
        """The story so far."""
        topics = {name: self._environment.contract(*name.split("/")).state_topic for name in self._records}
        return Story(tuple(self._steps), topics)

    async def close(self) -> None:
        """End the cameras."""
        self._environment.broker.observers.clear()
        for camera in self._cameras:
            await camera.close()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _site(self, suffix: str) -> str:
        return f"{self.place.site}-{suffix}" if suffix else self.place.site

    def _on_encoded(self, camera: str, message: Outgoing | Command, envelope: Envelope) -> None:
        self._messages[envelope.topic, envelope.payload] = Sent(camera, message, envelope)

    def _on_message(self, topic: str, payload: bytes) -> None:
        sent = self._messages[topic, payload]
        self.record(sent.camera).add(sent, missed=self._is_away)
        self.line.send(sent)

    def _deliver(self, sent: Sent) -> None:
        self._add(Publish(self._loop.time(), sent.camera, sent.envelope, sent.note, _label(sent)))

    def _add(self, step: Publish) -> None:
        self._steps.append(step)


@dataclass(slots=True)
class _Record:
    """What one camera published."""

    states: list[Sent] = field(default_factory=list)
    events: dict[str, EventMessage] = field(default_factory=dict)
    sent_events: list[Sent] = field(default_factory=list)
    missed: set[str] = field(default_factory=set)
    """Ids of events that were published while the back end was away."""
    recordings: list[str] = field(default_factory=list)
    """Ids of the complete ones."""
    sessions: list[str] = field(default_factory=list)
    telemetry: list[Sent] = field(default_factory=list)

    def add(self, sent: Sent, *, missed: bool) -> None:
        match sent.message:
            case StateMessage(session=session) as state:
                self.states.append(sent)
                if session not in self.sessions and state.state != "offline":
                    self.sessions.append(session)
            case EventMessage() as event:
                self.sent_events.append(sent)
                self._add_event(event, missed=missed)
            case Command():
                pass
            case _:
                self.telemetry.append(sent)

    def _add_event(self, event: EventMessage, *, missed: bool) -> None:
        if event.id not in self.events:
            self.events[event.id] = event
            if missed:
                self.missed.add(event.id)
            if event.kind == "recording-saved":
                self.recordings.append(str(event.detail["recording"]))

    @property
    def will(self) -> Sent:
        """The newest last will that was published."""
        return next(one for one in reversed(self.states) if one.is_will)


class _PlaceStreams(RandomStreams):
    """Random streams that do not depend on the site's name, which is another one in each run on a real broker."""

    def __init__(self, seed: int, site: str) -> None:
        super().__init__(seed)
        self._site = site

    def _digest(self, name: str, purpose: str) -> bytes:
        return super()._digest(name.removeprefix(self._site), purpose)


class _StageEnvironment(VirtualEnvironment):
    """Virtual time, with the situation's agency, date and contract."""

    def __init__(
        self,
        scenario: Scenario,
        loop: asyncio.AbstractEventLoop,
        place: Place,
        on_encoded: Callable[[str, Outgoing | Command, Envelope], None],
    ) -> None:
        super().__init__(scenario, loop)
        self.agency = place.agency
        self._place, self._on_encoded = place, on_encoded

    def clock(self) -> VirtualClock:
        """See `Environment.clock`."""
        return VirtualClock(self._loop, self._place.start)

    def contract(self, site: str, camera: str) -> Contract:
        """See `Environment.contract`."""
        inner = self._place.contract(self.agency, site, camera)
        return _RememberingContract(inner, f"{site}/{camera}", self._on_encoded)


class _RememberingContract:
    """The contract, and which message each publication came from: the stage cannot decode a user's own payloads."""

    def __init__(
        self, inner: Contract, camera: str, on_encoded: Callable[[str, Outgoing | Command, Envelope], None]
    ) -> None:
        self._inner, self._camera, self._on_encoded = inner, camera, on_encoded
        self.client_id, self.command_topic = inner.client_id, inner.command_topic
        self.state_topic, self.telemetry_topic = inner.state_topic, inner.telemetry_topic
        self.decode_presence = inner.decode_presence
        self._began_s: dict[str, float] = {}
        """When each session's monotonic clock began, on the time line, on which no camera ever restarts."""

    def encode(self, message: Outgoing | Command) -> Envelope:
        """See `Contract.encode`."""
        if isinstance(message, EventMessage):
            message = self._on_the_session_s_own_clock(message)
        try:
            envelope = self._inner.encode(message)
        except Exception as error:
            what = type(message).__name__
            raise ConfigError(f"the contract cannot encode a {what}: {type(error).__name__}: {error}") from error
        self._on_encoded(self._camera, message, envelope)
        return envelope

    def _on_the_session_s_own_clock(self, event: EventMessage) -> EventMessage:
        """The event with its time since the start of its session, as on a camera whose monotonic clock starts anew."""
        began_s = self._began_s.setdefault(event.session, event.mono_s - _BOOT_S)
        return msgspec.structs.replace(event, mono_s=round(event.mono_s - began_s, 3))

    def decode_command(self, message: Inbound) -> Command:
        """See `Contract.decode_command`."""
        return self._inner.decode_command(message)


def made_event(camera: str, session: str, number: int, kind: EventKind, mono_s: float, start: datetime) -> EventMessage:
    """An event as the firmware would number it, for stories with more of them than a camera makes quickly."""
    return EventMessage(
        id=f"{session}-{number}", kind=kind, time=iso(start), mono_s=mono_s,
        camera=camera.partition("/")[2], session=session, detail={},
    )  # fmt: skip


def _label(sent: Sent) -> str:
    match sent.message:
        case StateMessage() as state:
            return f"state {state.state}, {'last will of ' if sent.is_will else ''}session {state.session}"
        case EventMessage() as event:
            return f"event {event.kind} {event.id}"
        case Command() as command:
            return f"command {command.command}"
        case other:
            return type(other).__name__.lower()

"""One simulated camera: the real firmware, and the world around it."""

import asyncio
import contextlib
import errno
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from lapel.camera import Camera
from lapel.clock import iso
from lapel.config import Config
from lapel.config import load as load_config
from lapel.errors import MessageError, StorageError
from lapel.hardware.interfaces import ButtonName, Edge, RecordingFiles, Storage
from lapel.link.contract import LapelV1
from lapel.link.messages import Command, EventMessage, Reply
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.link.tap import Tap
from lapel.link.transport import Inbound
from lapel.logs import Log
from lapel.randomness import RandomSource
from lapel.recording import Account
from lapel.settings import Settings
from lapel.states import State
from lapel.worker import InlineWorker, Worker
from lapel_fleet.cameras.button_intent import EventButtonModel
from lapel_fleet.checkers.records import LIVE_PRECISION_S, Activation, ActualRecord, Resource
from lapel_fleet.hardware.battery import SimulatedBattery
from lapel_fleet.hardware.buttons import HELD_S, SimulatedButtons
from lapel_fleet.hardware.dock import SimulatedDock
from lapel_fleet.hardware.flash import SimulatedFlash
from lapel_fleet.hardware.footage import SimulatedFootage
from lapel_fleet.hardware.gps import SimulatedGps
from lapel_fleet.hardware.inbound_recorder import InboundRecorder
from lapel_fleet.hardware.indicators import SimulatedIndicators
from lapel_fleet.hardware.network import WILL_AFTER_KEEPALIVES, SimulatedNetwork
from lapel_fleet.hardware.storage import CARD_BYTES, CardWorker, SimulatedStorage
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.clocks import SimulatedClock

_NEVER_SET = datetime(2000, 1, 1, tzinfo=UTC)
"""Where a clock chip begins that has lost its time."""
_LATELY_LINES = 8
"""What a camera logs of one recording."""
_AT_ONCE = InlineWorker()
"""For the flash, which is in memory."""


class CardInside(Storage, Protocol):
    """A card, and what somebody who pulls it out finds on it."""

    def listing(self) -> list[Account]:
        """The accounts of all clips."""

    def file(self, recording: str) -> Path:
        """A clip's video. Raises StorageError where there is none."""

    def close(self) -> None:
        """Leave it to others. Harmless when closed."""


class AttachedConsole(Protocol):
    """Something at a camera's service port: a technician's console."""

    def seat(self) -> None:
        """The firmware is about to start, or to start anew: `camera.camera` and what belongs to it are others now."""

    def end(self) -> None:
        """It is off."""


class Environment(Protocol):
    """What the kind of time decides about a camera: which clock, line, card and threads it gets."""

    @property
    def agency(self) -> str:
        """Who answers for it."""

    @property
    def precision_s(self) -> float:
        """See `ActualRecord.precision_s`."""

    @property
    def worker(self) -> Worker:
        """Where what blocks goes."""

    @property
    def writer(self) -> Worker:
        """Where cards are written: at once, where they are in memory and nothing blocks."""

    @property
    def remembers(self) -> bool:
        """Whether somebody may come and ask what a camera logged and its card did. Else they keep little of it."""

    def clock(self) -> SimulatedClock:
        """A wall clock of its own over the time that all share."""

    def network(self, name: str, rng: random.Random) -> SimulatedNetwork:
        """Its line to the broker."""

    def card(self, name: str) -> CardInside:
        """Its card, empty."""

    def footage(self, name: str, config: Config, clock: SimulatedClock, rng: RandomSource) -> SimulatedFootage:
        """Its lens, encoder and pre-event buffer, as they are after power-on."""

    def broker_url(self) -> str:
        """For its configuration."""


class CameraSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who looks at a camera sees. Comes from worker processes as JSON."""

    state: str
    """What its lights show; `off` without power."""
    is_reported: bool
    """Whether it says so, too: see `SimulatedCamera.has_reported`."""
    is_online: bool
    trouble: str
    """Why it is not online; empty where it is, or is about to be."""


class PoweredStorage:
    """The card as one life of the firmware sees it: nothing that outlives a power cut can still write to it."""

    def __init__(self, card: SimulatedStorage) -> None:
        self._card = card
        self.has_power = True

    def check(self) -> None:
        """See `Storage.check`."""
        self._powered().check()

    def free_bytes(self) -> int:
        """See `Storage.free_bytes`."""
        return self._powered().free_bytes()

    def create(self, account: Account) -> RecordingFiles:
        """See `Storage.create`."""
        return _PoweredFiles(self, self._powered().create(account))

    def recover(self) -> list[Account]:
        """See `Storage.recover`."""
        return self._powered().recover()

    def need_power(self) -> None:
        """Raise StorageError without it."""
        if not self.has_power:
            raise StorageError("simulated card: there is no power")

    def _powered(self) -> SimulatedStorage:
        self.need_power()
        return self._card


class _PoweredFiles:
    def __init__(self, storage: PoweredStorage, inside: RecordingFiles) -> None:
        self._storage, self._inside = storage, inside

    def append(self, chunks: Sequence[bytes | bytearray]) -> None:
        self._storage.need_power()
        self._inside.append(chunks)

    def describe(self, account: Account) -> None:
        self._storage.need_power()
        self._inside.describe(account)

    def close(self) -> None:
        self._inside.close()


class SimulatedCamera:
    """What is done to it by the world is done here, and written into its `actual`."""

    __slots__ = (  # as in `lapel.camera.Camera`: a dictionary for each would take 2 KB
        "_darkness",
        "_event_button",
        "_has_battery",
        "_is_frozen",
        "_is_refilled",
        "_life",
        "_rng",
        "_wanted_s",
        "actual",
        "battery",
        "buttons",
        "camera",
        "card",
        "clock",
        "contents",
        "contract",
        "dock",
        "environment",
        "flash",
        "footage",
        "gps",
        "indicators",
        "link",
        "name",
        "network",
        "plugged",
        "settings",
        "storage",
        "tap",
        "worker",
    )  # fmt: skip

    def __init__(self, name: str, scenario: Scenario, streams: RandomStreams, environment: Environment) -> None:
        """`name` is `site/camera`. Nothing runs before `power_on`."""
        self.name = name
        self.actual = ActualRecord(
            name,
            telemetry_s=scenario.telemetry_s,
            precision_s=environment.precision_s,
            will_after_s=WILL_AFTER_KEEPALIVES
            * scenario.keepalive_s
            * max(1.0, environment.precision_s / LIVE_PRECISION_S),
        )
        site, camera = name.split("/")
        self.contract = LapelV1(environment.agency, site, camera)
        self.environment = environment
        self.clock = environment.clock()
        self.network = environment.network(name, streams.stream(name, "line"))
        self.contents = environment.card(name)
        self.card = SimulatedStorage(self.contents, remembers=environment.remembers)
        self.flash = SimulatedFlash()
        self.battery = SimulatedBattery(self.clock, streams.stream(name, "battery"))
        self.dock = SimulatedDock(self.battery)
        self.buttons = SimulatedButtons(self.clock)
        self.buttons.watchers.append(self._felt)
        self._event_button, self._wanted_s = EventButtonModel(), -math.inf
        self.gps = SimulatedGps(self.clock, streams.stream(name, "way"), site)
        self.indicators = SimulatedIndicators()
        self.indicators.watchers += [self.battery.shows, self._saw]
        self.settings = Settings(_config(environment, site, camera, scenario))
        self._rng = streams.counter_rng(name, "firmware")
        self._darkness: str | None = None
        self._is_frozen = self._is_refilled = False
        self._has_battery = True
        self._life: asyncio.Task[None] | None = None
        self.camera: Camera | None = None
        self.plugged: AttachedConsole | None = None
        """Nothing, at all but a few of thousands of cameras: then nothing is kept for it."""

    # -- what can be seen ----------------------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """Whether the firmware runs."""
        return self._life is not None and not self._life.done()

    @property
    def state(self) -> str:
        """What its lights show; `off` without power."""
        return self.camera.state.value if self.camera is not None and self.is_on else State.OFF.value

    @property
    def is_recording(self) -> bool:
        """What its lights show."""
        return self.state == State.RECORDING.value

    @property
    def is_online(self) -> bool:
        """Whether its link is up, and it has nothing left to say."""
        return self.state != State.OFF.value and self.link.status().up and self.link.is_idle

    @property
    def is_in_touch(self) -> bool:
        """Whether its link is up and no event waits. Of thousands some always have telemetry on its way."""
        return self.state != State.OFF.value and (link := self.link.status()).up and not link.events_waiting

    def has_reported(self, state: str) -> bool:
        """Whether it is in that state, and says so: *recording* it says once something is on the card."""
        return self.state == state and (state == State.OFF.value or self._firmware.state_message().state == state)

    def snapshot(self) -> CameraSnapshot:
        """How it stands."""
        trouble = "it is off" if self.state == State.OFF.value else "" if self.is_online else self.link.status().reason
        return CameraSnapshot(
            state=self.state, is_reported=self.has_reported(self.state), is_online=self.is_online, trouble=trouble
        )

    @property
    def card_used_share(self) -> float:
        """From 0, empty, to 1."""
        return 1 - self.card.free_bytes() / CARD_BYTES

    @property
    def has_sent_all(self) -> bool:
        """Whether nothing more is to be expected of it now: all is acknowledged, or it knows that its line is down."""
        if self.network.is_down:
            return not self.is_on or not self.link.status().up
        return not self.is_on or self.is_online

    # -- what can be done to it ----------------------------------------------------------------------------------------

    def press(self, button: ButtonName = "event", times: int = 1) -> None:
        """Somebody presses a button: twice at once starts a recording, once marks it. See `lapel.gestures`. The power
        button switches on a camera that is off.
        """
        if button == "power" and self._has_battery:
            self.power_on()
        self.buttons.press(button, times)

    async def hold(self, button: ButtonName = "event", seconds: float = HELD_S) -> None:
        """Somebody holds a button: the event button's ends a recording."""
        await self.buttons.hold(button, seconds)

    def requested_at_console(self, command: Command) -> None:
        """A technician asks something of it, as the fleet could."""
        now = self.clock.now()
        match command.command:
            case "start-recording":
                self.actual.console_commands.append(command.id)
                self.actual.activations.append(Activation(now.mono_s, iso(now.utc), command.id))
            case "stop-recording" if self.is_recording:
                self.actual.stops.append(now.mono_s)
            case "mark" if self.is_recording:
                self.actual.markers.append(now.mono_s)

    def press_to_start(self) -> None:
        """The wearer looks at the lights, and presses when it does not record."""
        if self.is_on and not self.is_recording:
            self.press(times=2)

    async def hold_to_stop(self) -> None:
        """The wearer looks at the lights, and holds the button when it records."""
        if self.is_recording:
            await self.hold()

    def mark(self) -> None:
        """The wearer sets a marker."""
        if self.is_recording:
            self.press()

    def power_on(self) -> None:
        """The battery is in, the firmware starts; not on an empty one."""
        self._has_battery = True
        if not self.is_on and not self.battery.is_empty:
            self.network.gain_power()
            self.flash.has_power = True
            self._life = asyncio.create_task(self._live(), name=self.name)

    async def power_cut(self) -> None:
        """The battery is pulled: nothing more is sent or written."""
        self._has_battery = False
        if self._life is None or not self.is_on:
            return
        self.actual.power_cuts += 1
        self._note_stop()
        self.network.lose_power()
        self.flash.has_power = False
        if self.camera is not None:
            self.storage.has_power = False
            self.footage.lose_power()
        self._life.cancel()
        await asyncio.wait([self._life])
        self.indicators.show_state(State.OFF)

    async def switch_off(self) -> None:
        """An orderly end."""
        if self._life is not None and self.state != State.OFF.value:  # one that has not begun to start has no end
            self._firmware.shut_down("the shift is over")
            await asyncio.wait([self._life])

    def put_in_dock(self) -> None:
        """The wearer docks it; a recording is finished first."""
        self._is_refilled = True
        if self.is_recording:
            self.actual.stops.append(self.clock.mono_s())
        self.dock.put_in()

    def take_out_of_dock(self) -> None:
        """The wearer takes it along."""
        self.dock.take_out()

    def unplug_lens(self) -> None:
        """The lens's cable is pulled. Harmless when it is."""
        if self._darkness is None:
            self._darkness = "unplugged"
            self.actual.frame_outages.append((self.clock.mono_s(), math.inf))
            self.footage.unplug(self._darkness)

    def plug_lens_in(self) -> None:
        """And put back: a lens that had no power begins afresh. Harmless when it is there."""
        if self._darkness is not None:
            if self._is_frozen:
                self.thaw_picture()
            self._darkness = None
            self.actual.frame_outages[-1] = (self.actual.frame_outages[-1][0], self.clock.mono_s())
            self.footage.plug_in()

    def freeze_picture(self) -> None:
        """The lens gives one picture again and again."""
        self._is_frozen = True
        self.footage.freeze()

    def thaw_picture(self) -> None:
        """It moves again."""
        self._is_frozen = False
        self.footage.thaw()

    def break_card(self, number: int) -> None:
        """Every write fails with that error from now on, as in `errno.EROFS`."""
        self.actual.card_faults += 1
        self.card.fail_writes(OSError(number, errno.errorcode[number]))

    def fill_card(self, room_bytes: int) -> None:
        """There is room for so many bytes and no more."""
        self.actual.card_faults += 1
        with self._before_and_after():
            self.card.fill(room_bytes)

    def make_room(self) -> None:
        """There is room again."""
        with self._before_and_after():
            self.card.make_room()

    async def drop_charge(self, percent: float) -> None:
        """An old cell gives up. Nothing left in it is a power cut."""
        self.look()
        self.battery.cliff(percent)
        self.look()
        if self.battery.is_empty:
            await self.power_cut()

    async def swap_battery(self) -> None:
        """Somebody puts a full one in: without any for a moment, the camera has no power and starts anew."""
        await self.power_cut()
        with self._before_and_after():
            self.battery.swap()
        self.power_on()

    def swap_card(self) -> None:
        """Somebody puts another one in, empty and sound."""
        with self._before_and_after():
            self.contents = self.environment.card(self.name)
            self.card.swap(self.contents)

    def step_clock(self, seconds: float) -> None:
        """The wall clock is corrected."""
        self.actual.clock_steps += 1
        self.clock.step(seconds)

    def lose_time(self) -> None:
        """The clock's own cell was empty when the power went: it begins anew, and knows that nobody has set it."""
        self.step_clock((_NEVER_SET - self.clock.now().utc).total_seconds())
        self.clock.trusted = "unsynced"

    def set_clock(self, to: datetime) -> None:
        """Somebody sets it by hand, as well as he can."""
        self.step_clock((to - self.clock.now().utc).total_seconds())
        self.clock.trusted = "unknown"

    def look(self) -> None:
        """Put on record how full its battery and card are."""
        now_s, refilled = self.clock.mono_s(), self._is_refilled
        self._is_refilled = self.dock.is_docked()
        self.actual.battery.append(Resource(now_s, self.battery.charge().percent, refilled))
        self.actual.storage.append(Resource(now_s, self.card.free_bytes(), refilled))

    @contextmanager
    def _before_and_after(self) -> Iterator[None]:
        """What jumps is looked at on both sides of the jump."""
        self.look()
        yield
        self._is_refilled = True
        self.look()

    async def settled(self) -> None:
        """Wait until every recording that has ended is on its card."""
        if self.camera is not None and self.is_on:
            await self.camera.settled()

    def finish_actual_record(self) -> ActualRecord:
        """What is true of it now."""
        self.look()
        self._note_stop()
        self.actual.accounts = self.contents.listing()
        self.actual.state = self.state
        self.actual.session = self._firmware.state_message().session if self.camera else ""
        unsent = [] if self.is_on else self.flash.unsent()  # one that is on has had its time to send them
        self.actual.unsent_events = [one for one in unsent if isinstance(one, EventMessage)]
        self.actual.unsent_replies = [one for one in unsent if isinstance(one, Reply)]
        return self.actual

    async def close(self) -> None:
        """The run is over: end it, however it stands."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])
        await self.network.close()
        self.contents.close()

    # -- inside --------------------------------------------------------------------------------------------------------

    @property
    def _firmware(self) -> Camera:
        assert self.camera is not None
        return self.camera

    def _came(self, message: Inbound) -> None:
        """Something reached it. A command that comes again came when it first did."""
        if message.topic == self.contract.command_topic:
            with contextlib.suppress(MessageError):
                self.actual.command_arrivals_s.setdefault(self.contract.decode_command(message).id, self.clock.mono_s())

    def _saw(self, state: State) -> None:
        """Its lights change."""
        if not self.actual.states or self.actual.states[-1][1] != state.value:
            self.actual.states.append((self.clock.mono_s(), state.value))

    def _felt(self, edge: Edge) -> None:
        """A button moves under somebody's finger. Where nobody reads it, it means nothing."""
        if edge.button != "event" or not self.buttons.are_read:
            return
        self._note_stop()
        now, finger = self.clock.now(), self._event_button
        match (finger.down if edge.is_down else finger.up)(now.mono_s, is_recording=self.is_recording):
            case "start" if now.mono_s - self._wanted_s > self.actual.precision_s:  # again before the lights can change
                self._wanted_s = now.mono_s
                self.actual.activations.append(Activation(now.mono_s, iso(now.utc)))
            case "mark":
                self.actual.markers.append(now.mono_s)

    def _note_stop(self) -> None:
        """The button has been down long enough to end a recording."""
        stopped_s = self._event_button.stopped_at_s(self.clock.mono_s())
        if stopped_s is not None:
            self.actual.stops.append(stopped_s)

    async def _live(self) -> None:
        """Start after start, until one ends for good."""
        log = Log(self.clock) if self.environment.remembers else Log(self.clock, _LATELY_LINES)
        reason = ""
        try:
            while True:
                self.settings.begin()
                self.camera = self._assembled(self.settings.current, log)
                if self.plugged is not None:
                    self.plugged.seat()
                await self.camera.run(reason)
                self._note_stop()
                if not self.camera.restarts:
                    return
                reason = self.camera.ended
        finally:
            if self.plugged is not None:
                self.plugged.end()

    def _assembled(self, config: Config, log: Log) -> Camera:
        session = f"{self._rng.getrandbits(64):016x}"
        self.worker = worker = CardWorker(self.environment.writer, self.clock, self.card)
        self.storage = PoweredStorage(self.card)
        self._event_button, self._wanted_s = EventButtonModel(), -math.inf  # a camera knows nothing of earlier presses
        self.network.dial(config.link)
        self.footage = self.environment.footage(self.name, config, self.clock, self._rng)
        if self._darkness:
            self.footage.unplug(self._darkness)
        if self._is_frozen:
            self.footage.freeze()
        self.link = Session(
            InboundRecorder(self.network, self._came), self.contract, self.clock, Outbox(self.flash, _AT_ONCE),
            session=session, rng=self._rng, spread_s=config.link.spread_s, drain_per_s=config.link.drain_per_s,
        )  # fmt: skip
        self.tap = Tap(self.link)
        return Camera(
            config,
            clock=self.clock,
            footage=self.footage,
            storage=self.storage,
            worker=worker,
            link=self.tap,
            rng=self._rng,
            session=session,
            indicators=self.indicators,
            switches=self.buttons,
            battery=self.battery,
            dock=self.dock,
            positioning=self.gps,
            settings=self.settings,
            log=log,
        )


def _config(environment: Environment, site: str, camera: str, scenario: Scenario) -> Config:
    return load_config(
        flags={
            ("camera", "agency"): environment.agency,
            ("camera", "site"): site,
            ("camera", "name"): camera,
            ("prebuffer", "length_s"): scenario.prebuffer_s,
            ("link", "telemetry_s"): scenario.telemetry_s,
            ("link", "broker"): environment.broker_url(),
            ("link", "spread_s"): scenario.spread_s,
        }
    )

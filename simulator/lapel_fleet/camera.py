"""One simulated camera: the real firmware, and the world around it."""

import asyncio
import contextlib
import errno
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from lapel.camera import Camera
from lapel.clock import iso
from lapel.config import Config
from lapel.config import load as load_config
from lapel.errors import MessageError, StorageError
from lapel.gestures import HOLD_S
from lapel.hardware.interfaces import ButtonName, RecordingFiles, Storage
from lapel.link.contract import LapelV1
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.link.transport import Inbound
from lapel.recording import Account
from lapel.settings import Settings
from lapel.states import State
from lapel.worker import Worker
from lapel_fleet.checkers.ledger import Activation, Resource, Truth
from lapel_fleet.clock import SimulatedClock
from lapel_fleet.hardware.battery import SimulatedBattery
from lapel_fleet.hardware.buttons import SimulatedButtons
from lapel_fleet.hardware.dock import SimulatedDock
from lapel_fleet.hardware.doorstep import Doorstep
from lapel_fleet.hardware.flash import SimulatedFlash
from lapel_fleet.hardware.footage import SimulatedFootage
from lapel_fleet.hardware.gps import SimulatedGps
from lapel_fleet.hardware.indicators import SimulatedIndicators
from lapel_fleet.hardware.network import SimulatedNetwork
from lapel_fleet.hardware.storage import CARD_BYTES, CardWorker, SimulatedStorage
from lapel_fleet.scenario import Scenario
from lapel_fleet.world import World


class CardInside(Storage, Protocol):
    """A card, and what somebody who pulls it out finds on it."""

    def listing(self) -> list[Account]:
        """The accounts of all clips."""

    def close(self) -> None:
        """Leave it to others. Harmless when closed."""


class Surroundings(Protocol):
    """What the kind of time decides about a camera: which clock, line, card and threads it gets."""

    @property
    def agency(self) -> str:
        """Who answers for it."""

    @property
    def precision_s(self) -> float:
        """See `Truth.precision_s`."""

    @property
    def worker(self) -> Worker:
        """Where what blocks goes."""

    def clock(self) -> SimulatedClock:
        """A wall clock of its own over the time that all share."""

    def network(self, name: str, chance: random.Random) -> SimulatedNetwork:
        """Its line to the broker."""

    def card(self, name: str) -> CardInside:
        """Its card, empty."""

    def footage(self, name: str, config: Config, clock: SimulatedClock, chance: random.Random) -> SimulatedFootage:
        """Its lens, encoder and pre-event buffer, as they are after power-on."""

    def broker_url(self) -> str:
        """For its configuration."""


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
    """What is done to it by the world is done here, and written into its `truth`."""

    __slots__ = (  # as in `lapel.camera.Camera`: a dictionary for each would take 2 KB
        "_around", "_chance", "_darkness", "_is_frozen", "_is_refilled", "_life", "_settings", "battery", "buttons",
        "camera", "card", "clock", "contents", "contract", "dock", "flash", "footage", "gps", "indicators", "link",
        "name", "network", "storage", "truth",
    )  # fmt: skip

    def __init__(self, name: str, scenario: Scenario, world: World, around: Surroundings) -> None:
        """`name` is `site/camera`. Nothing runs before `power_on`."""
        self.name, self.truth = name, Truth(name, telemetry_s=scenario.telemetry_s, precision_s=around.precision_s)
        site, camera = name.split("/")
        self.contract = LapelV1(around.agency, site, camera)
        self._around = around
        self.clock = around.clock()
        self.network = around.network(name, world.chance(name, "line"))
        self.contents = around.card(name)
        self.card = SimulatedStorage(self.contents)
        self.flash = SimulatedFlash()
        self.battery = SimulatedBattery(self.clock, world.chance(name, "battery"))
        self.dock = SimulatedDock(self.battery)
        self.buttons = SimulatedButtons(self.clock)
        self.gps = SimulatedGps(self.clock, world.chance(name, "way"), site)
        self.indicators = SimulatedIndicators()
        self.indicators.watchers += [self.battery.shows, self._saw]
        self._settings = Settings(_config(around, site, camera, scenario))
        self._chance = world.chance(name, "firmware")
        self._darkness: str | None = None
        self._is_frozen = self._is_refilled = False
        self._life: asyncio.Task[None] | None = None
        self.camera: Camera | None = None

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

    def has_reported(self, state: str) -> bool:
        """Whether it is in that state, and says so: *recording* it says once something is on the card."""
        return self.state == state and (state == State.OFF.value or self._firmware.state_message().state == state)

    @property
    def card_used_share(self) -> float:
        """From 0, empty, to 1."""
        return 1 - self.card.free_bytes() / CARD_BYTES

    @property
    def has_said_all(self) -> bool:
        """Whether nothing more is to be expected of it now: all is acknowledged, or it knows that its line is down."""
        if self.network.is_down:
            return not self.is_on or not self.link.status().up
        return not self.is_on or self.is_online

    # -- what can be done to it ----------------------------------------------------------------------------------------

    def press(self, button: ButtonName = "event", times: int = 1) -> None:
        """Somebody presses a button: twice at once starts a recording, once marks it. See `lapel.gestures`."""
        now = self.clock.now()
        if button == "event" and self.is_on:
            if times >= 2 and not self.is_recording:
                self.truth.activations.append(Activation(now.mono_s, iso(now.utc)))
            elif times == 1 and self.is_recording:
                self.truth.markers.append(now.mono_s)
        self.buttons.press(button, times)

    async def hold(self, button: ButtonName = "event", seconds: float = HOLD_S) -> None:
        """Somebody holds a button: the event button's ends a recording."""
        if button == "event" and self.is_recording and seconds >= HOLD_S:
            self.truth.stops.append(self.clock.mono_s() + HOLD_S)
        await self.buttons.hold(button, seconds)

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
        """The battery is in, the firmware starts."""
        if not self.is_on:
            self.network.gain_power()
            self.flash.has_power = True
            self._life = asyncio.create_task(self._live(), name=self.name)

    async def power_cut(self) -> None:
        """The battery is pulled: nothing more is sent or written."""
        if self._life is None or not self.is_on:
            return
        self.truth.power_cuts += 1
        self.network.lose_power()
        self.flash.has_power = False
        if self.camera is not None:
            self.storage.has_power = False
            self.footage.lose_power()
        self._life.cancel()
        await asyncio.wait([self._life])
        self.indicators.show(State.OFF)

    async def switch_off(self) -> None:
        """An orderly end."""
        if self._life is not None and self.state != State.OFF.value:  # one that has not begun to start has no end
            self._firmware.shut_down("the shift is over")
            await asyncio.wait([self._life])

    def put_in_dock(self) -> None:
        """The wearer docks it; a recording is finished first."""
        self._is_refilled = True
        if self.is_recording:
            self.truth.stops.append(self.clock.mono_s())
        self.dock.put_in()

    def take_out_of_dock(self) -> None:
        """The wearer takes it along."""
        self.dock.take_out()

    def unplug_lens(self) -> None:
        """The lens's cable is pulled. Harmless when it is."""
        if self._darkness is None:
            self._darkness = "unplugged"
            self.truth.dark.append((self.clock.mono_s(), math.inf))
            self.footage.unplug(self._darkness)

    def plug_lens_in(self) -> None:
        """And put back. Harmless when it is there."""
        if self._darkness is not None:
            self._darkness = None
            self.truth.dark[-1] = (self.truth.dark[-1][0], self.clock.mono_s())
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
        self.truth.card_faults += 1
        self.card.fail_writes(OSError(number, errno.errorcode[number]))

    def fill_card(self, room_bytes: int) -> None:
        """There is room for so many bytes and no more."""
        self.truth.card_faults += 1
        with self._before_and_after():
            self.card.fill(room_bytes)

    def make_room(self) -> None:
        """There is room again."""
        with self._before_and_after():
            self.card.make_room()

    def drop_charge(self, percent: float) -> None:
        """An old cell gives up."""
        self.look()
        self.battery.cliff(percent)
        self.look()

    def step_clock(self, seconds: float) -> None:
        """The wall clock is corrected."""
        self.truth.clock_steps += 1
        self.clock.step(seconds)

    def look(self) -> None:
        """Put on record how full its battery and card are."""
        now_s, refilled = self.clock.mono_s(), self._is_refilled
        self._is_refilled = self.dock.is_docked()
        self.truth.battery.append(Resource(now_s, self.battery.charge().percent, refilled))
        self.truth.storage.append(Resource(now_s, self.card.free_bytes(), refilled))

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

    def settle_truth(self) -> Truth:
        """What is true of it now."""
        self.look()
        self.truth.accounts = self.contents.listing()
        self.truth.state = self.state
        self.truth.session = self._firmware.state_message().session if self.camera else ""
        return self.truth

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
                self.truth.came.setdefault(self.contract.decode_command(message).id, self.clock.mono_s())

    def _saw(self, state: State) -> None:
        """Its lights change."""
        if not self.truth.states or self.truth.states[-1][1] != state.value:
            self.truth.states.append((self.clock.mono_s(), state.value))

    async def _live(self) -> None:
        """Start after start, until one ends for good."""
        while True:
            self._settings.begin()
            self.camera = self._assembled(self._settings.current)
            await self.camera.run()
            if not self.camera.restarts:
                return

    def _assembled(self, config: Config) -> Camera:
        session = f"{self._chance.getrandbits(64):016x}"
        worker = CardWorker(self._around.worker, self.clock, self.card)
        self.storage = PoweredStorage(self.card)
        self.footage = self._around.footage(self.name, config, self.clock, self._chance)
        if self._darkness:
            self.footage.unplug(self._darkness)
        if self._is_frozen:
            self.footage.freeze()
        self.link = Session(
            Doorstep(self.network, self._came), self.contract, self.clock, Outbox(self.flash, worker),
            session=session, chance=self._chance, spread_s=config.link.spread_s, drain_per_s=config.link.drain_per_s,
        )  # fmt: skip
        return Camera(
            config,
            clock=self.clock,
            footage=self.footage,
            storage=self.storage,
            worker=worker,
            link=self.link,
            chance=self._chance,
            session=session,
            indicators=self.indicators,
            switches=self.buttons,
            battery=self.battery,
            dock=self.dock,
            positioning=self.gps,
            settings=self._settings,
        )


def _config(around: Surroundings, site: str, camera: str, scenario: Scenario) -> Config:
    return load_config(
        flags={
            ("camera", "agency"): around.agency,
            ("camera", "site"): site,
            ("camera", "name"): camera,
            ("prebuffer", "length_s"): scenario.prebuffer_s,
            ("link", "telemetry_s"): scenario.telemetry_s,
            ("link", "broker"): around.broker_url(),
            ("link", "spread_s"): scenario.spread_s,
        }
    )

"""A fleet in virtual time: real cameras on simulated hardware, a broker in memory, wearers, an operator, faults."""

import asyncio
import contextlib
import errno
import random
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec

from lapel.camera import Camera
from lapel.clock import iso
from lapel.config import Config
from lapel.config import load as load_config
from lapel.hardware.interfaces import RecordingFiles
from lapel.link.contract import LapelV1
from lapel.link.messages import Command, CommandName, EventMessage, Reply, StateMessage
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.recording import Account
from lapel.settings import Settings
from lapel.states import State
from lapel.worker import InlineWorker
from lapel_fleet.checkers.ledger import Activation, Heard, Truth
from lapel_fleet.clock import VirtualClock, run_virtual
from lapel_fleet.hardware.flash import SimulatedFlash
from lapel_fleet.hardware.footage import ComputedFootage
from lapel_fleet.hardware.indicators import SimulatedIndicators
from lapel_fleet.hardware.network import VirtualBroker, VirtualNetwork
from lapel_fleet.hardware.storage import MemoryStorage, SimulatedStorage
from lapel_fleet.scenario import Fault, Scenario
from lapel_fleet.trace import Trace
from lapel_fleet.world import World

AGENCY = "fleet"
SETTLE_S = 240.0
"""After the last stop: longer than any back-off, so that what must arrive has arrived when it is judged."""

_TTL_S = 10.0


class PoweredStorage:
    """The card as one life of the firmware sees it: nothing that outlives a power cut can still write to it."""

    def __init__(self, card: SimulatedStorage) -> None:
        self._card = card
        self._files: list[RecordingFiles] = []

    def check(self) -> None:
        """See `Storage.check`."""
        self._card.check()

    def free_bytes(self) -> int:
        """See `Storage.free_bytes`."""
        return self._card.free_bytes()

    def create(self, account: Account) -> RecordingFiles:
        """See `Storage.create`."""
        files = self._card.create(account)
        self._files.append(files)
        return files

    def recover(self) -> list[Account]:
        """See `Storage.recover`."""
        return self._card.recover()

    def lose_power(self) -> None:
        """Every open file takes no more."""
        for files in self._files:
            files.close()


class SimulatedCamera:
    """The real firmware, and the world around it. What is done to it here is written into its `truth`."""

    def __init__(self, name: str, world: World, broker: VirtualBroker, scenario: Scenario) -> None:
        """`name` is `site/camera`."""
        self.name, self.truth = name, Truth(name)
        site, camera = name.split("/")
        self.contract = LapelV1(AGENCY, site, camera)
        self.clock = VirtualClock(asyncio.get_running_loop())  # the fleet's time, and a wall clock of its own
        self.network = VirtualNetwork(broker, scenario.keepalive_s)
        self.memory = MemoryStorage()
        self.card = SimulatedStorage(self.memory)
        self.flash = SimulatedFlash()
        self.indicators = SimulatedIndicators()
        self._config = _config(site, camera, scenario)
        self._settings = Settings(self._config)
        self._chance = world.chance(name, "firmware")
        self._why_dark: str | None = None
        self._life: asyncio.Task[None] | None = None
        self.power_on()

    # -- the outside world ---------------------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """Whether the firmware runs."""
        return self._life is not None and not self._life.done()

    @property
    def is_recording(self) -> bool:
        """What its lights show."""
        return self.is_on and self.camera.status().state is State.RECORDING

    def press_to_start(self) -> None:
        """The wearer looks at the lights, and presses when it does not record."""
        if self.is_on and not self.is_recording:
            self.wanted_recording()
            self.camera.press()

    def press_to_stop(self) -> None:
        """The wearer presses when it records."""
        if self.is_recording:
            self.camera.press()

    def mark(self) -> None:
        """The wearer sets a marker."""
        if self.is_on:
            self.camera.mark()

    def power_on(self) -> None:
        """The battery is in, the firmware starts."""
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
        self.storage.lose_power()
        self.footage.lose_power()
        self._life.cancel()
        await asyncio.wait([self._life])

    async def switch_off(self) -> None:
        """An orderly end."""
        if self._life is not None and self.is_on:
            self.camera.shut_down("the shift is over")
            await asyncio.wait([self._life])

    def unplug_lens(self) -> None:
        """The lens's cable is pulled."""
        self._why_dark = "unplugged"
        self.footage.unplug(self._why_dark)

    def plug_lens_in(self) -> None:
        """And put back."""
        self._why_dark = None
        self.footage.plug_in()

    def step_clock(self, seconds: float) -> None:
        """The wall clock is corrected."""
        self.truth.clock_steps += 1
        self.clock.step(seconds)

    def wanted_recording(self, command: str = "") -> None:
        """Somebody wanted one: the wearer, or an operator whose start reached it."""
        now = self.clock.now()
        self.truth.activations.append(Activation(now.mono_s, iso(now.utc), command))

    def settle_truth(self) -> Truth:
        """What is true of it now."""
        status = self.camera.status()
        self.truth.accounts = self.memory.listing()
        self.truth.state = status.state.value if self.is_on else "off"
        self.truth.session = self.camera.state_message().session
        return self.truth

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        """Start after start, until one ends for good."""
        while True:
            self._settings.begin()
            self.camera = self._firmware(self._settings.current)
            await self.camera.run()
            if not self.camera.restarts:
                return

    def _firmware(self, config: Config) -> Camera:
        session = f"{self._chance.getrandbits(64):016x}"
        worker = InlineWorker()
        self.storage = PoweredStorage(self.card)
        self.footage = ComputedFootage(self.clock, config.prebuffer.length_s, config.video.bitrate_bps)
        if self._why_dark:
            self.footage.unplug(self._why_dark)
        link = Session(
            self.network, self.contract, self.clock, Outbox(self.flash, worker), session=session, chance=self._chance
        )
        return Camera(
            config,
            clock=self.clock,
            footage=self.footage,
            storage=self.storage,
            worker=worker,
            link=link,
            chance=self._chance,
            session=session,
            indicators=self.indicators,
            settings=self._settings,
        )


class FleetBackEnd:
    """A back end that only listens: what was heard of each camera, by its name."""

    def __init__(self, names: Sequence[str], trace: Trace, now_s: Callable[[], float]) -> None:
        self.heard = {name: Heard() for name in names}
        self.messages = 0
        self._trace, self._now_s = trace, now_s

    def hear(self, topic: str, payload: bytes) -> None:
        """Somebody published this."""
        self.messages += 1
        self._trace.add(self._now_s(), topic, payload.decode())
        _, _, _, site, camera, leaf = topic.split("/", 5)
        heard = self.heard[f"{site}/{camera}"]
        match leaf:
            case "state":
                heard.states.append(msgspec.json.decode(payload, type=StateMessage))
            case "event":
                heard.events.append(msgspec.json.decode(payload, type=EventMessage))
            case "reply":
                heard.replies.append(msgspec.json.decode(payload, type=Reply))


class VirtualFleet:
    """Everybody in a run, and its course."""

    def __init__(self, scenario: Scenario, world: World, clock: VirtualClock, trace: Trace) -> None:
        self._scenario, self._world, self._clock, self._trace = scenario, world, clock, trace
        self.broker = VirtualBroker()
        self.back_end = FleetBackEnd(scenario.cameras, trace, clock.mono_s)
        self.broker.observers.append(self.back_end.hear)
        self.cameras: dict[str, SimulatedCamera] = {}
        self._jobs: list[asyncio.Task[None]] = []

    async def run(self, progress: Callable[[float], None] = lambda _: None) -> list[tuple[Truth, Heard]]:
        """The whole day. `progress` is told the share that is over, now and then. What is true, and what was heard."""
        for name in self._scenario.cameras:
            self.cameras[name] = SimulatedCamera(name, self._world, self.broker, self._scenario)
        for camera in self.cameras.values():
            self._start(self._wear(camera, self._world.chance(camera.name, "wearer")))
        if self._scenario.operator.commands_per_hour:
            self._start(self._operate(self._world.chance("fleet", "operator")))
        for number, fault in enumerate(self._scenario.faults):
            self._start(self._go_wrong(fault, number))
        await self._until_the_end(progress)
        cases = [(one.settle_truth(), self.back_end.heard[name].so_far()) for name, one in self.cameras.items()]
        for camera in self.cameras.values():
            await camera.switch_off()
        return cases

    async def _until_the_end(self, progress: Callable[[float], None]) -> None:
        for percent in range(100):
            await self._clock.sleep(self._scenario.duration_s / 100)
            progress((percent + 1) / 100)
        for job in self._jobs:
            job.cancel()
        await asyncio.wait(self._jobs)
        for job in self._jobs:
            if not job.cancelled():
                job.result()
        for camera in self.cameras.values():
            camera.press_to_stop()
        await self._clock.sleep(SETTLE_S)

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        self._jobs.append(asyncio.create_task(job))

    # -- wearers -------------------------------------------------------------------------------------------------------

    async def _wear(self, camera: SimulatedCamera, chance: random.Random) -> None:
        wearer = self._scenario.wearer
        if not wearer.activations_per_hour:
            return
        while True:
            await self._clock.sleep(chance.expovariate(wearer.activations_per_hour / 3600))
            length_s, marks = chance.uniform(*wearer.length_s), chance.random() < wearer.marks
            forgets = chance.random() < wearer.forgotten_stops
            camera.press_to_start()
            await self._clock.sleep(length_s / 2)
            if marks:
                camera.mark()
            await self._clock.sleep(3600 if forgets else length_s / 2)
            camera.press_to_stop()

    # -- the operator --------------------------------------------------------------------------------------------------

    async def _operate(self, chance: random.Random) -> None:
        names, number = list(self.cameras), 0
        harmless: tuple[CommandName, ...] = ("status", "identify", "self-test")
        while True:
            await self._clock.sleep(chance.expovariate(self._scenario.operator.commands_per_hour / 3600))
            camera, number = self.cameras[chance.choice(names)], number + 1
            if chance.random() < 0.1:
                self._start_remotely(camera, f"op-{number}", chance.uniform(5, 60))
            else:
                self._command(camera, chance.choice(harmless), f"op-{number}")

    def _start_remotely(self, camera: SimulatedCamera, id_: str, length_s: float) -> None:
        if not camera.is_recording and self._command(camera, "start-recording", id_):
            camera.wanted_recording(id_)
            loop = asyncio.get_running_loop()
            loop.call_later(length_s, self._command, camera, "stop-recording", f"{id_}-stop")

    def _command(self, camera: SimulatedCamera, command: CommandName, id_: str, *, age_s: float | None = None) -> bool:
        """Send it; whether it reached the camera, which must then answer it."""
        sent_at = None if age_s is None else iso(self._clock.now().shifted(-age_s).utc)
        message = Command(
            id=id_, command=command, sender="operator", sent_at=sent_at, ttl_s=None if age_s is None else _TTL_S
        )
        reached = bool(self.broker.say(camera.contract.command_topic, msgspec.json.encode(message)))
        if reached and id_ not in camera.truth.commands:
            camera.truth.commands.append(id_)
        return reached

    # -- faults --------------------------------------------------------------------------------------------------------

    async def _go_wrong(self, fault: Fault, number: int) -> None:
        await self._clock.sleep(fault.at_s)
        chance = self._world.chance("fleet", f"fault {number}")
        met = [one for one in self.cameras.values() if chance.random() < fault.share]
        self._trace.add(self._clock.mono_s(), "world", f"{fault.kind} meets {len(met)} cameras")
        await getattr(self, f"_{fault.kind.replace('-', '_')}")(fault, met)

    async def _broker_outage(self, fault: Fault, _: list[SimulatedCamera]) -> None:
        self.broker.stop()
        await self._over(fault, self.broker.start)

    async def _network_down(self, fault: Fault, met: list[SimulatedCamera]) -> None:
        for camera in met:
            camera.network.unplug()
        await self._over(fault, *(camera.network.plug_in for camera in met))

    async def _half_open(self, fault: Fault, met: list[SimulatedCamera]) -> None:
        for camera in met:
            camera.network.half_open()
        await self._over(fault, *(camera.network.mend for camera in met))

    async def _power_cut(self, fault: Fault, met: list[SimulatedCamera]) -> None:
        for camera in met:
            await camera.power_cut()
        await self._over(fault, *(camera.power_on for camera in met))

    async def _camera_unplugged(self, fault: Fault, met: list[SimulatedCamera]) -> None:
        for camera in met:
            camera.unplug_lens()
        await self._over(fault, *(camera.plug_lens_in for camera in met))

    async def _card_read_only(self, fault: Fault, met: list[SimulatedCamera]) -> None:
        for camera in met:
            camera.truth.card_faults += 1
            camera.card.fail_writes(OSError(errno.EROFS, "read-only"))
        await self._over(fault, *(camera.card.mend for camera in met))

    async def _clock_step(self, fault: Fault, met: list[SimulatedCamera]) -> None:
        for camera in met:
            camera.step_clock(fault.step_s)

    async def _late_command(self, fault: Fault, met: list[SimulatedCamera]) -> None:
        for camera in met:
            id_ = f"late-{camera.name}"[:64]
            reached = self._command(camera, "start-recording", id_, age_s=abs(fault.step_s) + _TTL_S)
            if reached and not camera.truth.clock_steps:  # whose clock is wrong cannot know
                camera.truth.expired.append(id_)

    async def _duplicate_command(self, _: Fault, met: list[SimulatedCamera]) -> None:
        for camera in met:
            id_ = f"twice-{camera.name}"[:64]
            if not camera.is_recording and self._command(camera, "start-recording", id_):
                camera.wanted_recording(id_)
                self._command(camera, "start-recording", id_)
                loop = asyncio.get_running_loop()
                loop.call_later(20, self._command, camera, "stop-recording", f"{id_[:58]}-stop")
                loop.call_later(40, self._command, camera, "start-recording", id_)

    async def _over(self, fault: Fault, *ends: Callable[[], object]) -> None:
        """It ends after its time, and in any case when the run does."""
        with contextlib.ExitStack() as stack:
            for end in reversed(ends):
                stack.callback(end)
            await self._clock.sleep(fault.for_s)


def run(
    scenario: Scenario, seed: int, trace: Path | None = None, progress: Callable[[float], None] = lambda _: None
) -> "Run":
    """A whole run in virtual time. Raises StorageError when the trace cannot be written."""

    async def program(clock: VirtualClock) -> Run:
        lines = Trace(trace)
        fleet = VirtualFleet(scenario, World(seed), clock, lines)
        cases = await fleet.run(progress)
        return Run(seed, cases, lines.close(), lines.lines, fleet.back_end.messages, clock.mono_s())

    return run_virtual(program)


class Run(msgspec.Struct, frozen=True):
    """What a run leaves to be judged."""

    seed: int
    cases: list[tuple[Truth, Heard]]
    trace_sha256: str
    trace_lines: int
    messages: int
    virtual_s: float


def _config(site: str, camera: str, scenario: Scenario) -> Config:
    return load_config(
        flags={
            ("camera", "agency"): AGENCY,
            ("camera", "site"): site,
            ("camera", "name"): camera,
            ("prebuffer", "length_s"): scenario.prebuffer_s,
            ("link", "telemetry_s"): scenario.telemetry_s,
            ("link", "broker"): "mqtt://127.0.0.1",
        }
    )

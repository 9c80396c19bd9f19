"""One simulated camera: the real firmware on simulated hardware, its power, and what its wearer does with it."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Protocol

import msgspec

from lapel.camera import Camera
from lapel.config import Config
from lapel.config import load as load_config
from lapel.errors import MessageError
from lapel.hardware.devices import Devices
from lapel.hardware.interfaces import ButtonName, Edge
from lapel.link.messages import Command
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.link.tap import Tap
from lapel.link.transport import Inbound
from lapel.logs import Log
from lapel.offload.listener import OffloadStatus
from lapel.policy.declarations import Declarations
from lapel.policy.profile import Declarable, Profile, TriggerSource, development
from lapel.settings import Settings
from lapel.states import State
from lapel.wearer_store import WearerStore
from lapel.worker import InlineWorker
from lapel_fleet.cameras.camera_hardware import CameraHardware
from lapel_fleet.cameras.environment import Environment
from lapel_fleet.checkers.records import ActualRecord
from lapel_fleet.hardware.inbound_recorder import InboundRecorder
from lapel_fleet.hardware.switches import HELD_S
from lapel_fleet.scenario.offload import Offload
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario

HEARTBEAT_INTERVALS = 6
"""Telemetry intervals between two heartbeats in the audit log: each is signed, and a fleet has thousands of cameras."""
MICROPHONE = "tone"
"""The configured source of sound of a camera with a microphone: what it hears."""
_FEW_LOG_LINES = 8
"""What one recording logs."""
_INLINE = InlineWorker()
"""For the flash, which is in memory."""


class AttachedConsole(Protocol):
    """A technician's console at a camera's service port."""

    def on_start(self) -> None:
        """The firmware is about to start, or start again: `camera.camera` and its parts are new."""

    def on_off(self) -> None:
        """The camera is off."""


class CameraSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What is visible of a camera at one moment. Sent by worker processes as JSON."""

    state: str
    """As its lights show it; `off` without power."""
    is_reported: bool
    """Whether its state message has the same state: see `SimulatedCamera.has_reported`."""
    is_online: bool
    trouble: str
    """Why it is not online; empty when it is, or is about to be."""


class SimulatedCamera(CameraHardware):
    """A camera that can be switched on, worn and disturbed. Everything done to it is written into `actual`."""

    __slots__ = (
        "_declarations", "_has_battery", "_has_triggers", "_profile", "_rng", "_run", "_wearer_store", "camera",
        "console", "contract", "link", "settings", "tap",
    )  # fmt: skip
    link: Session
    tap: Tap

    def __init__(
        self,
        name: str,
        scenario: Scenario,
        streams: RandomStreams,
        environment: Environment,
        profile: Profile | None = None,
    ) -> None:
        """`name` is `site/camera`. Nothing runs before `power_on`. `profile`: the policy; without one, no rules."""
        super().__init__(name, scenario, streams, environment)
        self._profile, self._declarations = profile or development(), Declarations()
        self.actual.policy = self._profile
        self._has_triggers = any(one.triggered for one in scenario.encounters)
        site, camera = name.split("/")
        self.contract = environment.contract(site, camera)
        self.settings = Settings(_config(environment, site, camera, scenario))
        self._wearer_store = WearerStore()
        self.switches.watchers.append(self._on_button)
        self.dock.watchers.append(self._on_dock)
        self._rng = streams.counter_rng(name, "firmware")
        self._has_battery = True
        self._run: asyncio.Task[None] | None = None
        self.camera: Camera | None = None
        self.console: AttachedConsole | None = None
        """None at all but a few of thousands of cameras: then nothing is kept for a console."""

    # -- what is visible -----------------------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """Whether the firmware runs."""
        return self._run is not None and not self._run.done()

    @property
    def state(self) -> str:
        """The state as its lights show it; `off` without power."""
        return self.camera.state.value if self.camera is not None and self.is_on else State.OFF.value

    @property
    def offload_status(self) -> OffloadStatus | None:
        """How far its offload is; None where it does not offload, or is off."""
        return self.camera.offload.status() if self.camera is not None and self.is_on else None

    @property
    def is_recording(self) -> bool:
        """Whether its lights show a recording."""
        return self.state == State.RECORDING.value

    @property
    def is_online(self) -> bool:
        """Whether its link is up and everything it had to send is acknowledged."""
        return self.state != State.OFF.value and self.link.status().up and self.link.is_idle

    @property
    def is_connected(self) -> bool:
        """Whether its link is up and no event waits. Of thousands of cameras, some always have telemetry to send."""
        return self.state != State.OFF.value and (link := self.link.status()).up and not link.events_waiting

    @property
    def offline_reason(self) -> str:
        """Why its link is down; empty when it is up, or the camera is off."""
        return self.link.status().reason if self.state != State.OFF.value else ""

    def has_reported(self, state: str) -> bool:
        """Whether it is in that state and has published it; *recording* only once a fragment is on the card."""
        return self.state == state and (state == State.OFF.value or self._firmware.state_message().state == state)

    @property
    def has_sent_all(self) -> bool:
        """Whether no message is to be expected now: everything is acknowledged, or it knows that its link is down."""
        if self.network.is_down:
            return not self.is_on or not self.link.status().up
        return not self.is_on or self.is_online

    def snapshot(self) -> CameraSnapshot:
        """What is visible right now."""
        trouble = "it is off" if self.state == State.OFF.value else "" if self.is_online else self.link.status().reason
        return CameraSnapshot(
            state=self.state, is_reported=self.has_reported(self.state), is_online=self.is_online, trouble=trouble
        )

    # -- power ---------------------------------------------------------------------------------------------------------

    def power_on(self) -> None:
        """Put the battery in and start the firmware; not with an empty battery. Harmless when it is on."""
        self._has_battery = True
        if not self.is_on and not self.battery.is_empty:
            self.network.restore_power()
            self.flash.has_power = True
            self._run = asyncio.create_task(self._run_firmware(), name=self.name)

    async def power_cut(self) -> None:
        """Pull the battery: nothing more is sent or written. Harmless when it is off."""
        self._has_battery = False
        if self._run is None or not self.is_on:
            return
        self.actual.power_cuts += 1
        self.recorder.add_due_holds()
        self.network.lose_power()
        self.flash.has_power = False
        if self.camera is not None:
            self.storage.has_power = False
            self.footage.lose_power()
        self._run.cancel()
        await asyncio.wait([self._run])
        self.indicators.lose_power()

    async def switch_off(self) -> None:
        """Shut the firmware down in order."""
        if self._run is not None and self.state != State.OFF.value:  # else it has not started yet
            self._firmware.shut_down("the shift is over")
            await asyncio.wait([self._run])

    async def drop_charge(self, percent: float) -> None:
        """Let an aged battery drop to `percent` at once. Nothing left in it is a power cut."""
        self.sample_resources()
        self.battery.drop_to(percent)
        self.sample_resources()
        if self.battery.is_empty:
            await self.power_cut()

    async def swap_battery(self) -> None:
        """Replace the battery by a full one: the camera loses power for a moment and starts again."""
        await self.power_cut()
        with self._sampled_before_and_after():
            self.battery.swap()
        self.power_on()

    # -- the wearer and the technician ---------------------------------------------------------------------------------

    def press(self, button: ButtonName = "event", times: int = 1) -> None:
        """Press a button; see `lapel.gestures` for what it means. The power button switches on a camera that is off."""
        if button == "power" and self._has_battery:
            self.power_on()
        self.switches.press(button, times)

    async def hold(self, button: ButtonName = "event", seconds: float = HELD_S) -> None:
        """Hold a button; the event button ends a recording."""
        await self.switches.hold(button, seconds)

    async def hold_together(self, buttons: Sequence[ButtonName], seconds: float = HELD_S) -> None:
        """Hold several buttons at once; event and select switch lights and tones off and on."""
        await asyncio.gather(*(self.switches.hold(button, seconds) for button in buttons))

    @property
    def is_stealth(self) -> bool:
        """Whether its lights and tones are switched off."""
        return self._wearer_store.notes.stealth

    @property
    def is_asked(self) -> bool:
        """Whether it asks its wearer to press once more in order to start a recording."""
        return self.camera is not None and self.is_on and self.camera.policy.awaits_start

    async def declare(self, what: Declarable, for_s: float) -> None:
        """Declare something at the camera, for that many seconds. Nothing happens while it is off."""
        if self.camera is not None and self.is_on:
            self.recorder.on_declared(what, "wearer", for_s)
            await self.camera.policy.declare(what, "wearer", for_s=for_s)

    def activate_trigger(self, trigger: TriggerSource) -> None:
        """Draw the weapon, switch the light bar on. Unnoticed while the camera is off."""
        if self.triggers.are_read and not self.is_recording:
            self.recorder.on_trigger(trigger)
        self.triggers.activate(trigger)

    def put_in_dock(self) -> None:
        """Dock it as soon as there is a free bay; the firmware finishes a recording first."""
        self.dock.put_in()

    def take_out_of_dock(self) -> None:
        """Undock it."""
        self.dock.take_out()

    def on_console_command(self, command: Command) -> None:
        """Write a command that was given at the console into the actual record."""
        self.recorder.on_console_command(command, is_recording=self.is_recording)

    # -- the end of a run ----------------------------------------------------------------------------------------------

    async def settled(self) -> None:
        """Wait until every recording that has ended is written to the storage card."""
        if self.camera is not None and self.is_on:
            await self.camera.settled()

    def finish_actual_record(self) -> ActualRecord:
        """The actual record, with the state of card, flash and firmware at this moment."""
        self.sample_resources()
        self.recorder.add_due_holds()
        self.actual.accounts = self.card_contents.listing()
        self.actual.manifests = self.card_contents.manifests()
        self.add_offload_record()
        self.actual.audit = [*self.earlier_audit, *(self.card_contents.audit or ())]
        self.actual.state = self.state
        self.actual.session = self._firmware.state_message().session if self.camera else ""
        self.recorder.set_microphone(self.microphone)
        self.recorder.set_unsent([] if self.is_on else self.flash.unsent())  # one that is on had time to send them
        return self.actual

    async def close(self) -> None:
        """End the firmware in whatever state it is, and release sockets and files."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.wait([self._run])
        await self.network.close()
        self.card_contents.close()

    # -- inside --------------------------------------------------------------------------------------------------------

    @property
    def _firmware(self) -> Camera:
        assert self.camera is not None
        return self.camera

    def _on_button(self, edge: Edge) -> None:
        if self.switches.are_read:
            self.recorder.on_button(edge, is_recording=self.is_recording, is_asked=self.is_asked)

    def _on_dock(self, is_docked: bool) -> None:
        self.sample_resources()
        if is_docked:
            self.recorder.on_docked(is_recording=self.is_recording)

    def _on_inbound(self, message: Inbound) -> None:
        if message.topic == self.contract.command_topic:
            with contextlib.suppress(MessageError):
                self.recorder.on_command(self.contract.decode_command(message))

    async def _run_firmware(self) -> None:
        """Start the firmware, and again whenever it restarts, until it ends for good."""
        log = Log(self.clock) if self.environment.keeps_history else Log(self.clock, _FEW_LOG_LINES)
        reason = ""
        try:
            while True:
                self.settings.mark_started()
                self.camera = self._assemble(self.settings.current, log)
                if self.console is not None:
                    self.console.on_start()
                await self.camera.run(reason)
                self.recorder.add_due_holds()
                if not self.camera.restarts:
                    return
                reason = self.camera.ended
        finally:
            if self.console is not None:
                self.console.on_off()

    def _assemble(self, config: Config, log: Log) -> Camera:
        session = f"{self._rng.getrandbits(64):016x}"
        self.begin_session(config, self._rng)
        self.link = Session(
            InboundRecorder(self.network, self._on_inbound), self.contract, self.clock, Outbox(self.flash, _INLINE),
            session=session, rng=self._rng, spread_s=config.link.spread_s, drain_per_s=config.link.drain_per_s,
        )  # fmt: skip
        self.tap = Tap(self.link)
        offload, retention = self.offload.parts(self.storage) if self.offload is not None else (None, None)
        return Camera(
            config,
            clock=self.clock,
            footage=self.footage,
            storage=self.storage,
            devices=Devices(
                self.indicators,
                switches=self.switches,
                battery=self.battery,
                dock=self.dock,
                positioning=self.gps,
                triggers=self.triggers if self._has_triggers else None,
            ),
            worker=self.storage_worker,
            link=self.tap,
            rng=self._rng,
            session=session,
            profile=self._profile,
            declarations=self._declarations,
            settings=self.settings,
            log=log,
            wearer=self._wearer_store,
            live_view=self.environment.live_view(self.name, self.clock),
            offload=offload,
            retention=retention,
            check_key=lambda: "the key of the simulated fleet",
        )


def _config(environment: Environment, site: str, camera: str, scenario: Scenario) -> Config:
    return load_config(
        flags={
            ("camera", "agency"): environment.agency,
            ("camera", "site"): site,
            ("camera", "name"): camera,
            ("prebuffer", "length_s"): scenario.prebuffer_s,
            ("audio", "source"): MICROPHONE if scenario.sound else "none",
            ("link", "telemetry_s"): scenario.telemetry_s,
            ("evidence", "heartbeat_s"): max(60.0, HEARTBEAT_INTERVALS * scenario.telemetry_s),
            ("link", "broker"): environment.broker_url(),
            ("link", "spread_s"): scenario.spread_s,
            **_offload_flags(scenario.offload),
        }
    )


def _offload_flags(offload: Offload | None) -> dict[tuple[str, str], object]:
    """The destination is not configured: the environment supplies it."""
    if offload is None:
        return {}
    return {("offload", "uploads"): offload.uploads, ("offload", "critical"): ", ".join(offload.critical)}

"""The devices of one simulated camera, and what the outside world can do to them."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from lapel.audit_entry import AuditEntry
from lapel.config import Config
from lapel.randomness import RandomSource
from lapel_fleet.cameras.actual_recorder import ActualRecorder
from lapel_fleet.cameras.environment import Environment
from lapel_fleet.cameras.offload import CameraOffload
from lapel_fleet.checkers.records import LIVE_PRECISION_S, ActualRecord
from lapel_fleet.hardware.battery import SimulatedBattery
from lapel_fleet.hardware.dock import SimulatedDock
from lapel_fleet.hardware.flash import SimulatedFlash
from lapel_fleet.hardware.footage import SimulatedFootage
from lapel_fleet.hardware.gps import SimulatedGps
from lapel_fleet.hardware.indicators import SimulatedIndicators
from lapel_fleet.hardware.memory_storage import CARD_BYTES
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.network import WILL_AFTER_KEEPALIVES
from lapel_fleet.hardware.powered_storage import PoweredStorage
from lapel_fleet.hardware.storage import SimulatedStorage, StorageWorker
from lapel_fleet.hardware.switches import SimulatedSwitches
from lapel_fleet.hardware.triggers import SimulatedTriggers
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario

_UNSET_CLOCK_UTC = datetime(2000, 1, 1, tzinfo=UTC)
"""What a clock chip shows that has lost its time."""
_UNPLUGGED = "unplugged"


class CameraHardware:
    """All devices of a simulated camera. What is done to them is written into the actual record."""

    __slots__ = (  # a dictionary per object would take 2 KB, and a fleet has thousands
        "_is_frozen",
        "_is_unplugged",
        "battery",
        "card",
        "card_contents",
        "clock",
        "dock",
        "earlier_audit",
        "environment",
        "flash",
        "footage",
        "gps",
        "indicators",
        "microphone",
        "name",
        "network",
        "offload",
        "recorder",
        "storage",
        "storage_worker",
        "switches",
        "triggers",
    )
    footage: SimulatedFootage
    storage: PoweredStorage
    storage_worker: StorageWorker

    def __init__(self, name: str, scenario: Scenario, streams: RandomStreams, environment: Environment) -> None:
        """`name` is `site/camera`. The streams' purposes are part of the seed: another purpose is another day."""
        self.name, self.environment = name, environment
        self.clock = environment.clock()
        self.recorder = ActualRecorder(_new_record(name, scenario, environment), self.clock)
        self.network = environment.network(name, streams.stream(name, "line"))
        self.card_contents = environment.storage_card(name)
        self.earlier_audit: list[AuditEntry] = []
        """What the audit logs of cards hold that were swapped."""
        self.card = SimulatedStorage(self.card_contents, keeps_history=environment.keeps_history)
        self.flash = SimulatedFlash()
        self.battery = SimulatedBattery(self.clock, streams.stream(name, "battery"))
        self.dock = SimulatedDock(self.battery, environment.docking_station(name))
        self.switches = SimulatedSwitches(self.clock)
        self.triggers = SimulatedTriggers()
        self.gps = SimulatedGps(self.clock, streams.stream(name, "way"), name.partition("/")[0])
        self.indicators = SimulatedIndicators()
        self.indicators.watchers += [self.battery.set_state, self.recorder.on_state]
        self.microphone = SimulatedMicrophone(self.clock)
        self.indicators.light_watchers.append(self.recorder.on_light)
        self._is_unplugged = self._is_frozen = False
        target = environment.offload(name)
        self.offload: CameraOffload | None = None
        """None for a camera that keeps its recordings."""
        if target is not None and scenario.offload is not None:
            self.offload = CameraOffload(
                target, scenario.offload, self.clock, lambda: self.card_contents, self.recorder.on_refilled
            )
            self.actual.critical = tuple(scenario.offload.critical)

    @property
    def actual(self) -> ActualRecord:
        """What really happened to the camera so far."""
        return self.recorder.record

    @property
    def card_used_share(self) -> float:
        """Used share of the storage card, from 0 to 1."""
        return 1 - self.card.free_bytes() / CARD_BYTES

    def sample_resources(self) -> None:
        """Add the battery's charge and the card's free space to the actual record."""
        self.recorder.sample_resources(self.battery.percent(), self.card.free_bytes(), is_docked=self.dock.is_docked())

    def add_offload_record(self) -> None:
        """Add what the clips of the card hold, and which were deleted, to the actual record."""
        if self.offload is not None:
            self.actual.contents.update(self.card_contents.contents())
            known = set(self.actual.deletions)
            self.actual.deletions += [one for one in self.card_contents.deletions if one not in known]

    # -- power ---------------------------------------------------------------------------------------------------------

    def begin_session(self, config: Config, rng: RandomSource) -> None:
        """Make what is new at each start of the firmware: storage, footage, link settings. Faults of the video source
        and the microphone persist.
        """
        self.storage_worker = StorageWorker(self.environment.storage_worker, self.clock, self.card)
        self.storage = PoweredStorage(self.card)
        self.recorder.on_start()
        self.network.configure(config.link)
        self.footage = self.environment.footage(self.name, config, self.clock, rng, self.microphone)
        self.recorder.on_sound(is_recorded=self.footage.status().sound is not None)
        if self._is_unplugged:
            self.footage.unplug(_UNPLUGGED)
        if self._is_frozen:
            self.footage.freeze()

    # -- video source --------------------------------------------------------------------------------------------------

    def unplug_video(self) -> None:
        """Pull the cable of the video source. Harmless when it is pulled."""
        if not self._is_unplugged:
            self._is_unplugged = True
            self.recorder.on_video_lost()
            self.footage.unplug(_UNPLUGGED)

    def plug_in_video(self) -> None:
        """Connect the video source again, which ends a frozen frame too. Harmless when it is connected."""
        if self._is_unplugged:
            if self._is_frozen:
                self.unfreeze_video()
            self._is_unplugged = False
            self.recorder.on_video_restored()
            self.footage.plug_in()

    def freeze_video(self) -> None:
        """Let the video source deliver the same frame again and again."""
        self._is_frozen = True
        self.footage.freeze()

    def unfreeze_video(self) -> None:
        """Undo `freeze_video`."""
        self._is_frozen = False
        self.footage.unfreeze()

    # -- microphone ----------------------------------------------------------------------------------------------------

    def unplug_microphone(self) -> None:
        """Pull the plug of the microphone. Harmless when it is pulled."""
        self.microphone.unplug()

    def plug_in_microphone(self) -> None:
        """Connect the microphone again. Harmless when it is connected."""
        self.microphone.plug_in()

    def silence_microphone(self) -> None:
        """Let the microphone deliver nothing but zeros, as a dead one does."""
        self.microphone.fall_silent()

    def mend_microphone(self) -> None:
        """Undo `silence_microphone`, `drift_microphone` and `delay_microphone`."""
        self.microphone.end_silence()
        self.microphone.drift(0.0)
        self.microphone.delay(0.0)

    def drift_microphone(self, ppm: float) -> None:
        """Let the microphone's clock run faster than the camera's, by at most 200 parts per million."""
        self.microphone.drift(ppm)

    def delay_microphone(self, seconds: float) -> None:
        """Let all sound arrive that much later."""
        self.microphone.delay(seconds)

    # -- storage card --------------------------------------------------------------------------------------------------

    def fail_card_writes(self, number: int) -> None:
        """Fail every write with an error such as `errno.EROFS`."""
        self.actual.card_faults += 1
        self.card.fail_writes(OSError(number, errno.errorcode[number]))

    def fill_card(self, room_bytes: int) -> None:
        """Leave only `room_bytes` of free space."""
        self.actual.card_faults += 1
        with self._sampled_before_and_after():
            self.card.fill(room_bytes)

    def make_room(self) -> None:
        """Undo `fill_card`."""
        with self._sampled_before_and_after():
            self.card.make_room()

    def swap_card(self) -> None:
        """Replace the storage card by an empty one without faults."""
        self.earlier_audit += self.card_contents.audit or ()
        self.add_offload_record()
        with self._sampled_before_and_after():
            self.card_contents = self.environment.storage_card(self.name)
            self.card.swap(self.card_contents)

    # -- clock ---------------------------------------------------------------------------------------------------------

    def step_clock(self, seconds: float) -> None:
        """Step the wall clock, as a time server does."""
        self.actual.clock_steps += 1
        self.clock.step(seconds)

    def reset_clock(self) -> None:
        """Set the wall clock back to its beginning, as after a power loss with an empty backup cell."""
        self.step_clock((_UNSET_CLOCK_UTC - self.clock.now().utc).total_seconds())
        self.clock.trusted = "unsynced"

    def set_clock(self, to: datetime) -> None:
        """Set the wall clock by hand."""
        self.step_clock((to - self.clock.now().utc).total_seconds())
        self.clock.trusted = "unknown"

    # -- inside --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _sampled_before_and_after(self) -> Iterator[None]:
        """Sample battery and card on both sides of a jump."""
        self.sample_resources()
        yield
        self.recorder.on_refilled()
        self.sample_resources()


def _new_record(name: str, scenario: Scenario, environment: Environment) -> ActualRecord:
    slowdown = max(1.0, environment.precision_s / LIVE_PRECISION_S)
    return ActualRecord(
        name,
        telemetry_s=scenario.telemetry_s,
        precision_s=environment.precision_s,
        will_after_s=WILL_AFTER_KEEPALIVES * scenario.keepalive_s * slowdown,
    )

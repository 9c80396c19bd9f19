"""What a camera reports to its console: the read-only half of the console's access (`console_access.py`)."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from lapel import __version__
from lapel.camera import Camera
from lapel.check import Check
from lapel.clock import Clock, iso
from lapel.config import SECTIONS, Config, Scalar
from lapel.console.interface import (
    AudioStatus,
    BatteryStatus,
    BufferStatus,
    CameraOverview,
    CategoryStatus,
    Clip,
    Declared,
    Device,
    HeldButton,
    NetworkStatus,
    OffloadState,
    PolicyStatus,
    Position,
    StorageStatus,
    VideoStatus,
    WearerStatus,
)
from lapel.credentials import without_credentials
from lapel.errors import LapelError, StorageError
from lapel.link.broker_address import brokers_of
from lapel.link.certificate import good_until
from lapel.link.interface import Link, LinkStatus
from lapel.link.messages import EventMessage
from lapel.link.probe import probe_brokers
from lapel.logs import Log
from lapel.recording import Account
from lapel.settings import Settings
from lapel.status_messages import rounded
from lapel.worker import Worker

_EVENTS_KEPT = 5_000
_FRESH_FIX_S = 10.0
"""An older fix counts as no fix: it is where the camera was, not where it is."""

_EXPIRED = "alert certificate expired"
"""OpenSSL's words when the broker rejects the camera's own certificate. It has others for an expired certificate of the
broker.
"""


class EvidenceStorage(Protocol):
    """The storage for recordings, as the console reads it. Blocking: called through a Worker. Raises StorageError."""

    @property
    def root(self) -> object:
        """The folder, or another name for it."""

    def check(self) -> None:
        """Raise when no recording could be started now."""

    def free_bytes(self) -> int:
        """Room left for recordings."""

    def listing(self) -> list[Account]:
        """The accounts of all clips."""

    def video(self, recording: str) -> Path:
        """The video file of a clip."""

    def why(self, at: datetime) -> str:
        """Why there is a recording of a moment, or why there is none. Raises EvidenceError too."""


@dataclass(frozen=True, slots=True)
class AttachedCamera:
    """The camera that the console serves at the moment, and what belongs to it."""

    camera: Camera
    config: Config
    settings: Settings
    storage: EvidenceStorage
    worker: Worker
    certificate_until: datetime | None
    """Of the client certificate that the camera has used since it started."""


class CameraReadings:
    """The reading methods of `lapel.console.interface.ConsoleCamera`, for a real camera.

    Outlives the camera: a restart attaches the next one. Events and interrupted recordings are kept across restarts.
    """

    def __init__(self, clock: Clock, log: Log) -> None:
        self._clock, self.log = clock, log
        self._events: deque[EventMessage] = deque(maxlen=_EVENTS_KEPT)
        self._link: Link | None = None
        self._current: AttachedCamera | None = None
        self._interrupted: list[str] = []
        self._failed: list[str] = []
        self._damaged: list[str] = []

    def attach(self, camera: Camera, settings: Settings, storage: EvidenceStorage, worker: Worker) -> None:
        """Serve this camera from now on; it may have been running for a while."""
        config = settings.current
        until = good_until(Path(config.link.cert)) if config.link.cert else None
        self._current = AttachedCamera(camera, config, settings, storage, worker, until)
        self._interrupted += camera.recovered

    @property
    def _attached(self) -> AttachedCamera:
        if self._current is None:
            raise LapelError("the camera is still starting; try again in a moment")
        return self._current

    def _record_event(self, event: EventMessage) -> None:
        self._events.append(event)
        if event.kind == "recovered":
            self._interrupted.append(str(event.detail.get("recording")))
        if event.kind == "recording-failed":
            self._failed.append(f"{event.detail['recording']}: {event.detail['reason']}")
        if event.kind == "file-damaged":
            self._damaged.append(str(event.detail.get("kept_as") or event.detail.get("file")))

    # -- the camera ----------------------------------------------------------------------------------------------------

    def overview(self) -> CameraOverview:
        """See `ConsoleCamera.overview`."""
        attached, now = self._attached, self._clock.now()
        status, message = attached.camera.status(), attached.camera.state_message()
        return CameraOverview(
            camera=attached.config.camera.name,
            state=status.state.value,
            reason=status.reason,
            flags=status.flags,
            firmware=__version__,
            session=message.session,
            time=iso(now.utc),
            clock=self._clock.quality(),
            uptime_s=round(attached.camera.uptime_s(), 3),
            recording=status.recording,
            recorded_s=round(status.recorded_s, 3),
            configuration=attached.settings.version,
            interrupted=tuple(self._interrupted),
            failed=tuple(self._failed),
            damaged=tuple(self._damaged),
        )

    def wearer(self) -> WearerStatus:
        """See `ConsoleCamera.wearer`."""
        notes = self._attached.camera.wearer.notes
        return WearerStatus(assigned=notes.assigned, present=notes.present)

    def categories(self) -> CategoryStatus:
        """See `ConsoleCamera.categories`."""
        choice = self._attached.camera.wearer.categories
        known = choice.known
        return CategoryStatus(names=known.names, critical=sorted(known.critical), chosen=choice.chosen)

    def settings(self) -> dict[str, dict[str, Scalar | None]]:
        """See `ConsoleCamera.settings`."""
        config = self._attached.settings.current
        return {name: msgspec.to_builtins(getattr(config, name)) for name in SECTIONS}

    def history(self) -> Sequence[dict[str, object]]:
        """See `ConsoleCamera.history`."""
        return [msgspec.to_builtins(event) for event in self._events]

    # -- video and storage ---------------------------------------------------------------------------------------------

    def video(self) -> VideoStatus:
        """See `ConsoleCamera.video`."""
        footage = self._attached.camera.status().footage
        return VideoStatus(
            source=without_credentials(self._attached.config.video.source),
            fps=round(footage.measured_fps, 2),
            dropped_frames=footage.dropped_frames,
            lost=footage.lost,
            last_frame_age_s=footage.last_frame_age_s,
            unchanged_s=footage.unchanged_s,
        )

    def audio(self) -> AudioStatus | None:
        """See `ConsoleCamera.audio`."""
        status, configured = self._attached.camera.status(), self._attached.config.audio
        sound = status.footage.sound
        if sound is None:
            return None
        return AudioStatus(
            source=without_credentials(configured.source),
            lost=sound.lost,
            rms_dbfs=sound.rms_dbfs,
            peak_dbfs=sound.peak_dbfs,
            silent_s=round(sound.silent_s, 1),
            muted="muted" in status.flags,
            in_prebuffer=configured.in_prebuffer,
        )

    def policy(self) -> PolicyStatus:
        """See `ConsoleCamera.policy`."""
        policy = self._attached.camera.policy
        declared = [
            Declared(what=one.what, by=one.by, at=iso(one.at), until=iso(one.until) if one.until else None)
            for one in policy.declared()
        ]
        return PolicyStatus(
            profile=policy.profile.name,
            rules=len(policy.profile.rules),
            zones=[zone.id for zone in policy.zones()],
            declared=declared,
        )

    def buffer(self) -> BufferStatus:
        """See `ConsoleCamera.buffer`."""
        footage, configured = self._attached.camera.status().footage, self._attached.config.prebuffer
        return BufferStatus(
            asked_s=configured.length_s,
            held_s=round(footage.buffered_s, 3),
            held_bytes=footage.buffered_bytes,
            max_bytes=configured.max_bytes,
        )

    async def storage(self) -> StorageStatus:
        """See `ConsoleCamera.storage`."""
        attached = self._attached
        ok, finding = True, "writable"
        free: int | None = None
        recordings: int | None = None
        try:
            free = await attached.worker.run(attached.storage.free_bytes)
            recordings = len(await attached.worker.run(attached.storage.listing))
            await attached.worker.run(attached.storage.check)
        except StorageError as error:
            ok, finding = False, str(error)
        return StorageStatus(
            folder=str(attached.storage.root),
            ok=ok,
            finding=finding,
            free_bytes=free,
            needed_bytes=attached.config.recording.min_free_bytes,
            seconds_left=None if free is None else seconds_left(attached.config, free),
            recordings=recordings,
        )

    async def clips(self) -> Sequence[Clip]:
        """See `ConsoleCamera.clips`."""
        accounts = await self._attached.worker.run(self._attached.storage.listing)
        return [
            Clip(
                recording=account.recording,
                status=account.status,
                trigger_time=account.trigger_time,
                duration_s=account.duration_s,
                video_bytes=account.video_bytes,
                reason=account.stop.reason if account.stop else "",
            )
            for account in accounts
        ]

    async def clip_file(self, recording: str) -> Path:
        """See `ConsoleCamera.clip_file`."""
        return await self._attached.worker.run(partial(self._attached.storage.video, recording))

    async def why(self, at: datetime) -> str:
        """See `ConsoleCamera.why`."""
        return await self._attached.worker.run(partial(self._attached.storage.why, at))

    def offload(self) -> OffloadState | None:
        """See `ConsoleCamera.offload`."""
        watch = self._attached.camera.offload
        status = watch.status()
        if status is None:
            return None
        return OffloadState(
            destination=watch.destination,
            doing=status.doing,
            active=status.is_active,
            recordings_left=status.recordings_left,
            bytes_left=status.bytes_left,
            awaiting_receipt=status.awaiting_receipt,
            rate_bps=round(status.rate_bps),
            rejected=dict(status.refused),
        )

    # -- devices -------------------------------------------------------------------------------------------------------

    def battery(self) -> BatteryStatus | None:
        """See `ConsoleCamera.battery`."""
        charge = self._attached.camera.devices.charge()
        if charge is None:
            return None
        return BatteryStatus(
            percent=round(charge.percent, 1),
            minutes_left=charge.minutes_left,
            charging=charge.charging,
            temperature_c=rounded(charge.temperature_c),
        )

    def position(self) -> Position | None:
        """See `ConsoleCamera.position`."""
        devices = self._attached.camera.devices
        satellites, fix = devices.satellites(), devices.last_fix()
        if satellites is None:
            return None
        if fix is None:
            return Position(fix=False, satellites=satellites)
        return Position(
            fix=fix.age_s <= _FRESH_FIX_S,
            satellites=satellites,
            latitude=fix.latitude,
            longitude=fix.longitude,
            accuracy_m=fix.accuracy_m,
        )

    def held_buttons(self) -> Sequence[HeldButton]:
        """See `ConsoleCamera.held_buttons`."""
        return [HeldButton(name=held.button, held_s=round(held.held_s, 1)) for held in self._attached.camera.held()]

    def devices(self) -> Sequence[Device]:
        """See `ConsoleCamera.devices`."""
        video, network = self.video(), self.network()
        frames = f"no frames: {video.lost}" if video.lost else f"{video.fps:g} frames per second"
        link = "up" if network.up else network.reason
        return [
            Device(name="video", kind=video.source, state=frames),
            Device(name="storage", kind=str(self._attached.storage.root), state="see `storage`"),
            Device(name="link", kind=network.broker or "none", state=link),
            Device(name="clock", kind="system", state=self._clock.quality()),
            *self._body_worn_devices(),
        ]

    def _body_worn_devices(self) -> list[Device]:
        """The devices that a laptop does not have."""
        battery, position, camera = self.battery(), self.position(), self._attached.camera
        devices = []
        if battery is not None:
            charging = ", charging" if battery.charging else ""
            devices.append(Device(name="battery", kind="gauge", state=f"{battery.percent:.0f} %{charging}"))
        if position is not None:
            devices.append(Device(name="gps", kind="receiver", state="fix" if position.fix else "no fix"))
        if (docked := camera.devices.is_docked()) is not None:
            devices.append(Device(name="dock", kind="contacts", state="in the dock" if docked else "out of the dock"))
        if camera.has_switches:
            down = [f"{held.name} down for {held.held_s:.0f} s" for held in self.held_buttons()]
            devices.append(Device(name="buttons", kind="event, power", state=", ".join(down) or "up"))
        return devices

    # -- network -------------------------------------------------------------------------------------------------------

    def network(self) -> NetworkStatus:
        """See `ConsoleCamera.network`."""
        status = self._link.status() if self._link else LinkStatus()
        until = self._attached.certificate_until
        return NetworkStatus(
            broker=without_credentials(self._attached.config.link.broker),
            up=status.up,
            reason=status.reason,
            duplicate=status.duplicate,
            refused=status.refused,
            events_waiting=status.events_waiting,
            events_dropped=status.events_dropped,
            certificate_until=iso(until) if until else None,
            certificate_expired=_EXPIRED in status.reason or (until is not None and until <= self._clock.now().utc),
        )

    async def probe(self) -> Sequence[Check]:
        """See `ConsoleCamera.probe`. Several brokers are probed in turn; each step names its broker."""
        link = self._attached.config.link
        if not link.broker:
            return []
        return await probe_brokers(brokers_of(link), self._probe_client_id)

    @property
    def _probe_client_id(self) -> str:
        """A client id of its own: with the camera's, the broker would drop the camera's connection."""
        own = self._attached.config.camera
        return f"lapel/{own.agency}/{own.site}/{own.name}-probe"


def seconds_left(config: Config, free_bytes: int) -> float:
    """How much can be recorded in so many bytes, at the bitrates that encoders do not exceed."""
    sound_bps = config.audio.bitrate_bps * config.audio.channels if config.audio.source != "none" else 0
    return 8 * free_bytes / (config.video.bitrate_bps + sound_bps)

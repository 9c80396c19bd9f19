"""A camera as its console meets it: the one place that knows both.

A desk outlives cameras: a restart puts another one behind it. What a technician asks for goes the way that the fleet's
commands go, so that chart, guards and events are the same; only the answer turns off to the console.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from lapel import __version__
from lapel.camera import Camera
from lapel.check import Check
from lapel.clock import Clock, iso
from lapel.config import SECTIONS, Changes, Config, Scalar
from lapel.console.interface import (
    BatteryStatus,
    BufferStatus,
    CameraOverview,
    Clip,
    Device,
    HeldButton,
    NetworkStatus,
    Outcome,
    Position,
    StorageStatus,
    VideoStatus,
)
from lapel.errors import ConsoleError, LapelError, StorageError
from lapel.link.broker_address import brokers_of
from lapel.link.certificate import good_until
from lapel.link.interface import Link, LinkStatus
from lapel.link.messages import Command, CommandName, EventMessage, Outgoing, Reply
from lapel.link.probe import probed
from lapel.link.tap import Tap
from lapel.logs import Log
from lapel.recording import Account
from lapel.settings import Settings
from lapel.worker import Worker

_ANSWER_S = 30.0
_EVENTS_KEPT = 5_000
_OURS = "console-"
_FRESH_FIX_S = 10.0
"""An older fix is none: it tells where the camera was."""

_EXPIRED = "alert certificate expired"
"""How OpenSSL says that the broker turned the camera's own certificate down: that the broker's has expired, it says in
other words.
"""

_REQUESTS: dict[str, CommandName] = {
    "start-recording": "start-recording",
    "stop-recording": "stop-recording",
    "mark": "mark",
    "arm": "arm",
    "sleep": "sleep",
    "reboot": "reboot",
}


class EvidenceCard(Protocol):
    """What the desk asks of the place where recordings go. Blocking: called through a Worker. Raises StorageError."""

    @property
    def root(self) -> object:
        """What it is called."""

    def check(self) -> None:
        """Raise when a recording could not be begun now."""

    def free_bytes(self) -> int:
        """Room left for recordings."""

    def listing(self) -> list[Account]:
        """The accounts of all clips."""

    def video(self, recording: str) -> Path:
        """The file with a clip's video."""


@dataclass(frozen=True, slots=True)
class _AttachedCamera:
    """The camera behind the desk right now."""

    camera: Camera
    config: Config
    settings: Settings
    storage: EvidenceCard
    worker: Worker
    certificate_until: datetime | None
    """As it is used since the camera started."""


class CameraAccess:
    """Implements `lapel.console.interface.ConsoleCamera` for a real camera."""

    def __init__(self, clock: Clock, log: Log, *, step_clock: Callable[[datetime], None] | None = None) -> None:
        """`step_clock` sets the wall clock; without it nobody at the console can: most cameras share their host's."""
        self._clock, self.log, self._step_clock = clock, log, step_clock
        self._events: deque[EventMessage] = deque(maxlen=_EVENTS_KEPT)
        self._awaited: dict[str, asyncio.Future[Outcome]] = {}
        self._restarts: set[str] = set()
        self._asked = 0
        self._link: Link | None = None
        self._now: _AttachedCamera | None = None
        self._interrupted: list[str] = []

    # -- what the camera's assembly does -----------------------------------------------------------------------------

    def tapped(self, link: Link) -> Link:
        """`link`, listened to: for the next camera."""
        tap = Tap(link)
        self.listen(tap)
        return tap

    def listen(self, tap: Tap) -> None:
        """To a link that somebody else made; what was said on it before is not known here."""
        tap.intercept = self._intercept
        self._link = tap

    def sit(self, camera: Camera, settings: Settings, storage: EvidenceCard, worker: Worker) -> None:
        """This camera is behind the desk from now on; it may have been running for a while."""
        config = settings.current
        until = good_until(Path(config.link.cert)) if config.link.cert else None
        self._now = _AttachedCamera(camera, config, settings, storage, worker, until)
        self._interrupted += camera.recovered

    def _intercept(self, message: Outgoing) -> bool:
        """Whether it is for the fleet, too."""
        if isinstance(message, EventMessage):
            self._events.append(message)
            if message.kind == "recovered":
                self._interrupted.append(str(message.detail.get("recording")))
            if message.kind == "state-changed" and message.detail.get("after") == "off":
                for asked in tuple(self._restarts):
                    self._settle(asked, Outcome(done=True))
        if isinstance(message, Reply) and message.id.startswith(_OURS):
            if message.result in ("done", "refused", "failed"):
                done = message.result == "done"
                self._settle(message.id, Outcome(done=done, reason=message.reason or "", recording=message.recording))
            return False
        return True

    def _settle(self, asked: str, outcome: Outcome) -> None:
        self._restarts.discard(asked)
        waiting = self._awaited.pop(asked, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(outcome)

    # -- looking -----------------------------------------------------------------------------------------------------

    def overview(self) -> CameraOverview:
        """How it stands."""
        now, moment = self._seated, self._clock.now()
        status, message = now.camera.status(), now.camera.state_message()
        return CameraOverview(
            camera=now.config.camera.name,
            state=status.state.value,
            reason=status.reason,
            flags=status.flags,
            firmware=__version__,
            session=message.session,
            time=iso(moment.utc),
            clock=self._clock.quality(),
            uptime_s=round(now.camera.uptime_s(), 3),
            recording=status.recording,
            recorded_s=round(status.recorded_s, 3),
            configuration=now.settings.version,
            interrupted=tuple(self._interrupted),
        )

    def video(self) -> VideoStatus:
        """What the lens delivers."""
        footage = self._seated.camera.status().footage
        return VideoStatus(
            source=self._seated.config.video.source,
            fps=round(footage.measured_fps, 2),
            dropped_frames=footage.dropped_frames,
            lost=footage.lost,
            last_frame_age_s=footage.last_frame_age_s,
            unchanged_s=footage.unchanged_s,
        )

    def buffer(self) -> BufferStatus:
        """What is kept from before the press."""
        footage, wanted = self._seated.camera.status().footage, self._seated.config.prebuffer
        return BufferStatus(
            asked_s=wanted.length_s,
            held_s=round(footage.buffered_s, 3),
            held_bytes=footage.buffered_bytes,
            max_bytes=wanted.max_bytes,
        )

    async def storage(self) -> StorageStatus:
        """Found out by writing."""
        now = self._seated
        folder, needed = str(now.storage.root), now.config.recording.min_free_bytes
        free: int | None = None
        try:
            free = await now.worker.run(now.storage.free_bytes)
            await now.worker.run(now.storage.check)
        except StorageError as error:
            return StorageStatus(folder=folder, ok=False, finding=str(error), free_bytes=free, needed_bytes=needed)
        return StorageStatus(
            folder=folder, ok=True, finding="takes what it is given", free_bytes=free, needed_bytes=needed
        )

    def battery(self) -> BatteryStatus | None:
        """As its gauge reads."""
        charge = self._seated.camera.charge()
        if charge is None:
            return None
        return BatteryStatus(
            percent=round(charge.percent, 1),
            minutes_left=charge.minutes_left,
            charging=charge.charging,
            temperature_c=round(charge.temperature_c, 1),
        )

    def position(self) -> Position | None:
        """As its receiver last knew."""
        satellites, fix = self._seated.camera.satellites(), self._seated.camera.last_fix()
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

    def network(self) -> NetworkStatus:
        """How its link stands."""
        status = self._link.status() if self._link else LinkStatus()
        until = self._seated.certificate_until
        return NetworkStatus(
            broker=_without_password(self._seated.config.link.broker),
            up=status.up,
            reason=status.reason,
            events_waiting=status.events_waiting,
            events_dropped=status.events_dropped,
            certificate_until=iso(until) if until else None,
            certificate_expired=_EXPIRED in status.reason or (until is not None and until <= self._clock.now().utc),
        )

    async def probe(self) -> Sequence[Check]:
        """A step at a time; several brokers one after the other, each step with its broker."""
        link = self._seated.config.link
        if not link.broker:
            return []
        brokers = brokers_of(link)
        return await probed(brokers, self._probe_id)

    @property
    def _probe_id(self) -> str:
        """Under this name nobody else speaks to a broker."""
        own = self._seated.config.camera
        return f"lapel/{own.agency}/{own.site}/{own.name}-probe"

    def devices(self) -> Sequence[Device]:
        """Its parts, as far as they can be told apart."""
        video, network = self.video(), self.network()
        lens = f"no pictures: {video.lost}" if video.lost else f"{video.fps:g} pictures a second"
        link = "up" if network.up else network.reason
        return [
            Device(name="lens", kind=video.source, state=lens),
            Device(name="card", kind=str(self._seated.storage.root), state="see `storage`"),
            Device(name="link", kind=network.broker or "none", state=link),
            Device(name="clock", kind="system", state=self._clock.quality()),
            *self._body(),
        ]

    def _body(self) -> list[Device]:
        """The parts that a laptop does not have."""
        battery, position, camera = self.battery(), self.position(), self._seated.camera
        parts = []
        if battery is not None:
            charging = ", charging" if battery.charging else ""
            parts.append(Device(name="battery", kind="gauge", state=f"{battery.percent:.0f} %{charging}"))
        if position is not None:
            parts.append(Device(name="gps", kind="receiver", state="fix" if position.fix else "no fix"))
        if (docked := camera.is_docked()) is not None:
            parts.append(Device(name="dock", kind="contacts", state="in the dock" if docked else "out of the dock"))
        if camera.has_switches:
            down = [f"{one.name} down for {one.held_s:.0f} s" for one in self.held_buttons()]
            parts.append(Device(name="buttons", kind="event, power", state=", ".join(down) or "up"))
        return parts

    def held_buttons(self) -> Sequence[HeldButton]:
        """As long as they are down."""
        return [HeldButton(name=one.button, held_s=round(one.held_s, 1)) for one in self._seated.camera.held()]

    async def clips(self) -> Sequence[Clip]:
        """What is on the card."""
        accounts = await self._seated.worker.run(self._seated.storage.listing)
        return [
            Clip(
                recording=one.recording,
                status=one.status,
                trigger_time=one.trigger_time,
                duration_s=one.duration_s,
                video_bytes=one.video_bytes,
                reason=one.stop.reason if one.stop else "",
            )
            for one in accounts
        ]

    async def clip_file(self, recording: str) -> Path:
        """Its video."""
        return await self._seated.worker.run(partial(self._seated.storage.video, recording))

    def history(self) -> Sequence[dict[str, object]]:
        """Its events."""
        return [msgspec.to_builtins(event) for event in self._events]

    # -- doing -------------------------------------------------------------------------------------------------------

    async def request(self, action: str, reason: str) -> Outcome:
        """The way the fleet asks."""
        return await self._command(
            Command(id=self._new_id(), command=_REQUESTS[action], reason=reason, sender="console")
        )

    async def self_test(self) -> Sequence[Check]:
        """Everything that a recording needs."""
        checks = await self._seated.camera.self_test()
        alone = not self._seated.config.link.broker
        return [msgspec.structs.replace(one, ok=True) if alone and one.name == "link" else one for one in checks]

    def identify(self, seconds: float) -> None:
        """Blink and beep."""
        self._seated.camera.identify(seconds)

    def acknowledge(self) -> None:
        """Somebody has taken note."""
        self._interrupted.clear()

    def set_clock(self, to: datetime) -> None:
        """Where this camera has a clock of its own, and this process may."""
        if self._step_clock is None:
            raise ConsoleError("clock set: this camera lives by the clock of its host; set it there", "refused")
        try:
            self._step_clock(to)
        except OSError as error:
            raise ConsoleError(
                f"clock set: this firmware may not set the machine's clock ({error.strerror}); its host can", "refused"
            ) from error

    def settings(self) -> dict[str, dict[str, Scalar | None]]:
        """In force."""
        config = self._seated.settings.current
        return {name: msgspec.to_builtins(getattr(config, name)) for name in SECTIONS}

    def check_change(self, changes: Changes) -> None:
        """Raise ConfigError when it could not be put in force."""
        self._seated.settings.checked(changes)

    async def change(self, changes: Changes, reason: str) -> Outcome:
        """The way the fleet does it: on trial, with a restart."""
        plain = {name: dict(keys) for name, keys in changes.items()}
        command = Command(
            id=self._new_id(), command="set-configuration", reason=reason, sender="console", configuration=plain
        )
        return await self._command(command)

    async def wait_for_presence(self, within_s: float) -> bool:
        """Nobody can prove it on a camera whose button does not tell how long it is held."""
        return await self._seated.camera.presence(within_s)

    @property
    def presence_hint(self) -> str:
        """Where there is no button: who owns the host owns the camera."""
        if self._seated.camera.has_switches:
            return "Hold the event button for 3 s"
        return "This camera has no button to prove presence with; on its host: lapel-camera login set"

    @property
    def _seated(self) -> _AttachedCamera:
        if self._now is None:
            raise LapelError("the camera is not there yet; try again in a moment")
        return self._now

    def _new_id(self) -> str:
        self._asked += 1
        return f"{_OURS}{self._seated.camera.state_message().session}-{self._asked}"

    async def _command(self, command: Command) -> Outcome:
        """Until the camera has answered, or has gone off where that is what was asked."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._awaited[command.id] = answer
        if command.command in ("reboot", "set-configuration"):
            self._restarts.add(command.id)
        limit = asyncio.create_task(self._clock.sleep(_ANSWER_S))
        try:
            self._seated.camera.on_command(command)
            either: list[asyncio.Future[Any]] = [answer, limit]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return answer.result() if answer.done() else Outcome(done=False, reason="the camera does not answer")
        finally:
            limit.cancel()
            self._awaited.pop(command.id, None)
            self._restarts.discard(command.id)


def _without_password(urls: str) -> str:
    return " ".join(
        f"{scheme}{slashes}{rest.rpartition('@')[2]}"
        for scheme, slashes, rest in (url.partition("//") for url in urls.split())
    )

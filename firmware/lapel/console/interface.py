"""What the console needs of a camera: one small Protocol, and the plain facts that it answers with.

Sizes are bytes, lengths seconds, times ISO 8601 in UTC. A part that a camera does not have answers None.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from lapel.check import Check
from lapel.config import Changes, Scalar
from lapel.logs import Log

Role = Literal["viewer", "service"]
"""*viewer* looks, *service* also changes. Nobody deletes."""
ROLES: tuple[Role, ...] = ("viewer", "service")


class _Fact(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Standing(_Fact, frozen=True, kw_only=True):
    """How the camera stands right now."""

    camera: str
    state: str
    reason: str = ""
    """Why, in the state *fault*."""
    flags: Sequence[str] = ()
    firmware: str = ""
    session: str = ""
    time: str = ""
    clock: str = "unknown"
    """How far that time can be trusted: synced, unsynced, unknown."""
    uptime_s: float = 0.0
    recording: str | None = None
    recorded_s: float = 0.0
    configuration: int = 0
    interrupted: Sequence[str] = ()
    """Clips that an earlier session did not finish, found at this start and not yet acknowledged."""


class Video(_Fact, frozen=True, kw_only=True):
    """What the lens delivers."""

    source: str
    fps: float
    dropped_frames: int = 0
    lost: str | None = None
    """Why no pictures come; None while they do."""
    last_frame_age_s: float | None = None
    unchanged_s: float | None = None
    """How long the picture has been exactly the same."""


class Buffer(_Fact, frozen=True, kw_only=True):
    """The pre-event buffer."""

    asked_s: float
    held_s: float
    held_bytes: int
    max_bytes: int


class Card(_Fact, frozen=True, kw_only=True):
    """Where recordings go, found out by writing."""

    folder: str
    ok: bool
    finding: str
    free_bytes: int | None = None
    needed_bytes: int = 0


class Battery(_Fact, frozen=True, kw_only=True):
    """Charge, and how long it lasts."""

    percent: float
    minutes_left: float | None = None
    """How long it could still record."""
    charging: bool = False
    temperature_c: float | None = None


class Position(_Fact, frozen=True, kw_only=True):
    """Where the camera is. Without a fix only `satellites` means anything."""

    fix: bool
    satellites: int = 0
    latitude: float = 0.0
    longitude: float = 0.0
    accuracy_m: float = 0.0


class Network(_Fact, frozen=True, kw_only=True):
    """The line to the fleet broker."""

    broker: str
    """Empty: the camera works alone by choice."""
    up: bool
    reason: str = ""
    events_waiting: int = 0
    events_dropped: int = 0
    certificate_until: str | None = None
    certificate_expired: bool = False


class Device(_Fact, frozen=True, kw_only=True):
    """A part of the camera."""

    name: str
    kind: str
    state: str


class Button(_Fact, frozen=True, kw_only=True):
    """A button that is being held down."""

    name: str
    held_s: float


class Clip(_Fact, frozen=True, kw_only=True):
    """A recording on the card."""

    recording: str
    status: str
    trigger_time: str
    duration_s: float
    video_bytes: int
    reason: str = ""


class Outcome(_Fact, frozen=True, kw_only=True):
    """What came of a request that the camera decides."""

    done: bool
    reason: str = ""
    recording: str | None = None


class ConsoleCamera(Protocol):
    """A camera as a technician meets it. Nothing here blocks the event loop; what takes time is awaited."""

    @property
    def log(self) -> Log:
        """Its recent words. Every change of state is said there, which is how the prompt follows it."""

    def standing(self) -> Standing:
        """How it stands."""

    def video(self) -> Video:
        """What the lens delivers."""

    def buffer(self) -> Buffer:
        """What is kept from before the press."""

    async def card(self) -> Card:
        """Whether evidence can be kept."""

    def battery(self) -> Battery | None:
        """Its charge, where it can measure it."""

    def position(self) -> Position | None:
        """Where it is, where it has a receiver."""

    def network(self) -> Network:
        """How its link stands."""

    async def probe(self) -> Sequence[Check]:
        """Try to reach the broker, a step at a time: name, route, TCP, TLS, MQTT. Ends with the step that fails."""

    def devices(self) -> Sequence[Device]:
        """Its parts."""

    def held(self) -> Sequence[Button]:
        """Buttons that are being held down."""

    async def clips(self) -> Sequence[Clip]:
        """What is on the card, oldest first. Raises StorageError."""

    async def clip_file(self, recording: str) -> Path:
        """Its video. Raises StorageError when there is none."""

    async def ask(self, what: str, reason: str) -> Outcome:
        """`start-recording`, `stop-recording`, `mark`, `arm`, `sleep` or `reboot`; the camera decides."""

    async def self_test(self) -> Sequence[Check]:
        """Look at everything that a recording needs."""

    def identify(self, seconds: float) -> None:
        """Blink and beep."""

    def acknowledge(self) -> None:
        """Somebody has taken note of the interrupted clips."""

    def set_clock(self, to: datetime) -> None:
        """Step the wall clock. Raises ConsoleError where this firmware may not."""

    def settings(self) -> dict[str, dict[str, Scalar | None]]:
        """The configuration in force."""

    def check_change(self, changes: Changes) -> None:
        """Raise ConfigError when `changes` could not be put in force."""

    async def change(self, changes: Changes, reason: str) -> Outcome:
        """Restart with them, on trial: the camera takes them back by itself when it does not work with them."""

    def history(self) -> Sequence[dict[str, object]]:
        """Its events with monotonic times, oldest first: no footage, no secrets."""

    async def presence(self, within_s: float) -> bool:
        """Whether somebody held the button for 3 s in that time: who does stands before the camera."""

    @property
    def presence_hint(self) -> str:
        """What to do to prove presence, in words."""

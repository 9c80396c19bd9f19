"""The messages that describe how a camera is: state, flags, telemetry."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from lapel import __version__
from lapel.audit_entry import AuditPosition
from lapel.clock import Clock, Instant, iso
from lapel.config import CameraSection
from lapel.hardware.devices import Devices
from lapel.hardware.interfaces import Fix, Footage, FootageStatus
from lapel.link.interface import Link
from lapel.link.messages import AuditHead, Position, StateMessage, Telemetry
from lapel.offload.listener import OffloadStatus
from lapel.power import Power
from lapel.reporter import Reporter
from lapel.states import State

FROZEN_S = 5.0
"""Seconds of the same frame after which the video counts as frozen: our choice."""
SILENT_S = 10.0
"""Seconds of silence during a recording after which a microphone counts as dead: our choice. In-car microphones that
recorded nothing for months went unnoticed (LAPD, 2015).
"""
_REASON_CHARS = 500


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """The state of a camera, for a status line."""

    state: State
    reason: str
    """Of a fault; else empty."""
    flags: list[str]
    footage: FootageStatus
    recording: str | None
    recorded_s: float
    link: str
    """Empty while the link is up, else why it is not."""


class Current(msgspec.Struct, frozen=True):
    """What only the camera itself knows when a message is made."""

    state: State
    since: Instant
    fault: str
    recording: str | None
    in_post_event: bool
    is_muted: bool
    wearer_flags: Sequence[str] = ()
    declared: Sequence[str] = ()
    """What is declared, as flags."""
    live_view: str | None = None
    """Where the recording can be watched."""
    is_watched: bool = False
    """Whether a person does."""
    offload_flags: Sequence[str] = ()

    @property
    def is_capturing(self) -> bool:
        """Whether frames are expected."""
        return self.state in (State.BUFFERING, State.RECORDING)


class StatusMessages:
    """Makes the messages of one camera, from its devices and from what the camera passes in."""

    __slots__ = (
        "_clock",
        "_devices",
        "_footage",
        "_identity",
        "_link",
        "_power",
        "_reporter",
        "_session",
    )

    def __init__(
        self,
        identity: CameraSection,
        session: str,
        clock: Clock,
        footage: Footage,
        link: Link,
        reporter: Reporter,
        power: Power,
        devices: Devices,
    ) -> None:
        self._identity, self._session, self._clock, self._footage = identity, session, clock, footage
        self._link, self._reporter, self._power, self._devices = link, reporter, power, devices

    def flags(self, now: Current) -> list[str]:
        """Conditions beside the state."""
        flags = []
        footage = self._footage.status()
        if now.is_capturing and footage.lost is not None:
            flags.append("source-lost")
        elif now.is_capturing and (footage.unchanged_s or 0.0) >= FROZEN_S:
            flags.append("frozen")
        if now.is_capturing and footage.reduced:
            flags.append("video-reduced")
        if now.is_capturing and footage.sound is not None:
            if footage.sound.lost is not None:
                flags.append("microphone-lost")
            elif now.recording and footage.sound.silent_s >= SILENT_S:
                flags.append("silent-microphone")
        if now.is_muted:
            flags.append("muted")
        flags += now.wearer_flags
        if now.is_watched:
            flags.append("live-view")
        if self._clock.quality() == "unsynced":
            flags.append("clock-unsynced")
        if now.in_post_event:
            flags.append("post-event")
        link = self._link.status()
        if link.not_persisted:
            flags.append("events-in-memory")
        if link.refused:
            flags.append("publish-refused")
        if link.duplicate:
            flags.append("duplicate-name")
        flags += [*now.declared, *now.offload_flags]
        return flags + self._power.flags() + self._devices.health_flags()

    def state(self, now: Current, configuration: int) -> StateMessage:
        """The state message, also the birth message. *recording* is published only once a fragment is on disk."""
        return StateMessage(
            state=self._reporter.wire_state,
            agency=self._identity.agency,
            site=self._identity.site,
            camera=self._identity.name,
            session=self._session,
            firmware=__version__,
            flags=self.flags(now),
            time=iso(self._clock.now().utc),
            since=iso(now.since.utc),
            reason=now.fault[:_REASON_CHARS] or None,
            recording=now.recording if self._reporter.state is State.RECORDING else None,
            configuration=configuration,
            live_view=now.live_view,
        )

    def telemetry(
        self,
        uptime_s: float,
        free_bytes: int,
        unwritten_bytes: int,
        audited: AuditPosition | None = None,
        offload: OffloadStatus | None = None,
    ) -> Telemetry:
        """Measurements of this moment. `audited`: where the audit log stands. `offload`: how far that is."""
        footage, link = self._footage.status(), self._link.status()
        charge = self._devices.charge()
        fix = self._devices.last_fix()
        minutes_left = charge.minutes_left if charge else None
        return Telemetry(
            time=iso(self._clock.now().utc),
            session=self._session,
            state=self._reporter.wire_state,
            uptime_s=round(uptime_s, 3),
            buffered_s=round(footage.buffered_s, 3),
            buffered_bytes=footage.buffered_bytes,
            measured_fps=round(footage.measured_fps, 2),
            dropped_frames=footage.dropped_frames,
            unwritten_bytes=unwritten_bytes,
            events_waiting=link.events_waiting,
            events_dropped=link.events_dropped,
            storage_free_bytes=free_bytes,
            battery_percent=round(charge.percent, 1) if charge else None,
            battery_minutes_left=rounded(minutes_left),
            temperature_c=rounded(charge.temperature_c) if charge else None,
            position=_position(fix) if fix else None,
            sound_rms_dbfs=footage.sound.rms_dbfs if footage.sound else None,
            sound_peak_dbfs=footage.sound.peak_dbfs if footage.sound else None,
            offload_recordings_left=offload.recordings_left if offload else None,
            offload_bytes_left=offload.bytes_left if offload else None,
            offload_awaiting_receipt=offload.awaiting_receipt if offload else None,
            offload_rate_bps=round(offload.rate_bps, 3) if offload else None,
            audit_head=AuditHead(count=audited.count, hash=audited.hash) if audited and audited.count else None,
        )


def rounded(reading: float | None) -> float | None:
    """To a tenth; None stays None."""
    return None if reading is None else round(reading, 1)


def _position(fix: Fix) -> Position:
    fix = fix.rounded()
    return Position(latitude=fix.latitude, longitude=fix.longitude, accuracy_m=fix.accuracy_m, age_s=fix.age_s)

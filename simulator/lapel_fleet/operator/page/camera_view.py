"""What the page knows about one camera: the newest of its messages."""

from dataclasses import dataclass
from datetime import datetime

from lapel.link.messages import StateMessage, Telemetry

UNREADABLE = "unreadable"


@dataclass(slots=True)
class CameraView:
    """The newest known about one camera. Each setter returns whether a reader of the page could see a change."""

    camera: str
    """`site/camera`."""
    last_message_s: float
    """When the newest message came, on the server's monotonic clock."""
    version: int = 0
    state_message: StateMessage | None = None
    unreadable: str = ""
    """Why the state cannot be read; empty when it can."""
    before_offline: str = ""
    """The state before the connection was lost; empty while it is there, and after a proper goodbye."""
    telemetry: Telemetry | None = None
    clock_error_s: float = 0.0
    """How far its clock is off, the time on the way included; positive when it is ahead."""

    @property
    def site(self) -> str:
        """Its site."""
        return self.camera.partition("/")[0]

    @property
    def state(self) -> str:
        """The state by the contract, or `unreadable`."""
        return self.state_message.state if self.state_message is not None and not self.unreadable else UNREADABLE

    @property
    def flags(self) -> list[str]:
        """The flags of its state."""
        return self.state_message.flags if self.state_message is not None else []

    @property
    def battery_percent(self) -> int | None:
        """The charge, rounded: what is shown."""
        charge = self.telemetry.battery_percent if self.telemetry is not None else None
        return None if charge is None else round(charge)

    def set_state(self, state: StateMessage) -> bool:
        """A state message. Returns whether it differs."""
        before = self.state_message
        if state.state != "offline" or state.time is not None:
            self.before_offline = ""
        elif before is not None and before.state != "offline":
            self.before_offline = before.state
        changed = before != state or bool(self.unreadable)
        self.state_message, self.unreadable = state, ""
        return changed

    def set_unreadable(self, reason: str) -> bool:
        """Its state message does not fit the contract."""
        changed = not self.unreadable
        self.unreadable = reason
        return changed

    def set_telemetry(self, telemetry: Telemetry, now: datetime) -> bool:
        """Measurements. Returns whether what the table shows differs."""
        before = self.battery_percent
        self.clock_error_s = (datetime.fromisoformat(telemetry.time) - now).total_seconds()
        self.telemetry = telemetry
        return before != self.battery_percent

    def row(self) -> list[object]:
        """The row of the table: camera, state, since, flags, battery, recording."""
        state = self.state_message
        since, recording = (state.since or "", state.recording or "") if state is not None else ("", "")
        return [self.camera, self.state, since, self.flags, self.battery_percent, recording]

"""What the metrics remember of one camera."""

from dataclasses import dataclass, field

from lapel.link.messages import Telemetry

_EVENT_IDS_KEPT = 32
"""More than a camera has in flight, so more than a broker repeats."""


@dataclass(slots=True)
class TrackedCamera:
    """The newest known about one camera."""

    site: str
    """As in the label `site`."""
    state: str = "unknown"
    flags: tuple[str, ...] = ()
    last_message_s: float = 0.0
    """When the newest message came, on the monotonic clock."""
    clock_error_s: float = 0.0
    """How far its clock is off by the newest telemetry, the time on the way included; positive when it is ahead."""
    telemetry: Telemetry | None = None
    _event_ids: dict[str, None] = field(default_factory=dict)

    def is_repeat(self, event_id: str) -> bool:
        """Whether that event was seen before: after a reconnect the newest may come twice."""
        if event_id in self._event_ids:
            return True
        self._event_ids[event_id] = None
        if len(self._event_ids) > _EVENT_IDS_KEPT:
            del self._event_ids[next(iter(self._event_ids))]
        return False

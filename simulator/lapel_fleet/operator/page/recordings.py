"""The recordings of a camera, put together from its events. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from lapel.link.messages import EventMessage


@dataclass(slots=True)
class Recording:
    """One recording, or one of its clips, by what the events say. Times are of the camera's monotonic clock."""

    id: str
    started: str
    """When the first fragment was on disk; of one recovered, when that was found."""
    began_s: float
    session: str
    prebuffer_s: float | None = None
    """Seconds from before the trigger; None while that is not known."""
    configured_s: float = 0.0
    shortfall: str = ""
    """Why the pre-event part is shorter than configured; empty when it is not."""
    markers_s: list[float] = field(default_factory=list)
    """Seconds from its start on disk to each marker."""
    ended_s: float | None = None
    """Seconds from its start on disk to its end; None while it goes on, or when no event reports the end."""
    duration_s: float | None = None
    """Its length, the pre-event part included."""
    outcome: str = "recording"
    """`recording`, `saved`, `failed`, `recovered`, or `unknown`: it ended with its session and no event says how."""
    notes: list[str] = field(default_factory=list)
    """What is missing in it, and why."""

    def after_s(self, now: datetime) -> float:
        """Seconds after the trigger, as far as they are known; of one that goes on, until `now` by the wall clocks."""
        if self.ended_s is not None:
            return self.ended_s
        if self.duration_s is not None:
            return max(0.0, self.duration_s - (self.prebuffer_s or 0.0))
        known_s = max(self.markers_s, default=0.0)
        if self.outcome != "recording":
            return known_s
        return max(known_s, (now - datetime.fromisoformat(self.started)).total_seconds())


def recordings(events: Iterable[EventMessage]) -> list[Recording]:
    """The recordings, the newest first. `events`: of one camera, in any order."""
    found: dict[str, Recording] = {}
    sessions: list[str] = []
    for event in sorted(events, key=lambda one: (one.time, one.mono_s)):
        if not sessions or sessions[-1] != event.session:
            sessions.append(event.session)
        id_ = event.detail.get("recording")
        if isinstance(id_, str) and id_:
            recording = found.get(id_)
            if recording is None:
                recording = found[id_] = Recording(id_, event.time, event.mono_s, event.session)
            _take(recording, event)
    for recording in found.values():
        if recording.outcome == "recording" and sessions and recording.session != sessions[-1]:
            recording.outcome = "unknown"
    return sorted(found.values(), key=lambda one: (one.started, one.began_s), reverse=True)


def _take(recording: Recording, event: EventMessage) -> None:
    detail, since_s = event.detail, event.mono_s - recording.began_s
    match event.kind:
        case "prebuffer-saved":
            recording.prebuffer_s, recording.configured_s = _seconds(event, "actual_s"), _seconds(event, "configured_s")
            recording.shortfall = str(detail.get("shortfall") or "")
        case "marker":
            recording.markers_s.append(max(0.0, since_s))
        case "footage-lost":
            recording.notes.append(f"{_seconds(event, 'seconds'):.1f} s lost: {detail.get('reason', '')}")
        case "recording-saved":
            recording.outcome, recording.ended_s = "saved", max(0.0, since_s)
            recording.duration_s = _seconds(event, "duration_s")
            recording.notes += _missing(event)
        case "recording-failed":
            recording.outcome, recording.ended_s = "failed", max(0.0, since_s)
            recording.notes.append(str(detail.get("reason", "")))
        case "recovered":
            recording.outcome, recording.duration_s = "recovered", _seconds(event, "duration_s")


def _missing(event: EventMessage) -> list[str]:
    counted = {"gaps": "gap", "dropped_frames": "dropped frame"}
    found = ((event.detail.get(key), noun) for key, noun in counted.items())
    return [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in found if isinstance(count, int) and count]


def _seconds(event: EventMessage, key: str) -> float:
    """A number in the event's detail; 0 where it is missing or no number, since the reader does not check details."""
    value = event.detail.get(key)
    return max(0.0, float(value)) if isinstance(value, int | float) else 0.0

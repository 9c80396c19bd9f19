"""What the page knows about a fleet: the newest of each camera, and the newest events."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lapel.clock import Clock
from lapel.link.messages import EventMessage, StateMessage, Telemetry
from lapel_fleet.operator.page.attention import Attention, attention
from lapel_fleet.operator.page.camera_view import CameraView
from lapel_fleet.operator.received import ClearedTopic, Received, ReceivedMessage, UnreadableMessage

_EVENTS_KEPT = 200
_EVENT_IDS_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class FleetEvent:
    """An event for the page's list. `number` counts up."""

    number: int
    camera: str
    event: EventMessage


class FleetView:
    """Takes each message of a fleet. `version` rises with each change that a reader of the page could see."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.cameras: dict[str, CameraView] = {}
        """By `site/camera`. The one that changed last stands last."""
        self.events: deque[FleetEvent] = deque(maxlen=_EVENTS_KEPT)
        self.version = 0
        self.removed: deque[tuple[int, str]] = deque(maxlen=1000)
        """Cameras that were taken out of the fleet, each with its version."""
        self._event_ids: dict[tuple[str, str], None] = {}
        self._event_number = 0

    def take(self, received: Received, _: StateMessage | None = None) -> bool:
        """Take a message. Returns False for an event that came before, as it may after a reconnect."""
        match received:
            case ClearedTopic(camera):
                if self.cameras.pop(camera, None) is not None:
                    self.version += 1
                    self.removed.append((self.version, camera))
            case UnreadableMessage(camera, "state", reason) if camera:
                self._change(camera, lambda view: view.set_unreadable(reason))
            case ReceivedMessage(camera, StateMessage() as state, retained):
                self._change(camera, lambda view: view.set_state(state), is_live=not retained)
            case ReceivedMessage(camera, Telemetry() as telemetry):
                self._change(camera, lambda view: view.set_telemetry(telemetry, self._clock.now().utc))
            case ReceivedMessage(camera, EventMessage() as event):
                return self._take_event(camera, event)
        return True

    def restore(self, camera: str, event: EventMessage) -> None:
        """Add an event from the history, at the start."""
        self._add_event(camera, event)

    def changed_since(self, version: int) -> Iterator[CameraView]:
        """The cameras that changed after that version, the newest first."""
        for view in reversed(self.cameras.values()):
            if view.version <= version:
                return
            yield view

    def attentions(self) -> list[Attention]:
        """What needs attention, the most urgent first; of equal urgency, what began first."""
        now_s = self._clock.mono_s()
        found = (one for view in self.cameras.values() if (one := attention(view, now_s)) is not None)
        return sorted(found, key=lambda one: (one.urgency, one.since, one.camera))

    def _take_event(self, camera: str, event: EventMessage) -> bool:
        self._change(camera, lambda _: False)
        if (camera, event.id) in self._event_ids:
            return False
        self._add_event(camera, event)
        self.version += 1
        return True

    def _add_event(self, camera: str, event: EventMessage) -> None:
        self._event_ids[camera, event.id] = None
        if len(self._event_ids) > _EVENT_IDS_KEPT:
            del self._event_ids[next(iter(self._event_ids))]
        self._event_number += 1
        self.events.append(FleetEvent(self._event_number, camera, event))

    def _change(self, camera: str, change: Callable[[CameraView], bool], *, is_live: bool = True) -> None:
        view = self.cameras.get(camera)
        if view is None:
            view = CameraView(camera, last_message_s=self._clock.mono_s())
            self.cameras[camera] = view
        if is_live:
            view.last_message_s = self._clock.mono_s()
        if change(view):
            self.version += 1
            view.version = self.version
            self.cameras[camera] = self.cameras.pop(camera)  # to the end

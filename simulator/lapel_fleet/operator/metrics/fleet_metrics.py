"""The metrics of a fleet: counters and histograms from each message, gauges from the newest known about each camera.

There is no label per camera: 13,400 cameras would be as many time series for each metric. The page and `lapel-fleet ls`
answer for single cameras.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lapel.clock import Clock
from lapel.link.messages import Command, EventMessage, Reply, StateMessage, Telemetry
from lapel_fleet.operator.metrics.labels import BoundedLabel
from lapel_fleet.operator.metrics.tracked_camera import TrackedCamera
from lapel_fleet.operator.received import ClearedTopic, Received, ReceivedMessage, UnreadableMessage, kind_of

SILENT_AFTER_S = 120.0
"""A connected camera from which nothing came for so long is silent: four messages of telemetry by default."""
CLOCK_TOLERANCE_S = 5.0
"""By how much a camera's clock may differ from ours."""
_MOST_SITES, _MOST_FLAGS = 200, 40
_COMMANDS_KEPT = 20_000
_COMMAND_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120)
_AGE_BUCKETS_S = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600, 86_400)
_FINAL = ("done", "refused", "failed")


class FleetMetrics(Collector):
    """Takes each message of a fleet, and is itself a collector of gauges. `registry` has everything."""

    def __init__(self, clock: Clock) -> None:
        """`clock`: for ages and latencies; in a simulated run the clock of the run."""
        self._clock = clock
        self._cameras: dict[str, TrackedCamera] = {}
        self._commands: dict[str, tuple[float, str]] = {}
        """When each open command was sent, and its name, by id."""
        self._site, self._flag = BoundedLabel(_MOST_SITES), BoundedLabel(_MOST_FLAGS)
        self.registry = CollectorRegistry()
        own = self.registry
        self._messages = Counter("lapel_messages", "Messages received.", ["site", "kind"], registry=own)
        self._invalid = Counter("lapel_invalid_messages", "Messages that do not fit the contract.", registry=own)
        self._events = Counter("lapel_events", "Events, each counted once.", ["site", "kind"], registry=own)
        self._shortfalls = Counter(
            "lapel_prebuffer_shortfalls", "Recordings with less from before the trigger than configured.", ["site"],
            registry=own,
        )  # fmt: skip
        self._missing_s = Counter(
            "lapel_prebuffer_missing_seconds", "Seconds by which those recordings fall short.", ["site"], registry=own
        )
        self._lost_s = Counter(
            "lapel_footage_lost_seconds", "Seconds of captured video that are in no recording.", ["site"], registry=own
        )
        self._sent = Counter("lapel_commands_sent", "Commands sent to cameras.", ["command"], registry=own)
        self._answered = Counter("lapel_commands", "Final replies to commands.", ["command", "result"], registry=own)
        self._latency = Histogram(
            "lapel_command_seconds", "Seconds from a command to its final reply.", ["command"],
            buckets=_COMMAND_BUCKETS_S, registry=own,
        )  # fmt: skip
        self._age = Histogram(
            "lapel_message_age_seconds", "Age of messages on arrival: high while outboxes are sent after an outage.",
            ["kind"], buckets=_AGE_BUCKETS_S, registry=own,
        )  # fmt: skip
        self.registry.register(self)

    # -- messages ----------------------------------------------------------------------------------------------------

    def take(self, received: Received, _: StateMessage | None = None) -> None:
        """Count a message. It has the form of the operator's `OnMessage`."""
        match received:
            case UnreadableMessage():
                self._invalid.inc()
            case ClearedTopic(camera):
                self._cameras.pop(camera, None)
            case ReceivedMessage(_, Command() as command):
                self._take_command(command)
            case ReceivedMessage():
                self._take_from_camera(received)

    def _take_from_camera(self, received: ReceivedMessage) -> None:
        camera = self._camera(received.camera)
        if not received.retained:
            camera.last_message_s = self._clock.mono_s()
            self._messages.labels(camera.site, kind_of(received.message)).inc()
        match received.message:
            case StateMessage() as state:
                camera.state, camera.flags = state.state, tuple(state.flags)
                if not received.retained and state.time is not None:
                    self._observe_age("state", state.time)
            case Telemetry() as telemetry:
                camera.telemetry, camera.clock_error_s = telemetry, -self._observe_age("telemetry", telemetry.time)
            case EventMessage() as event:
                self._take_event(camera, event)
            case Reply() as reply:
                self._take_reply(reply)

    def _camera(self, name: str) -> TrackedCamera:
        camera = self._cameras.get(name)
        if camera is None:
            site = self._site(name.partition("/")[0])
            camera = self._cameras[name] = TrackedCamera(site, last_message_s=self._clock.mono_s())
        return camera

    def _observe_age(self, kind: str, time: str) -> float:
        """Count the age of a message; negative if the camera's clock is ahead."""
        age_s = (self._clock.now().utc - datetime.fromisoformat(time)).total_seconds()
        self._age.labels(kind).observe(max(0.0, age_s))
        return age_s

    def _take_event(self, camera: TrackedCamera, event: EventMessage) -> None:
        if camera.is_repeat(event.id):
            return
        self._observe_age("event", event.time)
        self._events.labels(camera.site, event.kind).inc()
        if event.kind == "prebuffer-saved" and event.detail.get("shortfall"):
            self._shortfalls.labels(camera.site).inc()
            missing_s = _number(event, "configured_s") - _number(event, "actual_s")
            self._missing_s.labels(camera.site).inc(max(0.0, missing_s))
        elif event.kind == "footage-lost":
            self._lost_s.labels(camera.site).inc(max(0.0, _number(event, "seconds")))

    def _take_command(self, command: Command) -> None:
        if command.id in self._commands:
            return  # sent again, because no reply came
        self._sent.labels(command.command).inc()
        self._commands[command.id] = self._clock.mono_s(), command.command
        if len(self._commands) > _COMMANDS_KEPT:
            del self._commands[next(iter(self._commands))]

    def _take_reply(self, reply: Reply) -> None:
        """Only replies to commands that were seen have a latency, and a known name as their label."""
        if reply.result not in _FINAL or (sent := self._commands.pop(reply.id, None)) is None:
            return
        sent_s, command = sent
        self._answered.labels(command, reply.result).inc()
        self._latency.labels(command).observe(max(0.0, self._clock.mono_s() - sent_s))

    # -- gauges ------------------------------------------------------------------------------------------------------

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges of this moment. Called by the registry, in whatever thread answers the scrape."""
        cameras, now_s = list(self._cameras.values()), self._clock.mono_s()
        yield _gauge(
            "lapel_cameras", "Cameras by state.", ("site", "state"), ((one.site, one.state) for one in cameras)
        )
        yield _gauge(
            "lapel_cameras_flagged", "Cameras with that flag.", ("site", "flag"),
            ((one.site, self._flag(flag)) for one in cameras for flag in one.flags if one.state != "offline"),
        )  # fmt: skip
        yield _gauge(
            "lapel_cameras_silent", f"Cameras that are not offline, and silent for {SILENT_AFTER_S:g} s.", ("site",),
            ((one.site,) for one in cameras if _is_silent(one, now_s)),
        )  # fmt: skip
        yield _gauge(
            "lapel_cameras_clock_off", f"Cameras whose clock differs by more than {CLOCK_TOLERANCE_S:g} s.", ("site",),
            ((one.site,) for one in cameras if abs(one.clock_error_s) > CLOCK_TOLERANCE_S),
        )  # fmt: skip
        yield from _telemetry_gauges(cameras)


def _is_silent(camera: TrackedCamera, now_s: float) -> bool:
    return camera.state not in ("offline", "off") and now_s - camera.last_message_s > SILENT_AFTER_S


def _telemetry_gauges(cameras: Iterable[TrackedCamera]) -> Iterator[GaugeMetricFamily]:
    newest = [(one.site, one.telemetry) for one in cameras if one.telemetry is not None and one.state != "offline"]
    yield _sums(
        "lapel_outbox_messages", "Events and replies that wait in the cameras for the broker.",
        ((site, one.events_waiting) for site, one in newest),
    )  # fmt: skip
    yield _sums(
        "lapel_offload_recordings", "Recordings that wait in the cameras for the evidence back end.",
        ((site, one.offload_recordings_left or 0) for site, one in newest),
    )  # fmt: skip
    yield _sums(
        "lapel_offload_bytes",
        "Bytes of those recordings.",
        ((site, one.offload_bytes_left or 0) for site, one in newest),
    )
    yield _sums(
        "lapel_offload_unconfirmed_recordings", "Recordings that the evidence back end has and has not confirmed.",
        ((site, one.offload_awaiting_receipt or 0) for site, one in newest),
    )  # fmt: skip
    yield _sums(
        "lapel_unwritten_bytes", "Bytes of recordings that are not written to disk yet.",
        ((site, one.unwritten_bytes) for site, one in newest),
    )  # fmt: skip
    yield _sums(
        "lapel_dropped_frames", "Frames dropped since the cameras began to capture.",
        ((site, one.dropped_frames) for site, one in newest),
    )  # fmt: skip
    yield _lowest(
        "lapel_battery_lowest_percent", "Charge of the emptiest battery.",
        ((site, one.battery_percent) for site, one in newest if one.battery_percent is not None),
    )  # fmt: skip
    yield _lowest(
        "lapel_storage_lowest_free_bytes", "Free bytes of the fullest storage card.",
        ((site, one.storage_free_bytes) for site, one in newest if one.storage_free_bytes is not None),
    )  # fmt: skip


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[str, ...]]) -> GaugeMetricFamily:
    """How often each combination of labels occurs."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for combination, count in sorted(Tally(values).items()):
        family.add_metric(combination, count)
    return family


def _sums(name: str, text: str, values: Iterable[tuple[str, float]]) -> GaugeMetricFamily:
    sums: Tally[str] = Tally()
    for site, value in values:
        sums[site] += value  # type: ignore[assignment]
    return _by_site(name, text, sums)


def _lowest(name: str, text: str, values: Iterable[tuple[str, float]]) -> GaugeMetricFamily:
    lowest: dict[str, float] = {}
    for site, value in values:
        lowest[site] = min(value, lowest.get(site, value))
    return _by_site(name, text, lowest)


def _by_site(name: str, text: str, values: "dict[str, float] | Tally[str]") -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=("site",))
    for site, value in sorted(values.items()):
        family.add_metric((site,), value)
    return family


def _number(event: EventMessage, key: str) -> float:
    """A number in the event's detail; 0 where it is missing, since the contract's reader does not check details."""
    value = event.detail.get(key)
    return float(value) if isinstance(value, int | float) else 0.0

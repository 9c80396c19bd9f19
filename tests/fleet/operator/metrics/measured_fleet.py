"""A fleet whose metrics are looked at as Prometheus would."""

from collections.abc import Mapping

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from lapel.clock import iso
from lapel.link.messages import EventMessage, Telemetry
from lapel_fleet.operator.metrics.fleet_metrics import FleetMetrics
from lapel_fleet.operator.received import Message, ReceivedMessage
from waited_clock import WaitedClock


def scraped(metrics: FleetMetrics) -> dict[str, list[tuple[Mapping[str, str], float]]]:
    """Each sample's labels and value, by its name, as Prometheus's own parser reads them."""
    found: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def total(metrics: FleetMetrics, name: str, **labels: str) -> float:
    return sum(value for own, value in scraped(metrics).get(name, []) if labels.items() <= own.items())


def telemetry(time: str, **more: object) -> Telemetry:
    fields = {
        "session": "s", "state": "buffering", "uptime_s": 1, "buffered_s": 30, "buffered_bytes": 1, "measured_fps": 30,
        "dropped_frames": 0, "unwritten_bytes": 0, "events_waiting": 0, "events_dropped": 0, **more,
    }  # fmt: skip
    return Telemetry(time=time, **fields)  # type: ignore[arg-type]


def event(id_: str, kind: str, **detail: object) -> EventMessage:
    fields = {"id": id_, "kind": kind, "mono_s": 1, "camera": "1", "session": "s", "detail": detail}
    return EventMessage(time=iso(WaitedClock().now().utc), **fields)  # type: ignore[arg-type]


class Fleet:
    def __init__(self) -> None:
        self.clock = WaitedClock()
        self.metrics = FleetMetrics(self.clock)

    def sends(self, camera: str, *messages: Message, retained: bool = False) -> None:
        for message in messages:
            self.metrics.take(ReceivedMessage(camera, message, retained))

    def total(self, name: str, **labels: str) -> float:
        return total(self.metrics, name, **labels)

"""Serves the metrics of a run over HTTP, on loopback, from a thread of its own."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import Metric, start_http_server
from prometheus_client.registry import Collector

from lapel.clock import Clock
from lapel.errors import ConfigError
from lapel.link.transport import Inbound
from lapel_fleet.operator.metrics.fleet_metrics import FleetMetrics
from lapel_fleet.operator.received import read

OnInbound = Callable[[str, bytes], None]


class RunMetrics(Collector):
    """The metrics of the run that is going on: with `run --for` there is one after the other."""

    def __init__(self) -> None:
        self.fleet: FleetMetrics | None = None
        """None before the first run."""

    def observe(self, agency: str, clock: Clock) -> OnInbound:
        """Begin with the metrics of a run. Returns what takes its messages."""
        fleet = self.fleet = FleetMetrics(clock)
        return lambda topic, payload: fleet.take(read(agency, Inbound(topic, payload)))

    def collect(self) -> Iterable[Metric]:
        """All metrics of that run."""
        return self.fleet.registry.collect() if self.fleet is not None else ()


@contextmanager
def served_metrics(port: int) -> Iterator[tuple[Callable[[str, Clock], OnInbound], int]]:
    """Serve while the block runs. Yields what begins the metrics of a run, and the port, which the system chooses for
    0. Raises ConfigError when it cannot listen there.
    """
    metrics = RunMetrics()
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=metrics)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--metrics {port}: cannot listen there: {error}") from error
    try:
        yield metrics.observe, server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

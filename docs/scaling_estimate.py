"""A fleet on paper: what it needs, computed from measured figures. `python docs/scaling_estimate.py cameras=200000`.

Every assumption can be set on the command line. `docs/scaling.md` has the result for a million cameras (`make docs`).
"""

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from lapel.docstrings import field_docstrings
from lapel.errors import ConfigError, LapelError

_HOUR_S, _DAY_S, _GB, _PB = 3600.0, 86_400.0, 1e9, 1e15


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs: what was measured, and what an operator decides."""

    cameras: int = 1_000_000
    """Cameras of the fleet."""
    messages_per_camera_s: float = 697 / 13_400
    """Messages of a camera per second: `nationwide`, telemetry each half minute and a recording in ten minutes."""
    message_bytes: float = 430.0
    """Bytes of a message with its topic, on average in the trace of `five-cities`, and MQTT's own."""
    broker_messages_s: float = 46_800.0
    """Messages that one Mosquitto hands from a publisher to a subscriber per second (`python -m bench relay`)."""
    broker_connections: int = 100_000
    """Connections to one broker node: a choice, not measured. 13,400 were."""
    broker_share: float = 0.5
    """The share of what a broker can do that is planned with."""
    connects_per_s: float = 300.0
    """Connects per second to one broker node: the rate at which simulated cameras connect to a Mosquitto."""
    connects_each: int = 2
    """Connects of a camera that comes back: one to look at its name, one as itself."""
    keepalive_s: float = 30.0
    """`link.keepalive_s`: within two of them every camera has noticed that its broker is gone."""
    activations_per_hour: float = 0.75
    """Recordings that a wearer starts per hour of a shift (`five-cities`)."""
    recording_s: float = 630.0
    """Their mean length (`five-cities`)."""
    events_per_recording: float = 6.0
    """Events of a recording from its request to its end."""
    shift_h: float = 8.0
    """Hours of a shift. Each camera has one a day."""
    peak: float = 10.0
    """How many times as often as on average recordings start in the busiest minute: a demonstration, a roll call."""
    bitrate_bps: float = 8e6
    """Video of a camera."""
    dock_h: float = 8.0
    """Hours in the dock in which a day's evidence is uploaded."""
    kept_days: float = 90.0
    """Days for which evidence is kept, on average."""
    verify_bytes_s: float = 300e6 / 0.638
    """Bytes that a core verifies per second (`python -m bench evidence`)."""
    virtual_cpu_s: float = 87.0 / 1_600
    """CPU of a camera's eight hours in virtual time: `five-cities` on one core."""
    camera_bytes: float = 57.9e3
    """Memory of a live simulated camera (`nationwide`)."""
    ports_per_address: int = 28_232
    """Connections from one address to one broker: Linux's default range of ports."""
    generator_cameras: int = 13_400
    """Live simulated cameras on a machine of two cores (`nationwide`)."""


class Row(NamedTuple):
    """One line of the estimate."""

    what: str
    value: str
    how: str


def estimate(given: Assumptions) -> list[Row]:
    """What the fleet needs: brokers, storms, events, evidence, and machines to simulate it."""
    return [*_broker(given), *_storm(given), *_events(given), *_evidence(given), *_simulation(given)]


def changed(arguments: Sequence[str]) -> Assumptions:
    """The assumptions with those that the arguments name, as in `cameras=200000`. Raises ConfigError."""
    changes = {}
    for argument in arguments:
        name, _, text = argument.partition("=")
        if name not in Assumptions.__struct_fields__:
            raise ConfigError(f"{argument}: no such assumption; there are {', '.join(Assumptions.__struct_fields__)}")
        try:
            changes[name] = float(text)
        except ValueError as error:
            raise ConfigError(f"{argument}: give a number, as in cameras=200000") from error
        if not 0 < changes[name] < float("inf"):
            raise ConfigError(f"{argument}: give a number above 0")
    return msgspec.structs.replace(Assumptions(), **changes)


def assumptions_table(given: Assumptions) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each."""
    meanings = field_docstrings(Assumptions)
    return [(name, f"{getattr(given, name):,.4g}", meanings[name]) for name in given.__struct_fields__]


def _nodes(given: Assumptions) -> float:
    by_connections = given.cameras / given.broker_connections
    by_messages = given.cameras * given.messages_per_camera_s / (given.broker_messages_s * given.broker_share)
    return float(-(-max(by_connections, by_messages, 1.0) // 1))


def _broker(given: Assumptions) -> Iterator[Row]:
    messages_s = given.cameras * given.messages_per_camera_s
    yield Row("messages to the brokers", f"{messages_s:,.0f} a second", "cameras × messages of each")
    yield Row("their traffic", f"{messages_s * given.message_bytes * 8 / 1e6:,.0f} Mb/s", "× bytes of a message")
    pings_s = given.cameras / given.keepalive_s
    yield Row("keepalives of silent cameras, at most", f"{pings_s:,.0f} a second", "cameras / keepalive")
    nodes = f"{_nodes(given):,.0f}"
    yield Row("broker nodes", nodes, "connections, or messages at the planned share, whichever needs more")


def _storm(given: Assumptions) -> Iterator[Row]:
    of_node = given.cameras / _nodes(given)
    back_s = of_node * given.connects_each / given.connects_per_s
    yield Row(
        "all back after one node's outage", f"{back_s / 60:,.0f} min", "its cameras × connects each / rate of one node"
    )
    noticed_s = 2 * given.keepalive_s
    rate_s = of_node * given.connects_each / noticed_s
    yield Row(
        "connects if cameras did not spread them",
        f"{rate_s:,.0f} a second",
        "within two keepalives: what `spread_s` and back-off prevent",
    )


def _events(given: Assumptions) -> Iterator[Row]:
    starts_s = given.cameras * given.activations_per_hour * given.shift_h / _DAY_S
    yield Row("recordings started", f"{starts_s:,.0f} a second", "over the day")
    yield Row(
        "events in the busiest minute",
        f"{starts_s * given.events_per_recording * given.peak:,.0f} a second",
        "× events of each × peak",
    )


def _evidence(given: Assumptions) -> Iterator[Row]:
    recorded_s = given.activations_per_hour * given.shift_h * given.recording_s
    day_bytes = given.cameras * recorded_s * given.bitrate_bps / 8
    yield Row(
        "evidence of a camera",
        f"{recorded_s / _HOUR_S:.2g} h, {recorded_s * given.bitrate_bps / 8 / _GB:.2g} GB a day",
        "recordings × length × bitrate",
    )
    yield Row("evidence of the fleet", f"{day_bytes / _PB:.2g} PB a day", "× cameras")
    yield Row(
        "ingest while docked",
        f"{day_bytes * 8 / (given.dock_h * _HOUR_S) / 1e9:,.0f} Gb/s",
        "over the hours in the dock",
    )
    yield Row(
        "cores that verify it", f"{day_bytes / given.verify_bytes_s / (given.dock_h * _HOUR_S):,.0f}", "as it arrives"
    )
    yield Row("evidence kept", f"{day_bytes * given.kept_days / _PB:,.0f} PB", "× days")


def _simulation(given: Assumptions) -> Iterator[Row]:
    core_h = given.cameras * given.virtual_cpu_s / _HOUR_S
    yield Row(
        "its shift in virtual time",
        f"{core_h:,.1f} core-hours, {60 * core_h / 64:,.0f} min on 64 cores",
        "`--dask`, CPU of a camera",
    )
    machines = f"{-(-given.cameras // given.generator_cameras):,.0f}"
    yield Row("machines of two cores to run it live", machines, "as many cameras on each as were measured")
    yield Row("their memory together", f"{given.cameras * given.camera_bytes / _GB:,.0f} GB", "of live cameras")
    addresses = f"{-(-given.cameras // given.ports_per_address):,.0f}"
    yield Row("source addresses, if all of it were one broker", addresses, "`--bind-addresses`")


def main() -> int:
    """Print the estimate."""
    try:
        given = changed(sys.argv[1:])
    except LapelError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for row in estimate(given):
        print(f"{row.what:48} {row.value:>34}   {row.how}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

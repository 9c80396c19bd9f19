"""Every kind of fault there is, and a fault in a scenario. What each does to a camera is in
`cameras/fault_injection.py`, what each does to the broker and the operator in `runs/traffic/control_room.py`, to the
evidence back end in `runs/evidence_back_end/`.
"""

# ruff: noqa: RUF012  # msgspec copies an empty list for each instance

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel_fleet.scenario.evidence_faults import EVIDENCE_FAULTS
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.tables import Table, refuse_unknown_keys


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault: what it does and which keys it has."""

    meaning: str
    """As `lapel-fleet faults` prints it."""
    lasts: bool = True
    """Whether it lasts for `for_s`. Otherwise it happens once."""
    parameters: tuple[str, ...] = ()
    """The keys of `Fault` that only this kind uses, beside those that all use."""
    on_camera: bool = True
    """Whether it is injected into a camera. Otherwise into the broker or the operator of a run, from scenarios only."""


EVIDENCE = "evidence."
"""Begins the kinds that need a scenario with `[offload]`."""
FAULTS: Mapping[str, FaultKind] = {
    "broker.outage": FaultKind("the broker stops, for all cameras, and starts again at the end", on_camera=False),
    "network.down": FaultKind(
        "the camera's network interface is down; the camera notices at once, the broker by time-out"
    ),
    "network.half_open": FaultKind(
        "messages are lost in both directions and no connection is closed; both ends notice by time-out"
    ),
    "network.partition": FaultKind("the same as network.half_open, for whole sites: name them in `sites`"),
    "network.latency": FaultKind("every message takes `latency_s` in each direction", parameters=("latency_s",)),
    "network.loss": FaultKind(
        "a share `loss` of the messages is lost and arrives late, retransmitted by TCP", parameters=("loss",)
    ),
    "delivery.redelivered": FaultKind(
        "an event's acknowledgement is lost with the connection, every ten seconds at most; the camera sends it again "
        "(MQTT 5, 4.4: at least once)"
    ),
    "delivery.late_will": FaultKind(
        "the last will of a session arrives after the next session's birth message (Will Delay Interval, MQTT 5, "
        "3.1.3.2.2; brokers in a cluster)"
    ),
    "delivery.late_state": FaultKind(
        "the last state of a session arrives again after the next session's birth message (a bridge that resends its "
        "queue)"
    ),
    "delivery.swapped": FaultKind(
        "each second event overtakes the one before it (a bridge that resends with several in flight; MQTT 5, 4.6)"
    ),
    "delivery.delayed": FaultKind(
        "every message is acknowledged at once and arrives `latency_s` later (a bridge over a slow line)",
        parameters=("latency_s",),
    ),
    "delivery.burst": FaultKind(
        "every message is acknowledged at once and arrives when the fault ends, all in one burst (a bridge without its "
        "uplink)"
    ),
    "delivery.qos0_lost": FaultKind("telemetry is lost (QoS 0, MQTT 5, 4.3.1)"),
    "delivery.state_again": FaultKind(
        "the retained state is delivered once more (a bridge that reconnects)", lasts=False
    ),
    "power.cut": FaultKind("the battery is pulled, and put back at the end"),
    "power.reboot_loop": FaultKind(
        "the power fails every `every_s`, and the camera starts again each time", parameters=("every_s",)
    ),
    "video.unplugged": FaultKind("the cable of the video source is pulled: no frames"),
    "video.frozen": FaultKind("the video source delivers the same frame again and again"),
    "microphone.unplugged": FaultKind("the microphone is unplugged: no sound; the video goes on"),
    "microphone.silent": FaultKind("the microphone delivers nothing but zeros, as a dead one does"),
    "microphone.drift": FaultKind(
        "the microphone's clock runs `drift_ppm` parts per million faster than the camera's, or, if negative, slower",
        parameters=("drift_ppm",),
    ),
    "microphone.delayed": FaultKind(
        "all sound arrives `latency_s` later; what is on its way when the fault ends is lost", parameters=("latency_s",)
    ),
    "card.full": FaultKind("the storage card has only `room_bytes` left", parameters=("room_bytes",)),
    "card.slow": FaultKind("the storage card writes no faster than `bytes_per_s`", parameters=("bytes_per_s",)),
    "card.read_only": FaultKind("the storage card is read-only: every write is refused (EROFS)"),
    "card.corrupt": FaultKind("every write to the storage card fails with an I/O error (EIO)"),
    "button.stuck": FaultKind("the event button is stuck in the pressed position"),
    "battery.cliff": FaultKind(
        "an aged battery drops to `percent` of its charge at once; at 0 the power fails",
        lasts=False,
        parameters=("percent",),
    ),
    "heat": FaultKind("the ambient temperature is `celsius`", parameters=("celsius",)),
    "clock.step": FaultKind(
        "the wall clock is stepped by `step_s`, forward or, if negative, back", lasts=False, parameters=("step_s",)
    ),
    "command.late": FaultKind(
        "the operator's start command arrives `step_s` after it expired",
        lasts=False,
        parameters=("step_s",),
        on_camera=False,
    ),
    "command.duplicate": FaultKind(
        "the operator's start command arrives twice under one id", lasts=False, on_camera=False
    ),
    **{
        f"{EVIDENCE}{name}": FaultKind(f"the evidence back end {does}", on_camera=False)
        for name, does in EVIDENCE_FAULTS.items()
    },
}

_PARAMETERS = {key for kind in FAULTS.values() for key in kind.parameters}


class Fault(Table, frozen=True, kw_only=True):
    """One fault of a scenario, or one injected by hand."""

    kind: str
    """One of `FAULTS`."""
    at_s: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds after the beginning of the run."""
    for_s: Annotated[float, Meta(ge=0)] = 0.0
    """How long it lasts, for kinds that last."""
    share: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """Share of the cameras that it affects; which ones is drawn from the seed."""
    sites: list[str] = []
    """Only cameras of these sites; of all sites when empty."""
    cameras: list[str] = []
    """Only these cameras, as `site/camera`; all cameras when empty."""
    step_s: float = 0.0
    latency_s: Annotated[float, Meta(ge=0, le=60)] = 0.5
    loss: Annotated[float, Meta(ge=0, le=0.9)] = 0.2
    every_s: Annotated[float, Meta(ge=1)] = 10.0
    room_bytes: Annotated[int, Meta(ge=0)] = 0
    bytes_per_s: Annotated[float, Meta(gt=0)] = 100_000.0
    percent: Annotated[float, Meta(ge=0, le=100)] = 4.0
    drift_ppm: Annotated[float, Meta(ge=-200, le=200)] = 200.0
    celsius: Annotated[float, Meta(ge=-40, le=100)] = 65.0

    def affects(self, camera: str, rng: random.Random) -> bool:
        """Whether it affects `site/camera`. `rng` is the camera's own random stream for this fault."""
        drawn = rng.random() < self.share
        site = camera.partition("/")[0]
        named = (not self.sites or site in self.sites) and (not self.cameras or camera in self.cameras)
        return drawn and named


def affected_cameras(fault: Fault, number: int, names: Iterable[str], streams: RandomStreams) -> list[str]:
    """Those of `names` that the `number`-th fault of a scenario affects. Every shard and caller gets the same ones."""
    return [name for name in names if fault.affects(name, streams.stream(name, f"fault {number}"))]


def fault_from_table(table: Mapping[str, Any], origin: str) -> Fault:
    """The fault that a table or a command line describes. Raises ConfigError naming `origin`, the key and the allowed
    values.
    """
    refuse_unknown_keys(table, Fault, origin)
    kind = str(table.get("kind", ""))
    if kind not in FAULTS:
        raise ConfigError(f"{origin}: {kind}: no such fault{suggestion(kind, FAULTS)}")
    refuse_foreign_parameters(table, origin)
    try:
        return msgspec.convert(table, Fault, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {error}") from error


def refuse_foreign_parameters(table: Mapping[str, Any], origin: str, path: str = "") -> None:
    """Raise ConfigError for a parameter that a fault of this kind does not have, such as the `loss` of a power cut.

    An unknown kind is accepted here; other checks report it. `path` leads to `table` and ends with a dot.
    """
    kind = FAULTS.get(str(table.get("kind")))
    if kind is None:
        return
    for key in table:
        if (key in _PARAMETERS and key not in kind.parameters) or (key == "for_s" and not kind.lasts):
            allowed = ", ".join(kind.parameters) or "none of its own"
            raise ConfigError(f"{origin}: {path}{key}: means nothing to {table['kind']}, whose keys are {allowed}")

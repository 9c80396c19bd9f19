"""What a run leaves to be judged and told."""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from lapel_fleet.checkers.records import ActualRecord, ReceivedRecord
from lapel_fleet.runs.measurement.samples import Samples
from lapel_fleet.scenario.faults import Fault

AGENCY = "fleet"
OnProgress = Callable[[float, float, Mapping[str, int], int, int], None]
"""Who is told how a run goes: the share that is over, the cameras' time in seconds, cameras by state, messages and
recordings so far."""
Time = Literal["virtual", "stepped", "live"]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over."""

    seed: int
    cases: list[tuple[ActualRecord, ReceivedRecord]]
    """What is true of each camera, and what was heard of it."""
    trace_sha256: str
    trace_lines: int
    messages: int
    domain_s: float
    """Seconds of the cameras' time."""
    time: Time = "virtual"
    broker: str = "virtual"
    """Its name and version."""
    inconclusive: list[str] = []
    """Why it proves nothing, whatever was found."""
    up_s: float = 0.0
    """Live: real seconds until every camera was online."""
    workers_bytes: int = 0
    """Live: the most memory that the cameras took together."""
    manual_faults: list[Fault] = []
    """What somebody let go wrong beside the scenario, with its times."""
    samples: Samples | None = None
    """What was measured meanwhile; None where nobody did."""


def quiet(
    share: float,
    domain_s: float,
    states: Mapping[str, int],
    messages: int,
    recordings: int,
) -> None:
    """Nobody wants to know."""

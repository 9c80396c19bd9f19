"""The result of a finished run: the input of checkers and reports."""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from lapel_fleet.checkers.records import ActualRecord, ReceivedRecord
from lapel_fleet.runs.measurement.samples import Samples
from lapel_fleet.scenario.faults import Fault

AGENCY = "fleet"
"""First level of the topics after `lapel/v1`, on a broker that belongs to the run."""
OnProgress = Callable[[float, float, Mapping[str, int], int, int], None]
"""Receives the progress of a run: share that is over (0 to 1), the cameras' time in seconds, number of cameras by
state, messages received and recordings announced so far.
"""
Time = Literal["virtual", "stepped", "live"]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run."""

    seed: int
    cases: list[tuple[ActualRecord, ReceivedRecord]]
    """For each camera, what really happened and what was received from it."""
    trace_sha256: str
    trace_lines: int
    messages: int
    domain_s: float
    """Seconds of the cameras' time."""
    time: Time = "virtual"
    broker: str = "virtual"
    """Its name and version."""
    inconclusive: list[str] = []
    """Reasons why the run proves nothing, whatever the checkers find; empty for a conclusive run."""
    notes: list[str] = []
    """What happened to the workers without changing the result: one that died, and whose part was run again."""
    online_after_s: float = 0.0
    """Live: real seconds until every camera was online."""
    workers_bytes: int = 0
    """Live: highest resident memory of all cameras together."""
    manual_faults: list[Fault] = []
    """Faults injected by hand, beside those of the scenario, with their times."""
    samples: Samples | None = None
    """Measurements during the run; None if there were none."""


def no_progress(
    share: float,
    domain_s: float,
    states: Mapping[str, int],
    messages: int,
    recordings: int,
) -> None:
    """An `OnProgress` that does nothing."""

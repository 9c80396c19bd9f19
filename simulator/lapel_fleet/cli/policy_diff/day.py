"""The day that is compared: a scenario whose wearers do nothing but meet encounters, under one profile."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from lapel_fleet.cli.policy_diff.outcomes import Outcome, outcomes_of
from lapel_fleet.runs import virtual
from lapel_fleet.runs.parallel.pool import JobProgress
from lapel_fleet.scenario.encounters import Encounters
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Operator, Scenario
from lapel_fleet.scenario.wearer import Wearer

ENCOUNTERS_OF = "policy-day"
"""The shipped scenario whose encounters a scenario without any gets."""
_SHORTEST_S = 20.0
"""Of an encounter."""
_TELEMETRY_S = 3600.0
"""It is not read here, and takes time."""


def comparable(scenario: Scenario) -> Scenario:
    """The same fleet and day with nothing in it that one profile could shift against another: recordings of wearers
    become encounters for which nothing is declared, and the operator sends no commands beside those of the encounters.
    """
    encounters = [*(scenario.encounters or load(ENCOUNTERS_OF).encounters), *map(_undeclared, _recording(scenario))]
    known = [
        msgspec.structs.replace(one, sites=[site for site in one.sites if site in scenario.sites])
        for one in encounters
        if not one.sites or set(one.sites) & set(scenario.sites)
    ]
    return msgspec.structs.replace(
        scenario,
        encounters=known,
        wearer=Wearer(activations_per_hour=0),
        activities=[],
        operator=Operator(),
        expect=[],
        telemetry_s=_TELEMETRY_S,
    )


def _recording(scenario: Scenario) -> list[Wearer]:
    return [one for one in scenario.wearers if one.activations_per_hour and one.activations is None]


def _undeclared(wearer: Wearer) -> Encounters:
    shortest_s, longest_s = (max(_SHORTEST_S, length_s) for length_s in wearer.length_s)
    return Encounters(
        category=wearer.category, per_hour=min(360.0, wearer.activations_per_hour), length_s=(shortest_s, longest_s)
    )


@dataclass(frozen=True, slots=True)
class DayJob:
    """Some cameras of that day. Implements `lapel_fleet.runs.parallel.pool.Job`."""

    scenario: Scenario
    """With its profile."""
    seed: int
    shard: tuple[int, int] = (0, 1)

    @property
    def title(self) -> str:
        """See `Job.title`."""
        return f"{self.scenario.policy}, part {self.shard[0] + 1} of {self.shard[1]}"

    def run(self, on_progress: Callable[[JobProgress], None]) -> list[Outcome]:
        """See `Job.run`."""
        done = virtual.run(
            self.scenario, self.seed, progress=lambda *values: on_progress(JobProgress(*values)), shard=self.shard
        )
        return [outcome for actual, _ in done.cases for outcome in outcomes_of(actual)]

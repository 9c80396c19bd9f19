"""Chaos: faults drawn from the seed, added to a scenario's own."""

import random
from typing import Any

import msgspec

from lapel_fleet.scenario.faults import EVIDENCE, FAULTS, Fault
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario

_FEWEST, _MOST = 3, 8
_KINDS = sorted(kind for kind in FAULTS if not kind.startswith(("delivery.", EVIDENCE)))
"""Not what happens to messages behind the cameras: that examines a back end, and a run in virtual time has none."""
_OFFLOAD_KINDS = sorted([*_KINDS, *(kind for kind in FAULTS if kind.startswith(EVIDENCE))])
_LENGTHS_S = (5.0, 300.0)


def with_chaos(scenario: Scenario, seed: int) -> Scenario:
    """`scenario` with the faults that `seed` adds to it.

    Its expectations describe the day without these faults: only those marked `under_chaos` are kept. What must hold
    whatever goes wrong is for the checkers, which are judged in any case.
    """
    faults = drawn_faults(scenario, RandomStreams(seed).stream("fleet", "chaos"))
    expect = [one for one in scenario.expect if one.under_chaos]
    return msgspec.structs.replace(scenario, faults=[*scenario.faults, *faults], expect=expect)


def drawn_faults(scenario: Scenario, rng: random.Random) -> list[Fault]:
    """Three to eight faults in the order of their times: any kind, any time, each at a random share of the cameras."""
    faults = [_drawn_fault(scenario, rng) for _ in range(rng.randint(_FEWEST, _MOST))]
    return sorted(faults, key=lambda one: one.at_s)


def _drawn_fault(scenario: Scenario, rng: random.Random) -> Fault:
    """One fault. Draws as many numbers for every kind, so that the kind of one does not change the next."""
    kind = rng.choice(_OFFLOAD_KINDS if scenario.offload is not None else _KINDS)
    at_s = rng.uniform(0, 0.9) * scenario.duration_s
    for_s = rng.uniform(*_LENGTHS_S) if FAULTS[kind].lasts else 0.0
    site = rng.choice(sorted(scenario.sites))
    share = round(rng.uniform(0.1, 0.6), 2)
    parameters: dict[str, Any] = {
        "step_s": round(rng.uniform(-120, 120)), "latency_s": round(rng.uniform(0.05, 3), 2),
        "loss": round(rng.uniform(0.05, 0.5), 2), "every_s": round(rng.uniform(5, 30)),
        "room_bytes": rng.choice((0, 1_000, 5_000_000)), "bytes_per_s": rng.choice((20_000.0, 1_000_000.0)),
        "percent": round(rng.uniform(0, 12)), "celsius": round(rng.uniform(50, 75)),
        "drift_ppm": round(rng.uniform(-200, 200)),
    }  # fmt: skip
    return Fault(
        kind=kind, at_s=round(at_s, 3), for_s=round(min(for_s, scenario.duration_s - at_s), 3), share=share,
        sites=[site] if kind == "network.partition" else [],
        **{key: value for key, value in parameters.items() if key in FAULTS[kind].parameters},
    )  # fmt: skip

"""A written scenario is read back unchanged."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapel_fleet.checkers.expectations import Expectation
from lapel_fleet.scenario.faults import FAULTS, Fault
from lapel_fleet.scenario.loading import load, parse, shipped_scenarios
from lapel_fleet.scenario.offload import DockingStations, Offload
from lapel_fleet.scenario.scenario import Operator, Scenario, Shift
from lapel_fleet.scenario.toml_writer import as_toml
from lapel_fleet.scenario.wearer import Wearer

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SITES = {"baltimore": 3, "buffalo": 1, "site 2": 2}
CAMERAS = [f"{site}/cam-{number:04}" for site, count in SITES.items() for number in range(1, count + 1)]
LENGTHS = st.tuples(st.floats(0.1, 50), st.floats(50, 1e6))
PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    "step_s": st.floats(-1e9, 1e9), "latency_s": st.floats(0, 60), "loss": st.floats(0, 0.9),
    "every_s": st.floats(1, 1e6), "room_bytes": st.integers(0, 2**62), "bytes_per_s": st.floats(1e-9, 1e12),
    "percent": st.floats(0, 100), "celsius": st.floats(-40, 100), "drift_ppm": st.floats(-200, 200),
}  # fmt: skip


def some(of: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(of), max_size=3)


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    kind = draw(st.sampled_from(sorted(FAULTS)))
    return Fault(
        kind=kind, at_s=draw(st.floats(0, 99)), for_s=draw(st.floats(0, 1e5)) if FAULTS[kind].lasts else 0.0,
        share=draw(st.floats(0, 1)), sites=draw(some(list(SITES))), cameras=draw(some(CAMERAS)),
        **{key: draw(PARAMETERS[key]) for key in FAULTS[kind].parameters},
    )  # fmt: skip


WEARERS = st.builds(
    Wearer, category=TEXT, activations_per_hour=st.floats(0, 3600), activations=st.none() | st.integers(0, 1000),
    length_s=LENGTHS, forgotten_stops=st.floats(0, 1), marks=st.floats(0, 1),
)  # fmt: skip
SHIFTS = st.builds(Shift, start_s=st.floats(0, 50), end_s=st.floats(51, 1e5), sites=some(list(SITES)))
EXPECTATIONS = st.builds(
    Expectation, what=st.just("events"), name=TEXT.map(lambda text: f"~{text}"), per=st.sampled_from(["site", "fleet"]),
    kind=st.sampled_from(["", "refused"]), at_most=st.floats(0, 1e9), under_chaos=st.booleans(),
)  # fmt: skip
DOCKS = st.builds(
    DockingStations, sites=some(list(SITES)).map(lambda sites: list(dict.fromkeys(sites))),
    bays=st.none() | st.integers(1, 20_000), line_bps=st.none() | st.floats(1000, 1e12),
)  # fmt: skip
OFFLOADS = st.builds(
    Offload, critical=st.lists(TEXT, max_size=2), uploads=st.integers(1, 16), limit_bps=st.floats(0, 1e12),
    keep_h=st.floats(0, 876_000),
)  # fmt: skip
SCENARIOS = st.builds(
    Scenario, title=TEXT, duration_s=st.floats(100, 86_400), media=st.sampled_from(["none", "clip"]),
    clip_cameras=some(CAMERAS), only_cameras=some(CAMERAS), sites=st.just(SITES), wearer=WEARERS,
    activities=st.lists(WEARERS, max_size=2), shifts=st.lists(SHIFTS, max_size=2),
    faults=st.lists(faults(), max_size=4), operator=st.builds(Operator, commands_per_hour=st.floats(0, 1e5)),
    expect=st.lists(EXPECTATIONS, max_size=1), offload=OFFLOADS, docks=st.lists(DOCKS, max_size=1),
)  # fmt: skip


@given(SCENARIOS)
@settings(max_examples=200, deadline=None)
def test_any_scenario_is_read_back_unchanged(scenario: Scenario) -> None:
    assert parse(as_toml(scenario), "mine.toml") == scenario


@pytest.mark.parametrize("name", shipped_scenarios())
def test_a_shipped_scenario_is_read_back_unchanged(name: str) -> None:
    assert parse(as_toml(load(name)), name) == load(name)


def test_default_values_are_not_written() -> None:
    text = 'title = "A day"\n\n[sites]\nbaltimore = 2\n\n[[faults]]\nkind = "network.loss"\nloss = 0.4\n'
    assert as_toml(parse(text, "mine.toml")) == text

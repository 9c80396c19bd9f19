"""Imports go one way: no circle among the modules of a package, and none among the rooms of the simulator.

Every import counts, also those inside functions and under `TYPE_CHECKING`.
"""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

FIRMWARE, SIMULATOR = "lapel", "lapel_fleet"
Imports = Mapping[str, set[str]]
"""Which modules (or rooms) each one imports."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(FIRMWARE, SIMULATOR, cache_dir=None)


def module_imports(graph: grimp.ImportGraph, package: str) -> Imports:
    """The imports among the modules of a package. A package's `__init__.py` counts as a module."""
    modules = {package, *graph.find_descendants(package)}
    return {module: graph.find_modules_directly_imported_by(module) & modules for module in modules}


def room_imports(imports: Imports) -> Imports:
    """The imports among the rooms, from those of their modules."""
    rooms: dict[str, set[str]] = {}
    for module, imported in imports.items():
        rooms.setdefault(room_of(module), set()).update(map(room_of, imported))
    return {room: others - {room} for room, others in rooms.items()}


def room_of(module: str) -> str:
    """`lapel_fleet.runs` for `lapel_fleet.runs.traffic.listener`."""
    return ".".join(module.split(".")[:2])


def circle_in(imports: Imports) -> str:
    """One circle, as `a imports b imports a`; empty when there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return " imports ".join(reversed(error.args[1]))
    return ""


@pytest.mark.parametrize("package", [FIRMWARE, SIMULATOR])
def test_no_modules_import_each_other_in_a_circle(graph: grimp.ImportGraph, package: str) -> None:
    imports = module_imports(graph, package)
    assert sum(map(len, imports.values())) > len(imports)  # the graph is not empty
    assert circle_in(imports) == ""


def test_no_rooms_of_the_simulator_import_each_other_in_a_circle(graph: grimp.ImportGraph) -> None:
    rooms = room_imports(module_imports(graph, SIMULATOR))
    assert {f"{SIMULATOR}.{room}" for room in ("runs", "control", "cameras", "hardware")} <= rooms.keys()
    assert circle_in(rooms) == ""


def test_a_circle_is_found_and_named() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) in (
        "a imports b imports c imports a", "b imports c imports a imports b", "c imports a imports b imports c"
    )  # fmt: skip
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": set()}) == ""

"""Reads scenarios: the shipped ones by name, others from TOML files; and reports what is wrong with them."""

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel.link.contract import checked_name
from lapel.policy.profile import load_profile
from lapel_fleet.checkers import expectations
from lapel_fleet.scenario.faults import EVIDENCE, FAULTS, refuse_foreign_parameters
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.scenario.tables import refuse_unknown_keys

_SUGGESTED_NAMES = 20
"""At most so many names are searched for the one that was probably meant."""


def shipped_scenarios() -> list[str]:
    """The names of the scenarios that come with Lapel."""
    return sorted(one.name.removesuffix(".toml") for one in _shipped().iterdir() if one.name.endswith(".toml"))


def load(name: str) -> Scenario:
    """A shipped scenario by its name, or a TOML file by its path. Raises ConfigError naming the file, the key and the
    allowed values.
    """
    if name in shipped_scenarios():
        return parse(_shipped().joinpath(f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")
    path = Path(name)
    if "/" not in name and path.suffix != ".toml":
        raise ConfigError(f"{name}: no such scenario{suggestion(name, shipped_scenarios())}; or name a TOML file")
    try:
        return parse(path.read_text(encoding="utf-8"), str(path), path.parent)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def parse(text: str, origin: str, folder: Path | None = None) -> Scenario:
    """The scenario in a TOML text. A profile's file is looked up in `folder`. Raises ConfigError naming `origin`, the
    key and the allowed values.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin}: is not TOML: {error}") from error
    scenario = scenario_from_table(table, origin)
    return _with_policy(scenario, origin, folder or Path())


def scenario_from_table(table: Mapping[str, Any], origin: str) -> Scenario:
    """The scenario in a parsed table. Raises ConfigError as `parse` does."""
    refuse_unknown_keys(table, Scenario, origin)
    _refuse_foreign_parameters(table.get("faults"), origin)
    expectations.parsed(table.get("expect", []), origin)
    try:
        scenario = msgspec.convert(table, Scenario)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {error}") from error
    for site in scenario.sites:
        try:
            checked_name("sites", site)
        except ConfigError as error:
            raise ConfigError(f"{origin}: {error}") from error
    for problem in _problems(scenario):
        raise ConfigError(f"{origin}: {problem}")
    return scenario


def _with_policy(scenario: Scenario, origin: str, folder: Path) -> Scenario:
    """With a profile that can be loaded from any folder."""
    name = scenario.policy
    if name.endswith(".toml"):
        name = str(folder / name)
    try:
        load_profile(name)
    except ConfigError as error:
        raise ConfigError(f"{origin}: policy: {error}") from error
    return msgspec.structs.replace(scenario, policy=name)


def _refuse_foreign_parameters(faults: object, origin: str) -> None:
    for number, fault in enumerate(faults if isinstance(faults, list) else []):
        if isinstance(fault, dict):
            refuse_foreign_parameters(fault, origin, f"faults[{number}].")


def _problems(scenario: Scenario) -> Iterator[str]:
    """What is wrong with a scenario whose keys and types are right."""
    for wearer in scenario.wearers:
        if wearer.length_s[0] > wearer.length_s[1]:
            yield f"wearer.length_s = {list(wearer.length_s)}: give the shortest first"
    known = set(scenario.all_cameras)
    yield from _unknown_names("only_cameras", scenario.only_cameras, known)
    yield from _unknown_names("clip_cameras", scenario.clip_cameras, known)
    for number, shift in enumerate(scenario.shifts):
        yield from _unknown_names(f"shifts[{number}].sites", shift.sites, scenario.sites)
        if shift.end_s <= shift.start_s:
            yield f"shifts[{number}]: ends at {shift.end_s:g} s, before it starts at {shift.start_s:g} s"
    yield from _encounter_problems(scenario)
    yield from _dock_problems(scenario)
    for number, fault in enumerate(scenario.faults):
        at = f"faults[{number}]"
        if fault.kind not in FAULTS:
            yield f"{at}.kind: {fault.kind}: no such fault{suggestion(fault.kind, FAULTS)}"
        if fault.at_s >= scenario.duration_s:
            yield f"{at}.at_s = {fault.at_s:g} comes after the end at {scenario.duration_s:g} s"
        yield from _unknown_names(f"{at}.sites", fault.sites, scenario.sites)
        yield from _unknown_names(f"{at}.cameras", fault.cameras, known)


def _encounter_problems(scenario: Scenario) -> Iterator[str]:
    for number, one in enumerate(scenario.encounters):
        at = f"encounters[{number}]"
        yield from _unknown_names(f"{at}.sites", one.sites, scenario.sites)
        for key, (shortest, longest) in (("length_s", one.length_s), ("start_after_s", one.start_after_s)):
            if shortest > longest:
                yield f"{at}.{key} = [{shortest:g}, {longest:g}]: give the shortest first"


def _dock_problems(scenario: Scenario) -> Iterator[str]:
    """What is wrong with the docking stations, and with faults of an evidence back end that nothing uploads to."""
    stations: dict[str, int] = {}
    for number, dock in enumerate(scenario.docks):
        yield from _unknown_names(f"docks[{number}].sites", dock.sites, scenario.sites)
        for site in dock.sites or scenario.sites:
            if site in stations:
                yield f"docks[{number}]: {site} has its station in docks[{stations[site]}]; name the sites of each"
            stations[site] = number
    for number, fault in enumerate(scenario.faults):
        if fault.kind.startswith(EVIDENCE) and scenario.offload is None:
            yield f"faults[{number}].kind: {fault.kind}: no camera offloads; add an [offload] table"


def _unknown_names(key: str, named: Sequence[str], known: Collection[str]) -> Iterator[str]:
    for name in named:
        if name not in known:
            yield f"{key}: there is no {name} in this scenario{suggestion(name, sorted(known)[:_SUGGESTED_NAMES])}"


def _shipped() -> Any:
    return files("lapel_fleet.scenario").joinpath("shipped")

"""A fleet's day as data: who is there, what its wearers do, what goes wrong. A TOML file that a technician can read."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from lapel.config import meant
from lapel.errors import ConfigError
from lapel.link.contract import checked_name
from lapel_fleet.checkers import expectations

FaultKind = Literal[
    "broker-outage",  # the broker is away
    "network-down",  # the camera's interface is down, and it knows
    "half-open",  # nothing arrives, and nobody is told
    "power-cut",  # the battery is pulled, and put back
    "camera-unplugged",  # no pictures
    "card-read-only",
    "clock-step",  # the wall clock is corrected by `step_s`
    "late-command",  # a start that expired `step_s` seconds ago
    "duplicate-command",  # a start, twice under one id
]
_Share = Annotated[float, Meta(ge=0, le=1)]


class _Table(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    pass


class Wearer(_Table, frozen=True, kw_only=True):
    """What a wearer does in a shift. Times are drawn for each camera from its own stream of chance."""

    activations_per_hour: Annotated[float, Meta(ge=0, le=3600)] = 1.0
    """How often the button is pressed to record, on average."""
    length_s: tuple[Annotated[float, Meta(ge=0.1)], Annotated[float, Meta(ge=0.1)]] = (60.0, 900.0)
    """Shortest and longest recording."""
    forgotten_stops: _Share = 0.0
    """Share of recordings that nobody stops; the operator does, an hour later or at the end."""
    marks: _Share = 0.1
    """Share of recordings with a marker."""


class Operator(_Table, frozen=True, kw_only=True):
    """What the fleet's operator asks of cameras, one at a time."""

    commands_per_hour: Annotated[float, Meta(ge=0, le=360_000)] = 0.0
    """Over the whole fleet: status, identify, self-test, and now and then a start and its stop."""


class Fault(_Table, frozen=True, kw_only=True):
    """Something that goes wrong."""

    kind: FaultKind
    at_s: Annotated[float, Meta(ge=0)]
    """Seconds after the beginning."""
    for_s: Annotated[float, Meta(ge=0)] = 0.0
    """How long, where that means anything."""
    share: _Share = 1.0
    """Share of the cameras that it meets; which ones is drawn from the seed. A broker outage meets all."""
    step_s: float = 0.0
    """Of `clock-step` and `late-command`."""


class Scenario(_Table, frozen=True, kw_only=True):
    """A run."""

    title: str = ""
    duration_s: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    """Seconds of the cameras' time."""
    prebuffer_s: Annotated[float, Meta(ge=0, le=120)] = 30.0
    """What each camera keeps from before the press."""
    telemetry_s: Annotated[float, Meta(ge=1)] = 30.0
    """Seconds between telemetry messages."""
    keepalive_s: Annotated[float, Meta(ge=2)] = 30.0
    """The link's keepalive."""
    sites: Annotated[dict[str, Annotated[int, Meta(ge=1, le=20_000)]], Meta(min_length=1)]
    """Cameras by site."""
    wearer: Wearer = Wearer()
    operator: Operator = Operator()
    faults: list[Fault] = []
    expect: list[expectations.Expectation] = []

    @property
    def cameras(self) -> list[str]:
        """`site/cam-0001`, …, in order."""
        return [f"{site}/cam-{number:04}" for site, count in self.sites.items() for number in range(1, count + 1)]


def names() -> list[str]:
    """The scenarios that come with Lapel."""
    return sorted(one.name.removesuffix(".toml") for one in _shipped().iterdir() if one.name.endswith(".toml"))


def load(name: str) -> Scenario:
    """A shipped scenario by its name, or a TOML file. Raises ConfigError naming file, key and what is allowed."""
    if name in names():
        return parsed(_shipped().joinpath(f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")
    path = Path(name)
    if "/" not in name and path.suffix != ".toml":
        raise ConfigError(f"{name}: no such scenario{meant(name, names())}; or name a TOML file")
    try:
        return parsed(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def parsed(text: str, origin: str) -> Scenario:
    """The scenario in `text`. Raises ConfigError naming `origin`, the key, and what is allowed."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin}: is not TOML: {error}") from error
    _refuse_unknown(tree, Scenario, origin, "")
    expectations.parsed(tree.get("expect", []), origin)
    try:
        scenario = msgspec.convert(tree, Scenario)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {error}") from error
    for site in scenario.sites:
        try:
            checked_name("sites", site)
        except ConfigError as error:
            raise ConfigError(f"{origin}: {error}") from error
    if scenario.wearer.length_s[0] > scenario.wearer.length_s[1]:
        raise ConfigError(f"{origin}: wearer.length_s: the shortest comes first, {scenario.wearer.length_s} is not so")
    for number, fault in enumerate(scenario.faults):
        if fault.at_s >= scenario.duration_s:
            raise ConfigError(
                f"{origin}: faults[{number}].at_s = {fault.at_s:g} comes after the end at {scenario.duration_s:g} s"
            )
    return scenario


def _refuse_unknown(tree: Mapping[str, Any], kind: type[_Table], origin: str, path: str) -> None:
    """Before msgspec does, which does not say what was probably meant."""
    inner = get_type_hints(kind)
    for key, value in tree.items():
        if key not in kind.__struct_fields__:
            raise ConfigError(f"{origin}: {path}{key}: no such key{meant(key, kind.__struct_fields__)}")
        if isinstance(value, dict) and isinstance(inner[key], type) and issubclass(inner[key], _Table):
            _refuse_unknown(value, inner[key], origin, f"{path}{key}.")
        if key == "faults" and isinstance(value, list):
            for number, fault in enumerate(value):
                if isinstance(fault, dict):
                    _refuse_unknown(fault, Fault, origin, f"faults[{number}].")


def _shipped() -> Any:
    return files("lapel_fleet").joinpath("scenarios")

"""A fleet's day as data: who is there, what its wearers do, what goes wrong. A TOML file that a technician can read."""

import random
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from lapel.config import meant
from lapel.errors import ConfigError
from lapel.link.contract import checked_name
from lapel_fleet.checkers import expectations

Media = Literal["none", "clip", "pixels"]
"""What cameras film: *none* has real boxes and no video in them, *clip* shares one encoded loop among all cameras,
*pixels* draws and encodes for each camera."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What can be said of a kind of fault in a scenario."""

    meaning: str
    lasts: bool = True
    """Whether it ends after `for_s`."""
    takes: tuple[str, ...] = ()
    """The keys that it takes beside those that all take."""


FAULTS: Mapping[str, FaultKind] = {
    "broker.outage": FaultKind("the broker is away; meets everybody"),
    "network.down": FaultKind("the camera's interface is down, and it knows"),
    "network.half_open": FaultKind("nothing arrives any more, and nobody is told"),
    "network.partition": FaultKind("the same for whole sites: name them with `sites`"),
    "network.latency": FaultKind("every message takes `latency_s` each way", takes=("latency_s",)),
    "network.loss": FaultKind("a share `loss` of the messages has to be sent again", takes=("loss",)),
    "power.cut": FaultKind("the battery is pulled, and put back"),
    "power.reboot_loop": FaultKind("the power fails again and again, every `every_s`", takes=("every_s",)),
    "video.unplugged": FaultKind("the lens cable is pulled"),
    "video.frozen": FaultKind("the picture stands still"),
    "card.full": FaultKind("the card has room for `room_bytes`", takes=("room_bytes",)),
    "card.slow": FaultKind("the card writes `bytes_per_s`", takes=("bytes_per_s",)),
    "card.read_only": FaultKind("the card takes nothing"),
    "card.corrupt": FaultKind("every write fails with an I/O error"),
    "button.stuck": FaultKind("the event button stays down"),
    "battery.cliff": FaultKind("an old cell gives up: the charge drops to `percent`", lasts=False, takes=("percent",)),
    "heat": FaultKind("the camera lies in the sun: `celsius` around it", takes=("celsius",)),
    "clock.step": FaultKind("the wall clock is corrected by `step_s`", lasts=False, takes=("step_s",)),
    "command.late": FaultKind("a start that expired `step_s` ago", lasts=False, takes=("step_s",)),
    "command.duplicate": FaultKind("a start, twice under one id", lasts=False),
}
_Share = Annotated[float, Meta(ge=0, le=1)]


class _Table(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    pass


@dataclass(frozen=True, slots=True)
class Outing:
    """One recording in a wearer's shift."""

    after_s: float
    """So long after the one before."""
    length_s: float
    marks: bool
    """Whether there is something to mark half-way."""
    forgets: bool
    """Whether its stop is forgotten."""


class Wearer(_Table, frozen=True, kw_only=True):
    """What a wearer does in a shift. Times are drawn for each camera from its own stream of chance."""

    category: str = "patrol"
    """What for: `warrant`, `removal-order`, … For the results alone; a camera does not know."""
    activations_per_hour: Annotated[float, Meta(ge=0, le=3600)] = 1.0
    """How often the button is pressed to record, on average."""
    activations: Annotated[int, Meta(ge=0, le=1000)] | None = None
    """Exactly so many instead, spread over the whole run."""
    length_s: tuple[Annotated[float, Meta(ge=0.1)], Annotated[float, Meta(ge=0.1)]] = (60.0, 900.0)
    """Shortest and longest recording."""
    forgotten_stops: _Share = 0.0
    """Share of recordings that nobody stops; the operator does, an hour later or at the end."""
    marks: _Share = 0.1
    """Share of recordings with a marker."""

    def outings(self, rng: Callable[[int], random.Random], duration_s: float) -> Iterator[Outing]:
        """One after the other. `chance(n)` is the stream of just the n-th, from 0."""
        if self.activations is not None:
            rest_s = 0.0  # of the part of the run that the one before had
            for number in range(self.activations):
                outing, rest_s = self._within(duration_s / self.activations, rest_s, rng(number))
                yield outing
        elif self.activations_per_hour:
            for number in count():
                yield self._sometime(rng(number))

    def _sometime(self, rng: random.Random) -> Outing:
        after_s = rng.expovariate(self.activations_per_hour / 3600)
        return self._outing(after_s, rng.uniform(*self.length_s), rng)

    def _within(self, part_s: float, rest_s: float, rng: random.Random) -> tuple[Outing, float]:
        """It begins so early that it can end in its part of the run; and what is left of that."""
        length_s = rng.uniform(*self.length_s)
        room_s = max(0.0, part_s - length_s)
        wait_s = rng.uniform(0.0, room_s)
        return self._outing(rest_s + wait_s, length_s, rng), room_s - wait_s

    def _outing(self, after_s: float, length_s: float, rng: random.Random) -> Outing:
        return Outing(after_s, length_s, rng.random() < self.marks, rng.random() < self.forgotten_stops)


class Operator(_Table, frozen=True, kw_only=True):
    """What the fleet's operator asks of cameras, one at a time."""

    commands_per_hour: Annotated[float, Meta(ge=0, le=360_000)] = 0.0
    """Over the whole fleet: status, identify, self-test, and now and then a start and its stop."""


class Fault(_Table, frozen=True, kw_only=True):
    """Something that goes wrong: a kind of `FAULTS`."""

    kind: str
    at_s: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds after the beginning."""
    for_s: Annotated[float, Meta(ge=0)] = 0.0
    """How long, where that means anything."""
    share: _Share = 1.0
    """Share of the cameras that it meets; which ones is drawn from the seed."""
    sites: list[str] = []
    """Only cameras of these sites; of all, where none is named."""
    cameras: list[str] = []
    """Only these cameras, as `site/camera`."""
    step_s: float = 0.0
    latency_s: Annotated[float, Meta(ge=0, le=60)] = 0.5
    loss: Annotated[float, Meta(ge=0, le=0.9)] = 0.2
    every_s: Annotated[float, Meta(ge=1)] = 10.0
    room_bytes: Annotated[int, Meta(ge=0)] = 0
    bytes_per_s: Annotated[float, Meta(gt=0)] = 100_000.0
    percent: Annotated[float, Meta(ge=0, le=100)] = 4.0
    celsius: Annotated[float, Meta(ge=-40, le=100)] = 65.0

    def meets(self, camera: str, rng: random.Random) -> bool:
        """Whether it is one of those; `rng` is the camera's own stream for this fault."""
        drawn = rng.random() < self.share
        site = camera.partition("/")[0]
        named = (not self.sites or site in self.sites) and (not self.cameras or camera in self.cameras)
        return drawn and named


class Shift(_Table, frozen=True, kw_only=True):
    """When cameras are out; before and after they lie in their docks. Without any shift they are out all the time."""

    start_s: Annotated[float, Meta(ge=0)] = 0.0
    end_s: Annotated[float, Meta(gt=0)]
    sites: list[str] = []
    """Only these sites; all, where none is named."""
    late_s: Annotated[float, Meta(ge=0)] = 300.0
    """Each wearer begins and ends up to so much later, drawn from the seed."""

    def is_of(self, camera: str) -> bool:
        """Whether `site/camera` has it."""
        return not self.sites or camera.partition("/")[0] in self.sites


class Scenario(_Table, frozen=True, kw_only=True):
    """A run."""

    title: str = ""
    duration_s: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    """Seconds of the cameras' time."""
    media: Media = "none"
    """What the cameras film."""
    clip_cameras: list[str] = []
    """In virtual time: the few that film a clip, as `site/camera`."""
    prebuffer_s: Annotated[float, Meta(ge=0, le=120)] = 30.0
    """What each camera keeps from before the press."""
    telemetry_s: Annotated[float, Meta(ge=1)] = 30.0
    """Seconds between telemetry messages."""
    keepalive_s: Annotated[float, Meta(ge=2)] = 30.0
    """The link's keepalive."""
    spread_s: Annotated[float, Meta(ge=0, le=600)] = 5.0
    """Seconds over which cameras spread their return to a broker that was away."""
    sites: Annotated[dict[str, Annotated[int, Meta(ge=1, le=20_000)]], Meta(min_length=1)]
    """Cameras by site."""
    only_cameras: list[str] = []
    """The only ones of them that run, as `site/camera`; all, where none is named. Each does what it does among all."""
    wearer: Wearer = Wearer()
    activities: list[Wearer] = []
    """What wearers do, by category, instead of `wearer`."""
    shifts: list[Shift] = []
    operator: Operator = Operator()
    faults: list[Fault] = []
    expect: list[expectations.Expectation] = []

    @property
    def does(self) -> list[Wearer]:
        """What wearers do."""
        return self.activities or [self.wearer]

    @property
    def cameras(self) -> list[str]:
        """Those that run: `site/cam-0001`, …, in order."""
        only = set(self.only_cameras)
        return [name for name in self.all_cameras if not only or name in only]

    @property
    def all_cameras(self) -> list[str]:
        """All cameras of the sites, whether or not they run."""
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


def shortened(scenario: Scenario, duration_s: float) -> Scenario:
    """The same day, at another length: what would go wrong after its end does not, and what was to be counted in all of
    it is not expected.
    """
    faults = [one for one in scenario.faults if one.at_s < duration_s]
    expect = [one for one in scenario.expect if expectations.METRICS[one.what].combine != "count"]
    return msgspec.structs.replace(scenario, duration_s=duration_s, faults=faults, expect=expect)


def parsed(text: str, origin: str) -> Scenario:
    """The scenario in `text`. Raises ConfigError naming `origin`, the key, and what is allowed."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin}: is not TOML: {error}") from error
    return checked_scenario(tree, origin)


def checked_scenario(tree: Mapping[str, Any], origin: str) -> Scenario:
    """The same from a table."""
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
    for objection in _objections(scenario):
        raise ConfigError(f"{origin}: {objection}")
    return scenario


def _objections(scenario: Scenario) -> Iterator[str]:
    """What the types cannot say."""
    for doing in scenario.does:
        if doing.length_s[0] > doing.length_s[1]:
            yield f"wearer.length_s: the shortest comes first, {doing.length_s} is not so"
    known = set(scenario.all_cameras)
    yield from _strangers("only_cameras", scenario.only_cameras, known)
    yield from _strangers("clip_cameras", scenario.clip_cameras, known)
    for number, shift in enumerate(scenario.shifts):
        yield from _strangers(f"shifts[{number}].sites", shift.sites, scenario.sites)
        if shift.end_s <= shift.start_s:
            yield f"shifts[{number}]: ends at {shift.end_s:g} s, before it starts at {shift.start_s:g} s"
    for number, fault in enumerate(scenario.faults):
        at = f"faults[{number}]"
        if fault.kind not in FAULTS:
            yield f"{at}.kind: {fault.kind}: no such fault{meant(fault.kind, FAULTS)}"
        if fault.at_s >= scenario.duration_s:
            yield f"{at}.at_s = {fault.at_s:g} comes after the end at {scenario.duration_s:g} s"
        yield from _strangers(f"{at}.sites", fault.sites, scenario.sites)
        yield from _strangers(f"{at}.cameras", fault.cameras, known)


def _strangers(key: str, named: Sequence[str], known: Collection[str]) -> Iterator[str]:
    for name in named:
        if name not in known:
            yield f"{key}: there is no {name} in this scenario{meant(name, sorted(known)[:20])}"


def checked_fault(fault: Mapping[str, Any], origin: str) -> Fault:
    """One fault, from a table or a command line. Raises ConfigError naming `origin`, the key, and what is allowed."""
    _refuse_unknown(fault, Fault, origin, "")
    kind = str(fault.get("kind", ""))
    if kind not in FAULTS:
        raise ConfigError(f"{origin}: {kind}: no such fault{meant(kind, FAULTS)}")
    _refuse_meaningless(fault, origin, "")
    try:
        return msgspec.convert(fault, Fault, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {error}") from error


_PARAMETERS = {key for kind in FAULTS.values() for key in kind.takes}


def _refuse_meaningless(fault: Mapping[str, Any], origin: str, path: str) -> None:
    """A `loss` that a power cut does not have is a mistake, not a detail."""
    kind = FAULTS.get(str(fault.get("kind")))
    if kind is None:
        return  # is said with what was probably meant
    for key in fault:
        if (key in _PARAMETERS and key not in kind.takes) or (key == "for_s" and not kind.lasts):
            allowed = ", ".join(kind.takes) or "none of its own"
            raise ConfigError(f"{origin}: {path}{key}: means nothing to {fault['kind']}, whose keys are {allowed}")


def _refuse_unknown(tree: Mapping[str, Any], kind: type[_Table], origin: str, path: str) -> None:
    """Before msgspec does, which does not say what was probably meant."""
    inner = get_type_hints(kind)
    for key, value in tree.items():
        if key not in kind.__struct_fields__:
            raise ConfigError(f"{origin}: {path}{key}: no such key{meant(key, kind.__struct_fields__)}")
        if isinstance(value, dict) and isinstance(inner[key], type) and issubclass(inner[key], _Table):
            _refuse_unknown(value, inner[key], origin, f"{path}{key}.")
        if key in _LISTS and isinstance(value, list):
            for number, one in enumerate(value):
                if isinstance(one, dict):
                    _refuse_unknown(one, _LISTS[key], origin, f"{key}[{number}].")
                    if key == "faults":
                        _refuse_meaningless(one, origin, f"{key}[{number}].")


_LISTS: Mapping[str, type[_Table]] = {"faults": Fault, "shifts": Shift, "activities": Wearer}


def _shipped() -> Any:
    return files("lapel_fleet.scenario").joinpath("shipped")

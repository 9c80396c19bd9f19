"""A field problem as it stands in its file: what the wearer says, how it came about, and how a technician mends it."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Literal, get_args

import msgspec

from lapel.config import Scalar, suggestion
from lapel.errors import ConfigError

What = Literal["type", "hand", "wait", "log in"]
"""*type* at the console, do something *by hand* at the camera, *wait* so many seconds, *log in* anew."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the technician does, and what the terminal then shows."""

    what: What
    rest: str = ""
    shown: list[str] = []
    """From the row where the cursor was to the row where it is."""

    @property
    def order(self) -> str:
        """As it stands in the file."""
        return f"@ {self.what} {self.rest}".rstrip()


class Problem(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One file of this folder."""

    title: str
    says: str
    """What is said of the camera by whoever brings it."""
    finding: str
    """What `status` and `why` name first, up to what differs from time to time."""
    about: str
    """What a technician should know about it."""
    settings: dict[str, dict[str, Scalar]] = {}
    """Where the camera's configuration differs from the others'."""
    world: list[str] = []
    """What happened to it before it was brought, in the words of `deeds.py`."""
    session: str
    """The technician's visit, already logged in: see `steps`."""

    @property
    def steps(self) -> list[Step]:
        """`@` lines, each with what it changed on the terminal below it. Raises ConfigError."""
        return list(_steps(self.session))

    @property
    def remedy(self) -> list[str]:
        """What is done by hand."""
        return [one.rest for one in self.steps if one.what == "hand"]

    def told(self) -> list[str]:
        """The visit as lines for people: what is done at the camera stands in brackets."""
        return [line for step in self.steps for line in _told(step)]


def names() -> list[str]:
    """The problems that come with Lapel."""
    return sorted(
        one.name.removesuffix(".toml")
        for one in files(__package__).joinpath("problems").iterdir()
        if one.name.endswith(".toml")
    )


def load(name: str) -> Problem:
    """The problem of that name. Raises ConfigError naming the one that was probably meant."""
    if name not in names():
        raise ConfigError(f"{name}: no such field problem{suggestion(name, names())}")
    return parsed(files(__package__).joinpath("problems", f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")


def parsed(text: str, origin: str) -> Problem:
    """The problem in `text`. Raises ConfigError naming `origin`, and what is wrong with it."""
    try:
        problem = msgspec.convert(tomllib.loads(text), Problem)
        _ = problem.steps
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin}: is not TOML: {error}") from error
    except (msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(f"{origin}: {error}") from error
    return problem


def _steps(session: str) -> Iterator[Step]:
    order, shown = "", list[str]()
    for line in [*session.strip("\n").split("\n"), "@"]:
        if not line.startswith("@"):
            shown.append(line)
            continue
        if order:
            yield _step(order, shown)
        elif shown:
            raise ConfigError(f"session: begins with `{shown[0]}`, not with a line that begins with @")
        order, shown = line[1:].strip(), []


def _step(order: str, shown: list[str]) -> Step:
    for what in get_args(What):
        word, _, rest = (order + " ").partition(f"{what} ")
        if not word:
            return Step(what=what, rest=rest.strip(), shown=shown)
    raise ConfigError(f"session: @ {order}: is no step; there are {', '.join(get_args(What))}")


def _told(step: Step) -> Iterator[str]:
    match step.what:
        case "hand":
            yield f"[at the camera: {step.rest}]"
        case "wait":
            yield f"[{step.rest} later]"
        case "log in":
            yield "[log in]"
        case "type":
            yield from step.shown[:-1]  # the prompt below comes again with what is typed at it


def seconds_of(words: str) -> float:
    """`5 s` or `2 min`. Raises ConfigError."""
    number, _, unit = words.partition(" ")
    try:
        return float(number) * _SECONDS[unit]
    except (ValueError, KeyError):
        raise ConfigError(f"wait {words}: is no time; write `5 s` or `2 min`") from None


_SECONDS: Mapping[str, float] = {"s": 1.0, "min": 60.0}

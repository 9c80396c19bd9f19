"""A field problem as its file describes it: symptom, cause, and how a technician finds and remedies it."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Literal, get_args

import msgspec

from lapel.config import Scalar, suggestion
from lapel.errors import ConfigError

StepKind = Literal["type", "do", "wait", "log in"]
"""*type* at the console, *do* an action at the camera, *wait* for so many seconds, *log in* again."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the technician, and what the terminal shows after it."""

    kind: StepKind
    rest: str = ""
    shown: list[str] = []
    """The rows of the terminal, from the row of the cursor before the step to its row after it."""

    @property
    def line(self) -> str:
        """The step as a line of the file."""
        return f"@ {self.kind} {self.rest}".rstrip()


class Problem(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The content of one file in `problems/`."""

    title: str
    symptom: str
    """What the wearer or the dispatcher reports."""
    finding: str
    """The beginning of the first finding that `status` and `why` show."""
    remedy: str
    """What to do, in a sentence."""
    background: str
    """What a technician should know about it."""
    settings: dict[str, dict[str, Scalar]] = {}
    """Settings of this camera that differ from the defaults."""
    preparation: list[str] = []
    """What causes the problem: see `actions.py`."""
    diagnosis: str
    """Session of the technician, after log-in, up to the cause. Lines that begin with @ are steps."""
    repair: str
    """The rest of the session, with the remedy."""

    @property
    def diagnosis_steps(self) -> list[Step]:
        """The steps of `diagnosis`. Raises ConfigError."""
        return list(_steps("diagnosis", self.diagnosis))

    @property
    def repair_steps(self) -> list[Step]:
        """The steps of `repair`. Raises ConfigError."""
        return list(_steps("repair", self.repair))

    @property
    def steps(self) -> list[Step]:
        """All steps of the session, in order. Raises ConfigError."""
        return [*self.diagnosis_steps, *self.repair_steps]


def names() -> list[str]:
    """The problems that come with Lapel."""
    return sorted(
        one.name.removesuffix(".toml")
        for one in files(__package__).joinpath("problems").iterdir()
        if one.name.endswith(".toml")
    )


def load(name: str) -> Problem:
    """The problem of that name. Raises ConfigError, with a similar name if there is one."""
    if name not in names():
        raise ConfigError(f"{name}: no such field problem{suggestion(name, names())}")
    return parsed(files(__package__).joinpath("problems", f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")


def parsed(text: str, origin: str) -> Problem:
    """The problem in `text`. Raises ConfigError naming `origin` and what is wrong."""
    try:
        problem = msgspec.convert(tomllib.loads(text), Problem)
        _ = problem.steps
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin}: is not TOML: {error}") from error
    except (msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(f"{origin}: {error}") from error
    return problem


def commands(steps: list[Step]) -> list[str]:
    """The commands and actions of the steps, once each, such as `status` and [at the camera: swap battery]."""
    lines = [_command(step) for step in steps if step.kind in ("type", "do")]
    return list(dict.fromkeys(lines))


def transcript(steps: list[Step]) -> list[str]:
    """The steps as the terminal shows them, with actions and waiting times in brackets."""
    return [line for step in steps for line in _transcript_lines(step)]


def _steps(key: str, session: str) -> Iterator[Step]:
    line, shown = "", list[str]()
    for row in [*session.strip("\n").split("\n"), "@"]:
        if not row.startswith("@"):
            shown.append(row)
            continue
        if line:
            yield _step(key, line, shown)
        elif any(shown):
            raise ConfigError(f"{key}: begins with `{shown[0]}`, not with a line that begins with @")
        line, shown = row[1:].strip(), []


def _step(key: str, line: str, shown: list[str]) -> Step:
    for kind in get_args(StepKind):
        before, _, rest = f"{line} ".partition(f"{kind} ")
        if not before:
            return Step(kind=kind, rest=rest.strip(), shown=shown)
    raise ConfigError(f"{key}: @ {line}: is not a step; there are {', '.join(get_args(StepKind))}")


def _command(step: Step) -> str:
    return f"`{step.rest}`" if step.kind == "type" else f"[at the camera: {step.rest}]"


def _transcript_lines(step: Step) -> Iterator[str]:
    match step.kind:
        case "do":
            yield f"[at the camera: {step.rest}]"
        case "wait":
            yield f"[{step.rest} later]"
        case "log in":
            yield "[log in]"
        case "type":
            yield from step.shown[:-1]  # the last row is the prompt, which the next step repeats


def seconds_of(text: str) -> float:
    """Seconds in `5 s` or `2 min`. Raises ConfigError."""
    number, _, unit = text.partition(" ")
    try:
        return float(number) * _SECONDS[unit]
    except (ValueError, KeyError):
        raise ConfigError(f"wait {text}: is not a time; write `5 s` or `2 min`") from None


_SECONDS: Mapping[str, float] = {"s": 1.0, "min": 60.0}

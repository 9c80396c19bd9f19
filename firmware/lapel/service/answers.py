"""What `lapel-camera install` has to know: from a file, or asked in a short dialogue."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from lapel.config import read_toml
from lapel.errors import ConfigError

_Name = Annotated[str, Meta(min_length=1, max_length=64)]


class Answers(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The answers; every one has a default."""

    agency: _Name = "demo"
    """the agency that is responsible for the recordings"""
    site: _Name = "home"
    """the city or station"""
    camera: _Name = "cam-0001"
    """the camera's name, unique at its site"""
    video: Annotated[str, Meta(min_length=1)] = "rpicam"
    """the video source: rpicam, /dev/video0, an address"""
    console: str = ""
    """the serial line for technicians, such as /dev/ttyAMA0; empty: none"""
    broker: str = ""
    """the fleet's broker, such as mqtts://broker.example; empty: none"""
    gpsd: bool = False
    """whether a GPS receiver is connected (true or false)"""


def read_answers(path: Path) -> Answers:
    """The answers in a TOML file. Raises ConfigError that names the file and the key."""
    try:
        return msgspec.convert(read_toml(path), Answers)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}; the keys are {', '.join(Answers.__struct_fields__)}") from error


def ask(read_line: Callable[[str], str], meanings: dict[str, str]) -> Answers:
    """Ask for each; an empty line takes the default. Raises ConfigError for an answer that cannot be used."""
    given: dict[str, object] = {}
    for field in msgspec.structs.fields(Answers):
        line = read_line(f"{meanings[field.name]} [{_shown(field.default)}]: ").strip()
        if line:
            given[field.name] = line.lower() in ("true", "yes", "y") if isinstance(field.default, bool) else line
    try:
        return msgspec.convert(given, Answers)
    except msgspec.ValidationError as error:
        raise ConfigError(f"install: {error}") from error


def _shown(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default) or "none"

"""The format of a hardware trace: JSON lines, a header and then one line for each thing that a device did.

Lines are what an adapter receives (a pin's edge, a register's value, a report of gpsd), not what it makes of that: so a
trace from a board shows whether the adapters are right. Readers ignore fields that they do not know.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from lapel.errors import TraceError

VERSION = 1
MAX_BYTES = 1_000_000_000
"""A longer file is none: an hour takes some 2 MB."""
RECORD_ONE = "record one with `lapel-camera run --trace-hardware FILE`"
Seconds = Annotated[float, Meta(ge=0)]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    trace: Literal["lapel-hardware-trace"] = "lapel-hardware-trace"
    version: int = VERSION
    firmware: str
    utc: str
    """When it began, by the camera's wall clock, ISO 8601."""
    devices: dict[str, str | int] = {}  # msgspec copies an empty dict for each instance
    """What the configuration names: pins by their keys in `[pi]`, the gauge, sources of video and sound."""


class Happening(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """Something that a device did. `at_s`: monotonic seconds since the trace began."""

    at_s: Seconds


class PinChanged(Happening, frozen=True, kw_only=True, tag="pin"):
    """An edge on an input pin, with the kernel's time. The first one of each pin is its state when it was opened."""

    name: str
    """The pin's key in `[pi]`."""
    closed: bool
    """Whether the contact is closed, which pulls the pin low."""


class RegisterRead(Happening, frozen=True, kw_only=True, tag="register"):
    """A 16-bit register of an I2C device was read, and was not what it was at the read before."""

    address: Annotated[int, Meta(ge=0, le=0x7F)]
    register: Annotated[int, Meta(ge=0, le=0xFF)]
    value: Annotated[int, Meta(ge=0, le=0xFFFF)] | None = None
    """None where the device did not answer."""
    error: str = ""


class GpsdReport(Happening, frozen=True, kw_only=True, tag="gpsd"):
    """A report that gpsd sent."""

    report: dict[str, Any]


class FileRead(Happening, frozen=True, kw_only=True, tag="file"):
    """A file of the kernel about the board's health was read, and was not what it was at the read before."""

    name: Annotated[str, Meta(pattern=r"^\w[\w:-]*(/\w[\w:-]*)*$", max_length=200)]
    """Below `/sys`."""
    text: Annotated[str, Meta(max_length=200)]
    """Empty where the board has no such file."""


class FramesCaptured(Happening, frozen=True, kw_only=True, tag="frames"):
    """The frames of about a second, or why there are none."""

    times_s: list[Seconds] = []
    """When each was captured, since the trace began."""
    dropped: Annotated[int, Meta(ge=0)] = 0
    lost: str = ""


class SoundArrived(Happening, frozen=True, kw_only=True, tag="sound"):
    """The sound of about a second, or why there is none. `at_s`: when its last sample arrived."""

    samples: Annotated[int, Meta(ge=0)] = 0
    rate_hz: Annotated[int, Meta(ge=0)] = 0
    peak: Annotated[float, Meta(ge=0)] = 0.0
    """Highest sample, where 1 is full scale."""
    lost: str = ""


AnyHappening = PinChanged | RegisterRead | GpsdReport | FileRead | FramesCaptured | SoundArrived
_DECODER = msgspec.json.Decoder[AnyHappening](AnyHappening)


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace that was read: its happenings in the order of their times."""

    header: Header
    happenings: list[AnyHappening]


def read_trace(path: Path) -> Trace:
    """Raises TraceError, which names file and line, when it cannot be read, is damaged or of a later version."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TraceError(f"{path}: is longer than {MAX_BYTES:,} bytes; no hardware trace is")
        content = path.read_bytes()
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from error
    lines = content.split(b"\n")
    header = _header(path, lines[0])
    if lines[-1]:
        raise TraceError(
            f"{path}: line {len(lines)} is cut off, as where the power failed; delete that line to use the rest"
        )
    found = [_happening(path, number, line) for number, line in enumerate(lines[1:-1], 2)]
    return Trace(header, sorted(found, key=lambda one: one.at_s))


def _header(path: Path, line: bytes) -> Header:
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.MsgspecError, ValueError) as error:
        raise TraceError(f"{path}: line 1 is no header of a hardware trace ({error}); {RECORD_ONE}") from error
    if header.version != VERSION:
        raise TraceError(f"{path}: is a trace of version {header.version}, this Lapel reads {VERSION}; update Lapel")
    return header


def _happening(path: Path, number: int, line: bytes) -> AnyHappening:
    try:
        happening: AnyHappening = _DECODER.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TraceError(f"{path}: line {number}: {error}; correct or delete it") from error
    return happening

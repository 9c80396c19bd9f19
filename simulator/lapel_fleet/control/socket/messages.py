"""What goes over a run's socket: one JSON object a line each way, a request and its answer. See docs/simulator.md.

A request says in `do` what is wanted. The answer has `ok`, and either what was asked for or an `error`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from lapel.config import meant
from lapel.errors import MessageError
from lapel_fleet.hardware.buttons import HELD_S
from lapel_fleet.report.summary import Checked
from lapel_fleet.runs.run import Time

LINE_LIMIT_BYTES = 65_536
"""Of a request, with its line feed. Answers are as long as they have to be."""
PROTOCOL = 1
"""Goes up when a request is understood in another way or an answer loses a key; new keys and requests do not count."""

_DAY_S = 86_400.0
_Seconds = Annotated[float, Meta(ge=0, le=_DAY_S)]
_Name = Annotated[str, Meta(max_length=300)]


# -- requests ----------------------------------------------------------------------------------------------------------


class _Request(msgspec.Struct, tag_field="do", forbid_unknown_fields=True, frozen=True, kw_only=True):
    pass


class Status(_Request, tag="status", frozen=True, kw_only=True):
    """Tell how the run stands."""

    cameras: list[_Name] | None = None
    """Only these; none for an empty list, all where nothing is said."""


class BeginFault(_Request, tag="fault", frozen=True, kw_only=True):
    """Let something go wrong until it is mended."""

    fault: dict[str, Any]
    """As a table `[[faults]]` of a scenario, without times: `{"kind": "network.loss", "loss": 0.5}`."""


class Mend(_Request, tag="mend", frozen=True, kw_only=True):
    """What went wrong is over."""

    number: int | None = None
    """Of the fault; all, where nothing is said."""


class Advance(_Request, tag="advance", frozen=True, kw_only=True):
    """Let time pass, where it stands still."""

    seconds: _Seconds
    """At most a day at once."""


class Press(_Request, tag="press", frozen=True, kw_only=True):
    """Press a button."""

    camera: _Name
    button: _Name = "event"
    times: int = 1


class Hold(_Request, tag="hold", frozen=True, kw_only=True):
    """Hold a button. Answered when it is let go."""

    camera: _Name
    button: _Name = "event"
    seconds: _Seconds = HELD_S


class Until(_Request, tag="until", frozen=True, kw_only=True):
    """Wait until the camera is in that state and says so."""

    camera: _Name
    state: _Name
    within_s: _Seconds = 120.0
    """Of the cameras' time."""


class Online(_Request, tag="online", frozen=True, kw_only=True):
    """Wait until cameras have a link and nothing left to say."""

    cameras: list[_Name] | None = None
    """All, where nothing is said."""
    within_s: _Seconds = 90.0
    """Of real time."""


class Attach(_Request, tag="attach", frozen=True, kw_only=True):
    """Open a camera's console on a pseudo terminal, for as long as this connection is there."""

    camera: _Name


class Check(_Request, tag="check", frozen=True, kw_only=True):
    """Judge now what was so far."""


class End(_Request, tag="end", frozen=True, kw_only=True):
    """End the run, which then judges and reports."""


Request = Status | BeginFault | Mend | Advance | Press | Hold | Until | Online | Attach | Check | End


# -- answers -----------------------------------------------------------------------------------------------------------


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """It cannot be done, or did not happen."""

    error: str
    """One line for people."""
    exit_code: int
    """What `lapel-fleet` ends with: 1 it did not happen, 2 it cannot be so, 4 the run is over or has lost something."""
    ok: bool = False


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """It is done."""

    now_s: float
    """The cameras' time."""
    ok: bool = True


class Begun(Done, frozen=True, kw_only=True):
    """A fault began."""

    number: int


class Mended(Done, frozen=True, kw_only=True):
    """Faults are over."""

    numbers: list[int]


class Advanced(Done, frozen=True, kw_only=True):
    """Time went on."""

    behind: list[str]
    """Cameras that had something left to say when the limit of 8 real seconds came, in an outage of theirs."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A camera."""

    camera: str
    """`site/name`."""
    state: str
    """What its lights show."""
    online: bool
    """Whether its link is up and it has nothing left to say."""


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that is on."""

    number: int
    kind: str
    at_s: float
    """Since when, of the cameras' time."""
    where: list[str]
    """Sites and cameras that it was limited to; empty: everywhere."""


class Standing(Done, frozen=True, kw_only=True):
    """How a run stands."""

    protocol: int
    run: str
    """Its ID."""
    scenario: str
    time: Time
    seed: int
    broker: str
    """Its address, without anybody's password."""
    agency: str
    """First level of the cameras' topics after `lapel/v1`."""
    counts: dict[str, int]
    """All cameras, by state."""
    cameras: list[Seen]
    faults: list[Wrong]


class Attached(Done, frozen=True, kw_only=True):
    """Its console is open."""

    path: str
    """Of the terminal: `picocom -b 115200 PATH`."""
    role: str
    """Log in as this."""
    secret: str
    """Lets it in, once."""


class Judged(Done, frozen=True, kw_only=True):
    """What was found."""

    passed: bool
    checkers: list[Checked]


ANSWERS: Mapping[type[_Request], type[Done]] = {
    Status: Standing, BeginFault: Begun, Mend: Mended, Advance: Advanced, Press: Done, Hold: Done, Until: Done,
    Online: Done, Attach: Attached, Check: Judged, End: Done,
}  # fmt: skip
"""What comes back when it can be done."""
Answer = Done | Refused
T = TypeVar("T", bound=Done)


# -- on the line -------------------------------------------------------------------------------------------------------


_REQUESTS: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_WORDS = [str(one.__struct_config__.tag) for one in ANSWERS]
_ENCODER = msgspec.json.Encoder()


def request_in(line: bytes) -> Request:
    """Raises MessageError saying what is wrong with it."""
    try:
        return _REQUESTS.decode(line)
    except msgspec.ValidationError as error:
        raise MessageError(_objection(line, str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError(f'not JSON: {error}; send an object a line, such as {{"do": "status"}}') from error
    except RecursionError as error:
        raise MessageError("nested too deeply for a request") from error


def on_line(message: Request | Answer) -> bytes:
    """One line, with its end."""
    return _ENCODER.encode(message) + b"\n"


def answer_in(line: bytes, kind: type[T]) -> T | Refused:
    """What a run answered to a request that has answers of that kind. Raises MessageError for what is none."""
    try:
        if msgspec.json.decode(line, type=_Outcome).ok:
            return msgspec.json.decode(line, type=kind)
        return msgspec.json.decode(line, type=Refused)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"the run answered what is no answer: {error}") from error


class _Outcome(msgspec.Struct):
    ok: bool


class _Wanted(msgspec.Struct):
    do: str


def _objection(line: bytes, error: str) -> str:
    """The decoder does not say what was probably meant by a word that is none."""
    try:
        word = msgspec.json.decode(line, type=_Wanted).do
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f'{error}; say in "do" what is wanted: {", ".join(_WORDS)}'
    return error if word in _WORDS else f"{word[:40]!r} is no request{meant(word[:40], _WORDS)}"

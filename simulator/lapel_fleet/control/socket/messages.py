"""The requests and answers on a run's control socket: one JSON object per line each way. See docs/simulator.md.

A request names in `do` what is requested. The answer has `ok`, and either the result or an `error`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_type_hints

import msgspec
from msgspec import Meta

from lapel.config import suggestion
from lapel.errors import MessageError
from lapel_fleet.cameras.actions import ACTIONS, Action, CameraName, PersonName
from lapel_fleet.report.summary import CheckerResult
from lapel_fleet.runs.run import Time

LINE_LIMIT_BYTES = 65_536
"""Of a request, with its line feed. Answers have no limit."""
PROTOCOL = 1
"""Increased when a request changes its meaning or an answer loses a key; new keys and requests do not count."""

_DAY_S = 86_400.0
_Seconds = Annotated[float, Meta(ge=0, le=_DAY_S)]


# -- requests: what is done to one camera (`cameras/actions.py`), and these --------------------------------------------


class _Request(msgspec.Struct, tag_field="do", forbid_unknown_fields=True, frozen=True, kw_only=True):
    pass


class Status(_Request, tag="status", frozen=True, kw_only=True):
    """Report the run's status."""

    cameras: list[CameraName] | None = None
    """Cameras to list; none for an empty list, all when absent."""


class BeginFault(_Request, tag="fault", frozen=True, kw_only=True):
    """Inject a fault, until it is ended with `mend`."""

    fault: dict[str, Any]
    """As a table `[[faults]]` of a scenario, without times: `{"kind": "network.loss", "loss": 0.5}`."""
    by: PersonName = ""
    """Who injects it, for the run's trace."""


class EndFault(_Request, tag="mend", frozen=True, kw_only=True):
    """End a fault."""

    number: int | None = None
    """Of the fault; all when absent."""
    by: PersonName = ""
    """Who ends it, for the run's trace."""


class Advance(_Request, tag="advance", frozen=True, kw_only=True):
    """Let time pass, in a stepped run."""

    seconds: _Seconds
    """At most a day at once."""


class Until(_Request, tag="until", frozen=True, kw_only=True):
    """Wait until the camera is in a state and has published it."""

    camera: CameraName
    state: CameraName
    within_s: _Seconds = 120.0
    """Of the cameras' time."""


class Online(_Request, tag="online", frozen=True, kw_only=True):
    """Wait until cameras are connected and have nothing left to send."""

    cameras: list[CameraName] | None = None
    """All when absent."""
    within_s: _Seconds = 90.0
    """Of real time."""


class Attach(_Request, tag="attach", frozen=True, kw_only=True):
    """Open a camera's console on a pseudo terminal, until this connection is closed."""

    camera: CameraName


class Check(_Request, tag="check", frozen=True, kw_only=True):
    """Run the checkers on what has happened so far."""


class End(_Request, tag="end", frozen=True, kw_only=True):
    """End the run, which then judges and reports."""


# -- answers -----------------------------------------------------------------------------------------------------------


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The request is impossible, or did not succeed."""

    error: str
    """One line for people."""
    exit_code: int
    """What `lapel-fleet` ends with: 1 did not happen in time, 2 impossible, 4 the run is over or lost its broker."""
    ok: bool = False


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The request was carried out."""

    now_s: float
    """The cameras' time."""
    ok: bool = True


class Begun(Done, frozen=True, kw_only=True):
    """A fault was injected."""

    number: int


class Ended(Done, frozen=True, kw_only=True):
    """Faults were ended."""

    numbers: list[int]


class Advanced(Done, frozen=True, kw_only=True):
    """Time has passed."""

    behind: list[str]
    """Cameras that still had unsent messages after 8 real seconds, during an outage."""


class CameraStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The status of a camera."""

    camera: str
    """`site/name`."""
    state: str
    """The state that its lights show."""
    online: bool
    """Whether its link is up and it has nothing left to send."""


class ActiveFault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that was injected by hand and is active."""

    number: int
    kind: str
    at_s: float
    """Its start, in the cameras' time."""
    where: list[str]
    """Sites and cameras that it is limited to; empty: everywhere."""


class RunStatus(Done, frozen=True, kw_only=True):
    """The status of a run."""

    protocol: int
    run: str
    """Its ID."""
    scenario: str
    time: Time
    seed: int
    broker: str
    """Its address, without a password."""
    agency: str
    """First level of the cameras' topics after `lapel/v1`."""
    counts: dict[str, int]
    """All cameras, by state."""
    cameras: list[CameraStatus]
    faults: list[ActiveFault]


class Attached(Done, frozen=True, kw_only=True):
    """The console is open."""

    path: str
    """Of the terminal: `picocom -b 115200 PATH`."""
    role: str
    """Log in with this role."""
    secret: str
    """For one login."""


class Judged(Done, frozen=True, kw_only=True):
    """The findings of the checkers."""

    passed: bool
    verdict: Literal["passed", "failed", "inconclusive"]
    checkers: list[CheckerResult]


ANSWERS: Mapping[type[_Request] | type[Action], type[Done]] = {
    Status: RunStatus, BeginFault: Begun, EndFault: Ended, Advance: Advanced, **dict.fromkeys(ACTIONS, Done),
    Until: Done, Online: Done, Attach: Attached, Check: Judged, End: Done,
}  # fmt: skip
"""Every request, and the answer when it was carried out."""
Request = _Request | Action
Answer = Done | Refused
T = TypeVar("T", bound=Done)


# -- as lines ----------------------------------------------------------------------------------------------------------


_REQUESTS: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Union[tuple(ANSWERS)])  # noqa: UP007
_KIND_OF = {str(one.__struct_config__.tag): one for one in ANSWERS}
_UNKNOWN_VALUE = re.compile(r"Invalid enum value '(?P<value>.*)' - at `\$\.(?P<key>\w+)`", re.DOTALL)
"""msgspec's error for a value that is none of a Literal's."""
_ENCODER = msgspec.json.Encoder()


def request_in(line: bytes) -> Request:
    """The request in a line. Raises MessageError with what is wrong."""
    try:
        return _REQUESTS.decode(line)
    except msgspec.ValidationError as error:
        raise MessageError(_objection(line, str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError(f'not JSON: {error}; send an object a line, such as {{"do": "status"}}') from error
    except RecursionError as error:
        raise MessageError("nested too deeply for a request; send a flat object") from error


def on_line(message: Request | Answer) -> bytes:
    """One line, with its line feed."""
    return _ENCODER.encode(message) + b"\n"


def answer_in(line: bytes, kind: type[T]) -> T | Refused:
    """The run's answer to a request whose answers are of that kind. Raises MessageError for anything else."""
    try:
        if msgspec.json.decode(line, type=_Outcome).ok:
            return msgspec.json.decode(line, type=kind)
        return msgspec.json.decode(line, type=Refused)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"the run sent an unreadable answer: {error}") from error


class _Outcome(msgspec.Struct):
    ok: bool


class _Wanted(msgspec.Struct):
    do: str


def _objection(line: bytes, error: str) -> str:
    """The decoder's error, with a suggestion for an unknown request or value."""
    known = list(_KIND_OF)
    try:
        word = msgspec.json.decode(line, type=_Wanted).do
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f'{error}; name the request in "do": {", ".join(known)}'
    if word not in _KIND_OF:
        return f"{word[:40]!r} is no request{suggestion(word[:40], known)}"
    found = _UNKNOWN_VALUE.fullmatch(error)
    if found is None:
        return error
    key, value = found["key"], found["value"][:40]
    return f"there is no {key} {value}{suggestion(value, get_args(get_type_hints(_KIND_OF[word])[key]))}"

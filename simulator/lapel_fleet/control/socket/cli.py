"""`lapel-fleet runs`, `status`, `fault`, `advance`, `press`, …: control of a running fleet from a shell.

Exit codes: 0 done, 1 did not happen in time or a checker failed, 2 impossible or no such run, 4 the run is gone.
"""

import argparse
import contextlib
import getpass
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from lapel import docstrings
from lapel.clock import SystemClock
from lapel.errors import ConfigError, LapelError
from lapel_fleet.cameras.actions import ACTIONS, Action
from lapel_fleet.control.socket import messages, run_directory
from lapel_fleet.control.socket.client import client, only_run
from lapel_fleet.report.formatting import span
from lapel_fleet.scenario.faults import FAULTS, Fault
from lapel_fleet.time.durations import seconds_of

T = TypeVar("T", bound=messages.Done)
_LISTED = 20
"""More cameras are counted, not listed, unless they are named."""
_ANSWER_LIMIT_S = 5.0
"""`runs` waits so long for each run's answer."""
_POLL_S = 0.1
_BY = "by"
_LENGTH = "seconds"
"""The field of an action that is given as `--for TIME`."""


# -- the parser --------------------------------------------------------------------------------------------------------


def add_control(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add these commands to `lapel-fleet`."""
    runs = commands.add_parser("runs", help="list the runs that can be controlled")
    runs.add_argument("--json", action="store_true", help="print one JSON array")
    runs.set_defaults(command=_runs)
    kinds = commands.add_parser("faults", help="list the kinds of faults and their parameters")
    kinds.add_argument("--json", action="store_true", help="print one JSON array")
    kinds.set_defaults(command=_faults)

    status = _added(commands, "status", _status, "show a run's status")
    status.add_argument("cameras", nargs="*", metavar="CAMERA", help="list these, as site/name")
    fault = _added(commands, "fault", _fault, "inject a fault, and print its number")
    fault.add_argument("kind", metavar="KIND", help="`lapel-fleet faults` lists them")
    fault.add_argument("--camera", nargs="+", default=[], metavar="CAMERA", help="only these, as site/name")
    fault.add_argument("--site", nargs="+", default=[], metavar="SITE", help="only cameras of these sites")
    fault.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="such as loss=0.5 or share=0.1")
    mend = _added(commands, "mend", _mend, "end a fault")
    mend.add_argument("number", metavar="NUMBER", help="as printed by `fault`; or `all`")
    advance = _added(commands, "advance", _advance, "let time pass, in a stepped run")
    advance.add_argument("time", metavar="TIME", help="such as 90s, 2m or 1h")
    for action in ACTIONS:
        _add_action(commands, action)
    until = _added(commands, "until", _until, "wait until a camera is in a state and has published it")
    until.add_argument("camera", metavar="CAMERA", help="as site/name")
    until.add_argument("state", metavar="STATE", help="recording, buffering, …")
    until.add_argument("--within", default="120s", metavar="TIME", help="of the cameras' time (default: %(default)s)")
    online = _added(commands, "online", _online, "wait for the run, and until its cameras have nothing left to send")
    online.add_argument("cameras", nargs="*", metavar="CAMERA", help="these; all when none is named")
    online.add_argument("--within", default="90s", metavar="TIME", help="of real time (default: %(default)s)")
    attach = _added(commands, "attach", _attach, "open a camera's console on a pseudo terminal, until Ctrl-C")
    attach.add_argument("camera", metavar="CAMERA", help="as site/name")
    _added(commands, "check", _check, "run the checkers now; exit code 1 when one fails")
    _added(commands, "end", _end, "end a run, which then judges and reports")


def _added(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: Callable[[argparse.Namespace], int],
    about: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("--run", metavar="ID", help="which run; not needed when there is only one")
    parser.add_argument("--json", action="store_true", help="print the run's answer as one JSON object")
    parser.set_defaults(command=_interruptible(command))
    return parser


def _add_action(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", action: type[Action]) -> None:
    """Add a command made from an action's fields: the camera, a choice if there is one, then options."""

    def command(options: argparse.Namespace) -> int:
        given = {name: _value(name, getattr(options, name)) for name in action.__struct_fields__ if name != _BY}
        _request(options, action(**given, by=getpass.getuser()), messages.Done)
        return 0

    about = (action.__doc__ or "").partition(". ")[0].strip().rstrip(".")
    parser = _added(commands, str(action.__struct_config__.tag), command, about[0].lower() + about[1:])
    meanings = docstrings.field_docstrings(action)
    for field in msgspec.structs.fields(action):
        about = f"{meanings.get(field.name, '').rstrip('.').lower()} (default: %(default)s)"
        choices = get_args(field.type) if get_origin(field.type) is Literal else ()
        if field.name == _BY:
            continue
        if field.name == "camera":
            parser.add_argument("camera", metavar="CAMERA", help="as site/name")
        elif choices:
            parser.add_argument(
                field.name, nargs="?", default=field.default, metavar=field.name.upper(),
                help=f"{' or '.join(choices)}{about}",
            )  # fmt: skip
        elif field.name == _LENGTH:
            parser.add_argument("--for", dest=_LENGTH, default=f"{field.default:g}s", metavar="TIME", help=about)
        else:
            parser.add_argument(
                f"--{field.name}", type=type(field.default), default=field.default, metavar="N", help=about
            )


def _value(name: str, value: Any) -> Any:
    return seconds_of(value, "--for") if name == _LENGTH else value


def _interruptible(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Ctrl-C ends the waiting; the run then cancels what was waited for."""

    def run(options: argparse.Namespace) -> int:
        try:
            return command(options)
        except KeyboardInterrupt:
            print("lapel-fleet: interrupted", file=sys.stderr)
            return 130

    return run


def _no_lines(_: object) -> Iterable[str]:
    """Prints nothing: the exit code is enough."""
    return ()


# -- the commands ------------------------------------------------------------------------------------------------------


def _runs(options: argparse.Namespace) -> int:
    inside = run_directory.folder()
    found = [_status_or_id(run_id, inside) for run_id in run_directory.run_ids(inside)]
    if options.json:
        print(json.dumps([{"run": one} if isinstance(one, str) else msgspec.to_builtins(one) for one in found]))
    for one in () if options.json else found:
        print(f"{one:<12}  does not answer yet" if isinstance(one, str) else _head(one))
    return 0


def _status_or_id(run_id: str, inside: Path) -> messages.RunStatus | str:
    """A run's status; its ID when it does not answer."""
    try:
        with client(run_id, inside, _ANSWER_LIMIT_S) as run:
            return run.request(messages.Status(cameras=[]), messages.RunStatus)
    except LapelError:
        return run_id


def _faults(options: argparse.Namespace) -> int:
    kinds: list[Mapping[str, Any]] = [
        {
            "kind": name,
            "meaning": kind.meaning,
            "parameters": {key: getattr(Fault(kind=name), key) for key in kind.parameters},
            "lasts": kind.lasts,
            "by_hand": kind.on_camera,
        }
        for name, kind in FAULTS.items()
    ]
    if options.json:
        print(json.dumps(kinds))
    width = 2 + max(map(len, FAULTS))
    for kind in () if options.json else kinds:
        notes = [] if kind["lasts"] else ["happens once"]
        notes += [] if kind["by_hand"] else ["in scenario files only"]
        print(f"{kind['kind']:<{width}}{kind['meaning']}" + (f" ({', '.join(notes)})" if notes else ""))
        for key, default in kind["parameters"].items():
            print(f"{'':{width}}{key}={default:g}")
    return 0


def _status(options: argparse.Namespace) -> int:
    names = options.cameras or None
    _request(
        options, messages.Status(cameras=names), messages.RunStatus, lambda one: _status_lines(one, named=bool(names))
    )
    return 0


def _fault(options: argparse.Namespace) -> int:
    where = {"cameras": options.camera, "sites": options.site}
    fault = {**_parameters(options.set), **{key: names for key, names in where.items() if names}, "kind": options.kind}
    request = messages.BeginFault(fault=fault, by=getpass.getuser())
    _request(options, request, messages.Begun, lambda one: [str(one.number)])
    return 0


def _mend(options: argparse.Namespace) -> int:
    if options.number != "all" and not options.number.isdecimal():
        raise ConfigError(f"mend {options.number}: give the number that `fault` printed, or `all`")
    number = None if options.number == "all" else int(options.number)
    _request(options, messages.EndFault(number=number, by=getpass.getuser()), messages.Ended)
    return 0


def _advance(options: argparse.Namespace) -> int:
    seconds = seconds_of(options.time, "advance")
    _request(options, messages.Advance(seconds=seconds), messages.Advanced, _advanced_lines)
    return 0


def _until(options: argparse.Namespace) -> int:
    within_s = seconds_of(options.within, "--within")
    request = messages.Until(camera=options.camera, state=options.state, within_s=within_s)
    _request(options, request, messages.Done)
    return 0


def _online(options: argparse.Namespace) -> int:
    within_s = seconds_of(options.within, "--within")
    _await_run(options.run, within_s)
    _request(options, messages.Online(cameras=options.cameras or None, within_s=within_s), messages.Done)
    return 0


def _await_run(run_id: str | None, within_s: float) -> None:
    """Return once the run accepts connections, or after that time: a script may have started it just now."""
    clock, inside, wait = SystemClock(), run_directory.folder(), threading.Event()  # never set: a way to wait
    deadline_s = clock.mono_s() + within_s
    while clock.mono_s() < deadline_s:
        runs = run_directory.run_ids(inside)
        if run_id in runs or (run_id is None and runs):
            return
        wait.wait(_POLL_S)


def _attach(options: argparse.Namespace) -> int:
    inside = run_directory.folder()
    with client(only_run(options.run, inside), inside) as run, contextlib.suppress(KeyboardInterrupt):
        answer = run.request(messages.Attach(camera=options.camera), messages.Attached)
        _print_answer(options, answer, _attached_lines)
        run.wait_for_end()
    return 0


def _check(options: argparse.Namespace) -> int:
    from lapel_fleet.report.text import lines

    judged = _request(
        options, messages.Check(), messages.Judged, lambda one: [line for each in one.checkers for line in lines(each)]
    )
    return {"passed": 0, "failed": 1, "inconclusive": 3}[judged.verdict]


def _end(options: argparse.Namespace) -> int:
    _request(options, messages.End(), messages.Done)
    return 0


# -- requests and what is printed --------------------------------------------------------------------------------------


def _request(
    options: argparse.Namespace,
    request: messages.Request,
    kind: type[T],
    lines: Callable[[T], Iterable[str]] = _no_lines,
) -> T:
    """Send a request, print the answer, and return it."""
    inside = run_directory.folder()
    with client(only_run(options.run, inside), inside) as run:
        answer = run.request(request, kind)
    _print_answer(options, answer, lines)
    return answer


def _print_answer(options: argparse.Namespace, answer: T, lines: Callable[[T], Iterable[str]]) -> None:
    if options.json:
        print(msgspec.json.encode(answer).decode(), flush=True)
    for line in () if options.json else lines(answer):
        print(line, flush=True)


def _attached_lines(one: messages.Attached) -> Iterator[str]:
    yield f"console    picocom -b 115200 {one.path}"
    yield f"log in as  {one.role}"
    yield f"secret     {one.secret}   (once)"
    yield "Ctrl-C closes it"


def _status_lines(one: messages.RunStatus, *, named: bool) -> Iterator[str]:
    yield _head(one)
    yield f"  broker {one.broker}, agency {one.agency}, seed {one.seed}"
    for fault in one.faults:
        where = ", ".join(fault.where) or "everywhere"
        yield f"  fault {fault.number}: {fault.kind} since {span(fault.at_s)}, {where}"
    for camera in one.cameras if named or len(one.cameras) <= _LISTED else ():
        yield f"  {camera.camera:<32}{camera.state:<12}{'online' if camera.online else 'not online'}"


def _head(one: messages.RunStatus) -> str:
    counts = ", ".join(f"{count:,} {state}" for state, count in sorted(one.counts.items()))
    return f"{one.run:<12}  {one.scenario}, {one.time}, {span(one.now_s)}: {counts}"


def _advanced_lines(one: messages.Advanced) -> Iterator[str]:
    yield span(one.now_s)
    if one.behind:
        print(f"lapel-fleet: unsent messages are left: {', '.join(one.behind[:_LISTED])}", file=sys.stderr)


def _parameters(texts: Sequence[str]) -> dict[str, str]:
    """`loss=0.5` and so on; the run checks them. Raises ConfigError for anything else."""
    parted = [text.partition("=") for text in texts]
    for key, equals, value in parted:
        if not key or not equals or not value:
            raise ConfigError(f"--set {key}{equals}{value}: give KEY=VALUE, such as loss=0.5")
    return {key: value for key, _, value in parted}

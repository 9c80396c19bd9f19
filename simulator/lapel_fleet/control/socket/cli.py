"""`lapel-fleet runs`, `status`, `fault`, `advance`, `press`, …: a running fleet, steered from a shell.

Exit codes: 0 done, 1 it did not happen or a checker found something, 2 it cannot be so or there is no such run, 4 the
run is gone.
"""

import argparse
import contextlib
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from lapel.clock import SystemClock
from lapel.errors import ConfigError, LapelError
from lapel_fleet.control.socket import messages, run_directory
from lapel_fleet.control.socket.client import chosen, client
from lapel_fleet.hardware.buttons import HELD_S
from lapel_fleet.report.formatting import span
from lapel_fleet.runs.options import seconds_of
from lapel_fleet.scenario.scenario import FAULTS, Fault

T = TypeVar("T", bound=messages.Done)
_LISTED = 20
"""More cameras are counted, not listed, unless they are named."""
_ANSWER_LIMIT_S = 5.0
"""A run that is looked at in passing answers in that time, or is said not to."""
_LOOK_S = 0.1


# -- what can be typed -------------------------------------------------------------------------------------------------


def add_steering(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add them to `lapel-fleet`."""
    runs = commands.add_parser("runs", help="the runs that can be steered")
    runs.add_argument("--json", action="store_true", help="one array")
    runs.set_defaults(command=_runs)
    kinds = commands.add_parser("faults", help="what can go wrong, and with which parameters")
    kinds.add_argument("--json", action="store_true", help="one array")
    kinds.set_defaults(command=_faults)

    status = _added(commands, "status", _status, "how a run stands")
    status.add_argument("cameras", nargs="*", metavar="CAMERA", help="list these, as site/name")
    fault = _added(commands, "fault", _fault, "let something go wrong, and print its number")
    fault.add_argument("kind", metavar="KIND", help="`lapel-fleet faults` lists them")
    fault.add_argument("--camera", nargs="+", default=[], metavar="CAMERA", help="only these, as site/name")
    fault.add_argument("--site", nargs="+", default=[], metavar="SITE", help="only cameras of these sites")
    fault.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="as in loss=0.5 or share=0.1")
    mend = _added(commands, "mend", _mend, "what went wrong is over")
    mend.add_argument("number", metavar="NUMBER", help="as `fault` printed it; or `all`")
    advance = _added(commands, "advance", _advance, "let time pass, in a run that is stepped")
    advance.add_argument("time", metavar="TIME", help="as in 90s, 2m or 1h")
    press = _added(commands, "press", _press, "press a button; twice at once starts a recording")
    _add_button(press)
    press.add_argument("--times", type=int, default=1, metavar="N", help="at once (default: %(default)s)")
    hold = _added(commands, "hold", _hold, "hold a button; three seconds end a recording")
    _add_button(hold)
    hold.add_argument(
        "--for", dest="for_", default=f"{HELD_S:g}s", metavar="TIME", help="how long (default: %(default)s)"
    )
    until = _added(commands, "until", _until, "wait until a camera is in a state and says so")
    until.add_argument("camera", metavar="CAMERA", help="as site/name")
    until.add_argument("state", metavar="STATE", help="recording, buffering, …")
    until.add_argument("--within", default="120s", metavar="TIME", help="of the cameras' time (default: %(default)s)")
    online = _added(commands, "online", _online, "wait until there is such a run and cameras have said all they had to")
    online.add_argument("cameras", nargs="*", metavar="CAMERA", help="these; all where none is named")
    online.add_argument("--within", default="90s", metavar="TIME", help="of real time (default: %(default)s)")
    attach = _added(commands, "attach", _attach, "open a camera's console on a pseudo terminal, until Ctrl-C")
    attach.add_argument("camera", metavar="CAMERA", help="as site/name")
    _added(commands, "check", _check, "judge now; exit code 1 when a checker finds something")
    _added(commands, "end", _end, "end a run, which then judges and reports")


def _added(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: Callable[[argparse.Namespace], int],
    about: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("--run", metavar="ID", help="which; not needed where there is just one")
    parser.add_argument("--json", action="store_true", help="say the run's answer as it is, one object")
    parser.set_defaults(command=_interruptible(command))
    return parser


def _interruptible(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Who waits may stop waiting: the run then leaves off what he waited for."""

    def carried_out(options: argparse.Namespace) -> int:
        try:
            return command(options)
        except KeyboardInterrupt:
            print("lapel-fleet: interrupted", file=sys.stderr)
            return 130

    return carried_out


def _add_button(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("camera", metavar="CAMERA", help="as site/name")
    parser.add_argument("button", nargs="?", default="event", metavar="BUTTON", help="event (the default) or power")


def _silent(_: object) -> Iterable[str]:
    """No news is good news."""
    return ()


# -- the commands ------------------------------------------------------------------------------------------------------


def _runs(options: argparse.Namespace) -> int:
    inside = run_directory.folder()
    standings = [_glanced_at(run_id, inside) for run_id in run_directory.there(inside)]
    if options.json:
        print(json.dumps([{"run": one} if isinstance(one, str) else msgspec.to_builtins(one) for one in standings]))
    for one in () if options.json else standings:
        print(f"{one:<12}  does not answer yet" if isinstance(one, str) else _head(one))
    return 0


def _glanced_at(run_id: str, inside: Path) -> messages.Standing | str:
    """How it stands; its ID alone when it does not answer."""
    try:
        with client(run_id, inside, _ANSWER_LIMIT_S) as run:
            return run.ask(messages.Status(cameras=[]), messages.Standing)
    except LapelError:
        return run_id


def _faults(options: argparse.Namespace) -> int:
    from lapel_fleet.cameras.fault_injection import OF_THE_CONTROL_ROOM

    kinds = [
        {
            "kind": name,
            "meaning": kind.meaning,
            "parameters": {key: getattr(Fault(kind=name), key) for key in kind.takes},
            "lasts": kind.lasts,
            "by_hand": name not in OF_THE_CONTROL_ROOM,
        }
        for name, kind in FAULTS.items()
    ]
    if options.json:
        print(json.dumps(kinds))
    for kind in () if options.json else kinds:
        notes = [] if kind["lasts"] else ["happens once"]
        notes += [] if kind["by_hand"] else ["in scenario files only"]
        print(f"{kind['kind']:<20}{kind['meaning']}" + (f" ({', '.join(notes)})" if notes else ""))
        for key, usual in kind["parameters"].items():  # type: ignore[attr-defined]
            print(f"{'':20}{key}={usual:g}")
    return 0


def _status(options: argparse.Namespace) -> int:
    names = options.cameras or None
    _asked(options, messages.Status(cameras=names), messages.Standing, lambda one: _standing(one, named=bool(names)))
    return 0


def _fault(options: argparse.Namespace) -> int:
    where = {"cameras": options.camera, "sites": options.site}
    fault = {**_parameters(options.set), **{key: names for key, names in where.items() if names}, "kind": options.kind}
    _asked(options, messages.BeginFault(fault=fault), messages.Begun, lambda one: [str(one.number)])
    return 0


def _mend(options: argparse.Namespace) -> int:
    if options.number != "all" and not options.number.isdecimal():
        raise ConfigError(f"mend {options.number}: give the number that `fault` printed, or `all`")
    _asked(options, messages.Mend(number=None if options.number == "all" else int(options.number)), messages.Mended)
    return 0


def _advance(options: argparse.Namespace) -> int:
    _asked(options, messages.Advance(seconds=seconds_of(options.time, "advance")), messages.Advanced, _advanced)
    return 0


def _press(options: argparse.Namespace) -> int:
    request = messages.Press(camera=options.camera, button=options.button, times=options.times)
    _asked(options, request, messages.Done)
    return 0


def _hold(options: argparse.Namespace) -> int:
    seconds = seconds_of(options.for_, "--for")
    _asked(options, messages.Hold(camera=options.camera, button=options.button, seconds=seconds), messages.Done)
    return 0


def _until(options: argparse.Namespace) -> int:
    within_s = seconds_of(options.within, "--within")
    _asked(options, messages.Until(camera=options.camera, state=options.state, within_s=within_s), messages.Done)
    return 0


def _online(options: argparse.Namespace) -> int:
    within_s = seconds_of(options.within, "--within")
    _await_run(options.run, within_s)
    _asked(options, messages.Online(cameras=options.cameras or None, within_s=within_s), messages.Done)
    return 0


def _await_run(run_id: str | None, within_s: float) -> None:
    """Return once it can be spoken to, or after that time: a shell that has just started it goes on at once."""
    clock, inside, wait = SystemClock(), run_directory.folder(), threading.Event()  # never set: a way to wait
    deadline_s = clock.mono_s() + within_s
    while clock.mono_s() < deadline_s:
        runs = run_directory.there(inside)
        if run_id in runs or (run_id is None and runs):
            return
        wait.wait(_LOOK_S)


def _attach(options: argparse.Namespace) -> int:
    inside = run_directory.folder()
    with client(chosen(options.run, inside), inside) as run, contextlib.suppress(KeyboardInterrupt):
        _tell(options, run.ask(messages.Attach(camera=options.camera), messages.Attached), _attached)
        run.until_over()
    return 0


def _check(options: argparse.Namespace) -> int:
    from lapel_fleet.report.text import lines

    judged = _asked(
        options, messages.Check(), messages.Judged, lambda one: [line for each in one.checkers for line in lines(each)]
    )
    return 0 if judged.passed else 1


def _end(options: argparse.Namespace) -> int:
    _asked(options, messages.End(), messages.Done)
    return 0


# -- asked, and told ---------------------------------------------------------------------------------------------------


def _asked(
    options: argparse.Namespace, request: messages.Request, kind: type[T], told: Callable[[T], Iterable[str]] = _silent
) -> T:
    """The run's answer, which is also printed."""
    inside = run_directory.folder()
    with client(chosen(options.run, inside), inside) as run:
        answer = run.ask(request, kind)
    _tell(options, answer, told)
    return answer


def _tell(options: argparse.Namespace, answer: T, told: Callable[[T], Iterable[str]]) -> None:
    if options.json:
        print(msgspec.json.encode(answer).decode(), flush=True)
    for line in () if options.json else told(answer):
        print(line, flush=True)


def _attached(one: messages.Attached) -> Iterator[str]:
    yield f"console    picocom -b 115200 {one.path}"
    yield f"log in as  {one.role}"
    yield f"secret     {one.secret}   (once)"
    yield "Ctrl-C closes it"


def _standing(one: messages.Standing, *, named: bool) -> Iterator[str]:
    yield _head(one)
    yield f"  broker {one.broker}, agency {one.agency}, seed {one.seed}"
    for fault in one.faults:
        where = ", ".join(fault.where) or "everywhere"
        yield f"  fault {fault.number}: {fault.kind} since {span(fault.at_s)}, {where}"
    for camera in one.cameras if named or len(one.cameras) <= _LISTED else ():
        yield f"  {camera.camera:<32}{camera.state:<12}{'online' if camera.online else 'not online'}"


def _head(one: messages.Standing) -> str:
    counts = ", ".join(f"{count:,} {state}" for state, count in sorted(one.counts.items()))
    return f"{one.run:<12}  {one.scenario}, {one.time}, {span(one.now_s)}: {counts}"


def _advanced(one: messages.Advanced) -> Iterator[str]:
    yield span(one.now_s)
    if one.behind:
        print(f"lapel-fleet: still had something to say: {', '.join(one.behind[:_LISTED])}", file=sys.stderr)


def _parameters(texts: Sequence[str]) -> dict[str, str]:
    """`loss=0.5` and so on; the run knows what they mean. Raises ConfigError for what is none."""
    parted = [text.partition("=") for text in texts]
    for key, equals, value in parted:
        if not key or not equals or not value:
            raise ConfigError(f"--set {key}{equals}{value}: give KEY=VALUE, such as loss=0.5")
    return {key: value for key, _, value in parted}

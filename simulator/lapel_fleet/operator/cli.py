"""`lapel-fleet ls`, `send` and `watch`: the operator's commands, on any broker that cameras connect to."""

import argparse
import asyncio
import getpass
import json
import random
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TextIO, get_args

import msgspec

from lapel import config
from lapel.clock import SystemClock, iso
from lapel.errors import ConfigError
from lapel.link.broker_address import Broker
from lapel.link.messages import Command, CommandName, StateMessage
from lapel.policy.profile import TRIGGER_SOURCES
from lapel_fleet.operator import listing, output, selector
from lapel_fleet.operator.broker_options import above_zero, add_broker_options, brokers_from
from lapel_fleet.operator.operator import RATE_PER_S, TIMEOUT_S, Operator, operator
from lapel_fleet.operator.outcomes import OutcomeTally
from lapel_fleet.operator.received import Received
from lapel_fleet.operator.watch import DEFAULT_KINDS, Watch, parse_kinds

_RESTARTING = ("set-configuration", "reboot")
_RESTART_TIMEOUT_S = 90.0
"""The reply to such a command comes after the restart; changed settings are on trial for a minute."""
_TTL_S = 10.0
_PARAMETERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "lines": ("--lines", ("request-log",)),
    "seconds": ("--seconds", ("identify",)),
    "configuration": ("--set", ("set-configuration",)),
    "declared": ("--declared", ("declare", "withdraw")),
    "for_s": ("--for-s", ("declare",)),
    "trigger": ("--trigger", ("trigger",)),
    "peer": ("--peer", ("trigger",)),
    "distance_m": ("--distance-m", ("trigger",)),
}
"""The flag of each field of a command, and the commands that have it."""
_REQUIRED: Mapping[str, tuple[str, str]] = {
    "declare": ("declared", "--declared WHAT, such as arrest-warrant"),
    "withdraw": ("declared", "--declared WHAT, such as arrest-warrant"),
    "trigger": ("trigger", f"--trigger SOURCE: {', '.join(TRIGGER_SOURCES)}"),
    "set-configuration": ("configuration", "--set SECTION.KEY=VALUE, such as --set link.telemetry_s=5"),
}
"""The field without which a command cannot be sent, and how to give it."""


# -- parsers -----------------------------------------------------------------------------------------------------------


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ls, send and watch to `lapel-fleet`."""
    _add_ls(_added(commands, "ls", "list the cameras that the broker knows, with their states"))
    _add_send(_added(commands, "send", "send a command to cameras and report the outcome of each"))
    _add_watch(_added(commands, "watch", "print the messages of a fleet, one line each, until Ctrl-C"))


def _added(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str
) -> argparse.ArgumentParser:
    """A parser whose epilog keeps its line breaks."""
    layout = argparse.RawDescriptionHelpFormatter
    return commands.add_parser(name, help=about, description=about, epilog=selector.HELP, formatter_class=layout)


def _add_ls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selector", nargs="*", metavar="SELECTOR", help="which cameras (default: all)")
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    parser.add_argument("--watch", action="store_true", help="print it again at each change, until Ctrl-C")
    add_broker_options(parser)
    parser.set_defaults(command=_ls)


def _add_send(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selector", nargs="+", metavar="SELECTOR", help="which cameras: see below")
    parser.add_argument("name", choices=get_args(CommandName), metavar="COMMAND", help=", ".join(get_args(CommandName)))
    parser.add_argument("--reason", default="", help="written to the camera's log")
    parser.add_argument("--sender", help="name for the camera's log (default: the operator's, or your login name)")
    parser.add_argument("--lines", type=int, metavar="N", help="for request-log: number of lines, 1 to 1000")
    parser.add_argument("--seconds", type=float, help="for identify: duration, up to 300")
    parser.add_argument("--declared", metavar="WHAT", help="for declare and withdraw: a context or an activity")
    parser.add_argument("--for-s", type=float, metavar="SECONDS", help="for declare: seconds until it ends by itself")
    parser.add_argument("--trigger", metavar="SOURCE", help="for trigger: peer, light-bar, holster, man-down, schedule")
    parser.add_argument("--peer", metavar="CAMERA", help="for trigger by a peer: the other camera")
    parser.add_argument("--distance-m", type=float, metavar="METRES", help="for trigger by a peer: how far away it is")
    parser.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", help="for set-configuration; repeatable")
    parser.add_argument(
        "--ttl", type=above_zero, default=_TTL_S, metavar="SECONDS",
        help="expiry: a camera that gets it later refuses it (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=above_zero, metavar="SECONDS",
        help=f"wait this long for replies (default: {TIMEOUT_S:g}; {_RESTART_TIMEOUT_S:g} if cameras restart)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=above_zero, default=RATE_PER_S, help="commands per second at most (default: %(default)g)"
    )
    parser.add_argument("--even-offline", action="store_true", help="send to cameras that are offline too")
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    add_broker_options(parser)
    parser.set_defaults(command=_send)


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only", action="append", default=[], metavar="SELECTOR", help="only these cameras; repeatable"
    )
    parser.add_argument(
        "--kinds", nargs="+", default=list(DEFAULT_KINDS), metavar="KIND",
        help="state, event, reply, telemetry, command, or a kind of event such as marker (default: state event)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print a JSON object on each line")
    add_broker_options(parser)
    parser.set_defaults(command=_watch)


# -- the commands ------------------------------------------------------------------------------------------------------


def _ls(options: argparse.Namespace) -> int:
    chosen, brokers = selector.parse(options.selector), brokers_from(options)
    return _run((_watch_list if options.watch else _list)(options, chosen, brokers))


async def _list(options: argparse.Namespace, chosen: selector.Selector, brokers: Sequence[Broker]) -> int:
    async with operator(brokers, options.agency, SystemClock(), kinds=()) as connected:
        await connected.retained_states(options.settle)
    listing.printer(as_json=options.json)(chosen.choose(connected.states), connected.states)
    _print_invalid_messages(connected)
    return 0


async def _watch_list(options: argparse.Namespace, chosen: selector.Selector, brokers: Sequence[Broker]) -> int:
    clock, known = SystemClock(), asyncio.Event()
    watch = Watch(chosen, frozenset(), lambda _, __: None, lambda text: print(text, file=sys.stderr))

    def on_states() -> None:
        chosen.choose(watch.states)  # a selector that fits no camera is an error at the start only
        known.set()

    async def follow() -> None:
        with listing.refreshing_printer(as_json=options.json) as print_cameras:
            printing = asyncio.create_task(
                listing.print_changes(known, watch.states, chosen.among, print_cameras, clock)
            )
            try:
                await watch.run(brokers, options.agency, clock, random.Random(), on_states)
            finally:
                printing.cancel()
                await asyncio.wait([printing])

    await _until_done_or_interrupted(asyncio.create_task(follow()))
    return 0


def _send(options: argparse.Namespace) -> int:
    chosen, command = selector.parse(options.selector), command_from(options)
    return _run(_send_to(options, chosen, command, brokers_from(options)))


async def _send_to(
    options: argparse.Namespace, chosen: selector.Selector, command: Command, brokers: Sequence[Broker]
) -> int:
    progress = _Progress(sys.stderr)
    async with operator(brokers, options.agency, SystemClock(), on_message=progress.on_message) as connected:
        await connected.retained_states(options.settle)
        tally = connected.tally(chosen.choose(connected.states), even_offline=options.even_offline)
        progress.tally = tally
        default_s = _RESTART_TIMEOUT_S if command.command in _RESTARTING else TIMEOUT_S
        sending = asyncio.create_task(
            connected.send(command, tally, timeout_s=options.timeout or default_s, rate_per_s=options.rate)
        )
        await _until_done_or_interrupted(sending)
        tally.close("interrupted")
    progress.clear()
    if options.json:
        print(json.dumps(output.summary_json(tally, command), indent=2))
    else:
        print(*output.summary(tally, command.command), sep="\n")
    _print_invalid_messages(connected)
    return 0 if tally.all_done else 1


def _watch(options: argparse.Namespace) -> int:
    only, kinds = selector.parse(options.only), parse_kinds(options.kinds)
    return _run(_watch_fleet(options, only, kinds, brokers_from(options)))


async def _watch_fleet(
    options: argparse.Namespace, only: selector.Selector, kinds: frozenset[str], brokers: Sequence[Broker]
) -> int:
    clock = SystemClock()

    def report(received: Received, before: StateMessage | None) -> None:
        line = output.line_of(received, before, iso(clock.now().utc))
        print(json.dumps(output.json_of(received)) if options.json else line, flush=True)

    def note(text: str) -> None:
        now = iso(clock.now().utc)
        print(json.dumps({"kind": "note", "note": text}) if options.json else f"{now[11:19]}  -- {text}", flush=True)

    watch = Watch(only, kinds, report, note)

    def on_states() -> None:
        shown = [state for camera, state in watch.states.items() if only.fits(camera, state)]
        note(f"watching {output.totals(shown)}")

    watching = asyncio.create_task(watch.run(brokers, options.agency, clock, random.Random(), on_states))
    await _until_done_or_interrupted(watching)
    return 0


def _run(command: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(command)
    except KeyboardInterrupt:
        print("lapel-fleet: interrupted before anything was sent", file=sys.stderr)
        return 130


async def _until_done_or_interrupted(task: "asyncio.Task[None]") -> None:
    """Wait for the task. Ctrl-C and SIGTERM cancel it, which is not an error."""
    loop, stops = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in stops:
        loop.add_signal_handler(number, task.cancel)
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()
        await asyncio.wait([task])
        for number in stops:
            loop.remove_signal_handler(number)
    if not task.cancelled():
        task.result()


class _Progress:
    """Prints how many cameras have replied, on a terminal only."""

    def __init__(self, out: TextIO) -> None:
        self.tally: OutcomeTally | None = None
        self._out, self._is_shown = out, out.isatty()

    def on_message(self, _: Received, __: StateMessage | None) -> None:
        """Update the count after a message, which may be a reply."""
        if self._is_shown and self.tally is not None:
            count = len(self.tally.outcomes)
            self._out.write(f"\r{count - len(self.tally.open())} of {count}")
            self._out.flush()

    def clear(self) -> None:
        """Erase the progress; the next output takes its place."""
        if self._is_shown:
            self._out.write("\r\x1b[K")


def _print_invalid_messages(connected: Operator) -> None:
    for line in output.invalid_messages(connected.invalid, connected.newest_invalid):
        print(line, file=sys.stderr)


# -- from options to a command -----------------------------------------------------------------------------------------


def command_from(options: argparse.Namespace) -> Command:
    """The command for each camera, without id and time. Raises ConfigError naming the flag."""
    given = {key: getattr(options, key) for key in _PARAMETERS if key != "configuration"}
    given["configuration"] = setting_changes(options.set) if options.set else None
    given = {key: value for key, value in given.items() if value is not None}
    for key in given:
        flag, commands = _PARAMETERS[key]
        if options.name not in commands:
            raise ConfigError(f"{flag} is for {' and '.join(commands)}, not for {options.name}")
    required, hint = _REQUIRED.get(options.name, ("", ""))
    if required and required not in given:
        raise ConfigError(f"{options.name}: give {hint}")
    sender = options.sender or options.operator or getpass.getuser()
    fields = {"reason": options.reason, "sender": sender, "ttl_s": options.ttl, **given}
    try:
        return msgspec.convert({"id": "-", "command": options.name, **fields}, Command)
    except msgspec.ValidationError as error:
        problem, _, field = str(error).partition(" - at `$.")
        raise ConfigError(f"--{field.rstrip('`').replace('_', '-')}: {problem}") from error


def setting_changes(texts: Sequence[str]) -> dict[str, dict[str, config.Scalar]]:
    """Parse texts such as `link.telemetry_s=5`, with the types of the camera's configuration. Raises ConfigError."""
    found: dict[str, dict[str, config.Scalar]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        section, dot, key = name.partition(".")
        if not equals or not dot:
            raise ConfigError(f"--set {text}: give SECTION.KEY=VALUE, such as link.telemetry_s=5")
        if section not in config.SECTIONS:
            raise ConfigError(
                f"--set {text}: [{section}] is not a section{config.suggestion(section, config.SECTIONS)}"
            )
        try:
            typed = getattr(getattr(config.load(flags={(section, key): value}), section), key)
        except ConfigError as error:
            raise ConfigError(f"--set {text}: {str(error).removeprefix('command line: ')}") from error
        if typed is None:
            raise ConfigError(f"--set {text}: a setting can be changed, not removed")
        found.setdefault(section, {})[key] = typed
    return found

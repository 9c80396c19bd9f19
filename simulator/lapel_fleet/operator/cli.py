"""`lapel-fleet ls`, `send` and `watch`: the operator's commands, on any broker that cameras speak to."""

import argparse
import asyncio
import getpass
import json
import random
import re
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, get_args

import msgspec

from lapel import config
from lapel.clock import SystemClock, iso
from lapel.errors import ConfigError
from lapel.link.broker_address import Broker, brokers_at
from lapel.link.messages import Command, CommandName, StateMessage
from lapel_fleet.operator import output, selector
from lapel_fleet.operator.operator import QUIET_S, RATE_PER_S, TIMEOUT_S, Operator, operator
from lapel_fleet.operator.outcomes import OutcomeTally
from lapel_fleet.operator.watch import DEFAULT_KINDS, Said, Watch, checked_kinds

_RESTARTING = ("set-configuration", "reboot")
_RESTART_TIMEOUT_S = 90.0
"""Such a command is answered after the restart; changed settings have a minute to prove themselves."""
_TTL_S = 10.0
_PLAIN_URL, _TLS_URL = "mqtt://127.0.0.1:1883", "mqtts://127.0.0.1:8883"
_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "lines": ("--lines", "request-log"),
    "seconds": ("--seconds", "identify"),
    "configuration": ("--set", "set-configuration"),
}


# -- what can be typed -------------------------------------------------------------------------------------------------


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ls, send and watch to `lapel-fleet`."""
    _add_ls(_added(commands, "ls", "every camera that the broker knows, and its state"))
    _add_send(_added(commands, "send", "a command to cameras, and an account of each"))
    _add_watch(_added(commands, "watch", "what happens in a fleet, a line each, until Ctrl-C"))


def _added(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str
) -> argparse.ArgumentParser:
    """The explanation of selectors keeps its lines."""
    layout = argparse.RawDescriptionHelpFormatter
    return commands.add_parser(name, help=about, description=about, epilog=selector.HELP, formatter_class=layout)


def _add_broker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--broker", metavar="URL", help=f"mqtt://HOST[:PORT] or mqtts:// (default: {_PLAIN_URL})")
    parser.add_argument("--agency", default="demo", metavar="NAME", help="whose cameras (default: %(default)s)")
    parser.add_argument("--identity", type=Path, metavar="DIR", help="what `lapel-fleet provision` made, for mqtts://")
    parser.add_argument("--operator", metavar="NAME", help="which operator of that folder, where there are several")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="of the authority that signed the broker's certificate")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="the operator's own certificate")
    parser.add_argument("--key", type=Path, metavar="FILE", help="and its private key")
    parser.add_argument("--allow-plain", action="store_true", help="allow mqtt:// to other machines")
    parser.add_argument(
        "--settle", type=_above_zero, default=QUIET_S, metavar="SECONDS",
        help="the picture is whole when no retained state came for so long (default: %(default)s)",
    )  # fmt: skip


def _add_ls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selector", nargs="*", metavar="SELECTOR", help="which cameras; all where none is given")
    parser.add_argument("--json", action="store_true", help="one array")
    _add_broker(parser)
    parser.set_defaults(command=_ls)


def _add_send(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selector", nargs="+", metavar="SELECTOR", help="which cameras: see below")
    parser.add_argument(
        "order", choices=get_args(CommandName), metavar="COMMAND", help=", ".join(get_args(CommandName))
    )
    parser.add_argument("--reason", default="", help="goes on record")
    parser.add_argument("--sender", help="who asks; goes on record (default: the operator's name, or yours here)")
    parser.add_argument("--lines", type=int, metavar="N", help="of request-log: so many of the newest, 1 to 1000")
    parser.add_argument("--seconds", type=float, help="of identify: how long, up to 300")
    parser.add_argument(
        "--set", action="append", metavar="SECTION.KEY=VALUE", help="of set-configuration, as in the file; repeatable"
    )
    parser.add_argument(
        "--ttl", type=_above_zero, default=_TTL_S, metavar="SECONDS",
        help="after which no camera may carry it out any more (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=_above_zero, metavar="SECONDS",
        help=f"to wait for answers (default: {TIMEOUT_S:g}; {_RESTART_TIMEOUT_S:g} where the camera restarts)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=_above_zero, default=RATE_PER_S, help="commands a second at most (default: %(default)g)"
    )
    parser.add_argument("--even-offline", action="store_true", help="send it also to cameras that are offline")
    parser.add_argument("--json", action="store_true", help="one object")
    _add_broker(parser)
    parser.set_defaults(command=_send)


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", action="append", default=[], metavar="SELECTOR", help="these cameras; repeatable")
    parser.add_argument(
        "--kinds", nargs="+", default=list(DEFAULT_KINDS), metavar="KIND",
        help="state, event, reply, telemetry, command, or a kind of event such as marker (default: state event)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="an object a line")
    _add_broker(parser)
    parser.set_defaults(command=_watch)


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: more than 0")
    return value


# -- the commands ------------------------------------------------------------------------------------------------------


def _ls(options: argparse.Namespace) -> int:
    wanted = selector.parse(options.selector)
    return _run(_list(options, wanted, _brokers(options)))


async def _list(options: argparse.Namespace, wanted: selector.Selector, brokers: Sequence[Broker]) -> int:
    async with operator(brokers, options.agency, SystemClock(), kinds=()) as sees:
        await sees.picture(options.settle)
    cameras = wanted.choose(sees.states)
    if options.json:
        print(json.dumps(output.listed(cameras, sees.states), indent=2))
    else:
        lines = output.table(cameras, sees.states) if cameras else []
        print(*lines, output.totals(sees.states[camera] for camera in cameras), sep="\n")
    _tell_misfits(sees)
    return 0


def _send(options: argparse.Namespace) -> int:
    wanted, order = selector.parse(options.selector), order_of(options)
    return _run(_order(options, wanted, order, _brokers(options)))


async def _order(
    options: argparse.Namespace, wanted: selector.Selector, order: Command, brokers: Sequence[Broker]
) -> int:
    progress = _Progress(sys.stderr)
    async with operator(brokers, options.agency, SystemClock(), hears=progress.hear) as sees:
        await sees.picture(options.settle)
        account = sees.account(wanted.choose(sees.states), even_offline=options.even_offline)
        progress.account = account
        usual_s = _RESTART_TIMEOUT_S if order.command in _RESTARTING else TIMEOUT_S
        sending = asyncio.create_task(
            sees.send(order, account, timeout_s=options.timeout or usual_s, rate_per_s=options.rate)
        )
        await _finished(sending)
        account.close("interrupted")
    progress.clear()
    if options.json:
        print(json.dumps(output.accounted(account, order), indent=2))
    else:
        print(*output.summary(account, order.command), sep="\n")
    _tell_misfits(sees)
    return 0 if account.all_done else 1


def _watch(options: argparse.Namespace) -> int:
    only, kinds = selector.parse(options.only), checked_kinds(options.kinds)
    return _run(_look(options, only, kinds, _brokers(options)))


async def _look(
    options: argparse.Namespace, only: selector.Selector, kinds: frozenset[str], brokers: Sequence[Broker]
) -> int:
    clock = SystemClock()

    def tell(said: Said, before: StateMessage | None) -> None:
        line = output.happening(said, before, iso(clock.now().utc))
        print(json.dumps(output.told(said)) if options.json else line, flush=True)

    def note(words: str) -> None:
        now = iso(clock.now().utc)
        print(json.dumps({"kind": "note", "note": words}) if options.json else f"{now[11:19]}  -- {words}", flush=True)

    watch = Watch(only, kinds, tell, note)

    def pictured() -> None:
        shown = [state for camera, state in watch.states.items() if only.fits(camera, state)]
        note(f"watching {output.totals(shown)}")

    watching = asyncio.create_task(watch.run(brokers, options.agency, clock, random.Random(), pictured))
    await _finished(watching)
    return 0


def _run(command: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(command)
    except KeyboardInterrupt:
        print("lapel-fleet: interrupted before anything was sent", file=sys.stderr)
        return 130


async def _finished(task: "asyncio.Task[None]") -> None:
    """Wait for it; Ctrl-C and SIGTERM end it early, and that is well."""
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
    """How many have answered, on a terminal; elsewhere nothing."""

    def __init__(self, out: TextIO) -> None:
        self.account: OutcomeTally | None = None
        self._out, self._is_shown = out, out.isatty()

    def hear(self, _: Said, __: StateMessage | None) -> None:
        """Something was said: perhaps an answer."""
        if self._is_shown and self.account is not None:
            count = len(self.account.outcomes)
            self._out.write(f"\r{count - len(self.account.open())} of {count}")
            self._out.flush()

    def clear(self) -> None:
        """What follows stands where the progress stood."""
        if self._is_shown:
            self._out.write("\r\x1b[K")


def _tell_misfits(sees: Operator) -> None:
    for line in output.misfits(sees.misfits, sees.newest_misfits):
        print(line, file=sys.stderr)


# -- what was typed, understood ----------------------------------------------------------------------------------------


def order_of(options: argparse.Namespace) -> Command:
    """What each camera is sent, but for its id and the time. Raises ConfigError naming the flag."""
    given = {"lines": options.lines, "seconds": options.seconds}
    if options.set:
        given["configuration"] = changes(options.set)
    given = {key: value for key, value in given.items() if value is not None}
    for key in given:
        flag, command = _PARAMETERS[key]
        if options.order != command:
            raise ConfigError(f"{flag} is of {command}, not of {options.order}")
    if options.order == "set-configuration" and not options.set:
        raise ConfigError("set-configuration: give --set SECTION.KEY=VALUE, such as --set link.telemetry_s=5")
    sender = options.sender or options.operator or getpass.getuser()
    told = {"reason": options.reason, "sender": sender, "ttl_s": options.ttl, **given}
    try:
        return msgspec.convert({"id": "-", "command": options.order, **told}, Command)
    except msgspec.ValidationError as error:
        fault, _, place = str(error).partition(" - at `$.")
        raise ConfigError(f"--{place.rstrip('`')}: {fault}") from error


def changes(texts: Sequence[str]) -> dict[str, dict[str, config.Scalar]]:
    """`link.telemetry_s=5`, with values of the kinds that the firmware's configuration has. Raises ConfigError."""
    found: dict[str, dict[str, config.Scalar]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        section, dot, key = name.partition(".")
        if not equals or not dot:
            raise ConfigError(f"--set {text}: give SECTION.KEY=VALUE, such as link.telemetry_s=5")
        if section not in config.SECTIONS:
            raise ConfigError(f"--set {text}: [{section}] is no section{config.suggestion(section, config.SECTIONS)}")
        try:
            typed = getattr(getattr(config.load(flags={(section, key): value}), section), key)
        except ConfigError as error:
            raise ConfigError(f"--set {text}: {str(error).removeprefix('command line: ')}") from error
        if typed is None:
            raise ConfigError(f"--set {text}: a setting can be changed, not taken away")
        found.setdefault(section, {})[key] = typed
    return found


def _brokers(options: argparse.Namespace) -> list[Broker]:
    ca, cert, key = options.ca, options.cert, options.key
    if options.identity is not None:
        ca, cert, key = _identity(options.identity, options.operator)
    elif options.operator is not None:
        raise ConfigError("--operator names one of the folder that --identity gives; for the record use --sender")
    usual = _PLAIN_URL if options.identity is None else _TLS_URL
    url = usual if options.broker is None else options.broker
    try:
        found = brokers_at(url, ca=ca, cert=cert, key=key, allow_plain=options.allow_plain)
    except ConfigError as error:
        raise ConfigError(_in_our_flags(str(error))) from error
    if not found:
        raise ConfigError("--broker: give mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    return found


def _in_our_flags(words: str) -> str:
    """The same error speaks of a camera's configuration; here these are flags."""
    return re.sub(r"\blink\.(broker|ca|cert|key|allow_plain)\b", lambda key: f"--{key[1].replace('_', '-')}", words)


def _identity(folder: Path, name: str | None) -> tuple[Path, Path, Path]:
    """An operator's, as `lapel-fleet provision` lays them out. Raises ConfigError."""
    known = sorted(path.stem for path in (folder / "operators").glob("*.crt"))
    if not known:
        raise ConfigError(f"--identity {folder}: no operator has an identity there; make one: lapel-fleet provision")
    if name is None and len(known) > 1:
        raise ConfigError(f"--identity {folder}: there are {', '.join(known)}; say which with --operator")
    one = name or known[0]
    if one not in known:
        raise ConfigError(f"--operator {one}: has no identity in {folder}{config.suggestion(one, known)}")
    return folder / "ca.crt", folder / "operators" / f"{one}.crt", folder / "operators" / f"{one}.key"

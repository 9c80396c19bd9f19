"""`lapel-fleet conformance`: examines a back end in named situations.

Exit codes: 0 passed, 1 a situation failed, 2 an option cannot be used, or the back end shows nothing, 3 no situation
was applicable, or a file cannot be written, 4 no broker.
"""

import argparse
import contextlib
import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lapel.clock import SystemClock
from lapel.errors import ConfigError
from lapel.sanitize import plain
from lapel_fleet.broker.address import Address
from lapel_fleet.checkers.user_code import load_object
from lapel_fleet.control.conformance.evidence.cli import add_evidence_options, evidence_subject, suffix_of
from lapel_fleet.time.loop_thread import LoopThread

_EXIT = {"passed": 0, "failed": 1, "inconclusive": 3}


def add_conformance(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lapel-fleet conformance`."""
    parser.description = (
        "Delivers named situations of the field to your back end, asks it what it believes, and compares that with "
        "the truth. docs/conformance.md shows a probe in ten lines."
    )
    parser.add_argument("situations", nargs="*", metavar="SITUATION", help="only these (default: all; see --list)")
    parser.add_argument("--list", action="store_true", help="print the situations, and what happens in each")
    parser.add_argument("--seed", type=int, help="replays the situations (default: random, and printed)")
    probe = parser.add_argument_group("the back end").add_mutually_exclusive_group()
    probe.add_argument(
        "--probe", metavar="PROBE",
        help="http://HOST/PATH/{site}/{camera}, which returns a JSON object; or a Python object, FILE.py:NAME or "
        "MODULE:NAME, which is called for a probe if it is a class or a function",
    )  # fmt: skip
    probe.add_argument(
        "--probe-command", metavar="CMD",
        help='reads {"camera": "site/camera"} and writes a JSON object, a line each; {broker} and {agency} in it are '
        "replaced",
    )  # fmt: skip
    more = parser.add_argument_group("its broker and its process")
    more.add_argument("--broker", metavar="URL", help="the broker that it is connected to (default: an embedded one)")
    more.add_argument("--ca", default="", metavar="FILE", help="authority that signed the broker's certificate")
    more.add_argument("--identities", default="", metavar="DIR", help="certificates, made by `lapel-fleet provision`")
    more.add_argument("--allow-plain", action="store_true", help="allow mqtt:// to other machines")
    more.add_argument("--agency", default="conformance", help="first level of the topics after lapel/v1")
    more.add_argument(
        "--contract", metavar="FILE.py:NAME", help="your own topics: a function of agency, site and camera"
    )
    more.add_argument(
        "--back-end", metavar="CMD",
        help="runs the back end, so that it can be ended (SIGTERM) and started; with LAPEL_EMPTY=1 it starts without "
        "its database; {broker} and {agency} are replaced",
    )  # fmt: skip
    more.add_argument(
        "--restarts", action="store_true", help="the probe command is the back end itself: end and start it as well"
    )
    add_evidence_options(parser)
    results = parser.add_argument_group("results")
    results.add_argument("--json", action="store_true", help="print the result as JSON, and nothing else")
    results.add_argument("--junit", type=Path, metavar="FILE", help="write a test case for each situation")
    results.add_argument("--html", type=Path, metavar="FILE", help="write a page with every failure and its messages")
    parser.set_defaults(command=_conformance)


def _conformance(options: argparse.Namespace) -> int:
    from lapel_fleet.control.conformance.catalogue import chosen, chosen_evidence

    situations: list[Any]
    situations = chosen_evidence(options.situations) if options.evidence else chosen(options.situations)
    if options.list:
        width = max(len(one.id) for one in situations)
        print("\n".join(f"{one.id:<{width}}  {one.happens}" for one in situations))
        return 0
    return _examine_evidence(options, situations) if options.evidence else _examine(options, situations)


def _examine_evidence(options: argparse.Namespace, situations: list[Any]) -> int:
    from lapel_fleet.control.conformance.evidence.examination import Recordings, examine

    seed = secrets.randbits(31) if options.seed is None else options.seed
    with evidence_subject(options) as subject:
        outcomes = examine(subject, situations, Recordings(seed, suffix_of(options)))
        return _report(options, outcomes, len(situations), seed, options.evidence)


def _examine(options: argparse.Namespace, situations: list[Any]) -> int:
    from lapel.link.contract import LapelV1
    from lapel_fleet.control.conformance.examination import Examiner

    if not options.probe and not options.probe_command:
        raise ConfigError("no back end: give --probe or --probe-command; docs/conformance.md shows both in ten lines")
    seed = secrets.randbits(31) if options.seed is None else options.seed
    contract = load_object("--contract", options.contract) if options.contract else LapelV1
    with _subject(options) as (subject, broker):
        examiner = Examiner(subject, seed, agency=options.agency, contract=contract)
        try:
            return _report(options, examiner.examine(situations), len(situations), seed, broker)
        finally:
            examiner.clean_up()


def _report(options: argparse.Namespace, examined: Iterator[Any], count: int, seed: int, where: str) -> int:
    """Print each outcome as soon as it is there, and write the results. Returns the exit code."""
    from lapel_fleet.control.conformance import output, page

    clock = SystemClock()
    began_s = clock.mono_s()
    if not options.json:
        print(f"{count} situations, seed {seed}, {where}", flush=True)
    outcomes = []
    for number, outcome in enumerate(examined, 1):
        outcomes.append(outcome)
        if not options.json:
            first, *rest = output.outcome_lines(outcome)
            lines = [f"{number:>3}/{count}  {first}", *rest]
            print("\n".join(plain(line) for line in lines), flush=True)
    result = output.Result(seed=seed, broker=where, took_s=clock.mono_s() - began_s, outcomes=outcomes)
    if options.junit:
        output.write_junit(options.junit, result)
    if options.html:
        page.write_page(options.html, result)
    if options.json:
        print(output.as_json(result))
    else:
        failed = [one for one in outcomes if one.verdict == "failed"]
        print("\n".join([output.summary_line(result), *(f"replay: {output.replay(one, seed)}" for one in failed)]))
    return _EXIT[result.verdict]


@contextlib.contextmanager
def _subject(options: argparse.Namespace) -> Iterator[tuple[Any, str]]:
    """The back end, and the broker through which it is examined."""
    from lapel_fleet.control.conformance.probes import CommandProbe, HttpProbe, ObjectProbe
    from lapel_fleet.control.conformance.subject import BrokerSubject, MemorySubject, can_restart

    with contextlib.ExitStack() as stack:
        back_end = None if (options.probe or "http://").startswith(("http://", "https://")) else _python(options.probe)
        if callable(getattr(back_end, "receive", None)):
            yield MemorySubject(back_end), "in memory"
            return
        address = _address(options, stack)
        names = {"{broker}": address.url, "{agency}": options.agency}
        process = _Process(_filled(options.back_end, names)) if options.back_end else None
        if process is not None:
            stack.callback(process.stop)
        restarter: Any = process or (back_end if can_restart(back_end) else None)
        probe: Any
        if options.probe_command:
            probe = CommandProbe(_filled(options.probe_command, names))
            restarter = restarter or (_RestartedProbe(probe) if options.restarts else None)
        else:
            probe = HttpProbe(options.probe) if back_end is None else ObjectProbe(back_end)
        stack.callback(probe.close)
        subject = BrokerSubject(address, probe, restarter, f"lapel-conformance-{secrets.token_hex(4)}")
        stack.callback(subject.close)
        yield subject, address.without_secret


def _address(options: argparse.Namespace, stack: contextlib.ExitStack) -> Address:
    if options.broker:
        return Address(
            url=options.broker, ca=options.ca, identities=options.identities, allow_plain=options.allow_plain
        )
    from lapel_fleet.broker.embedded import embedded_broker

    thread = LoopThread(embedded_broker(nodelay=True), "lapel-broker")
    stack.callback(thread.close)
    return Address(url=thread.inside.url, software=f"{thread.inside.name} {thread.inside.version}")


def _python(name: str) -> Any:
    found = load_object("--probe", name)
    return found() if callable(found) else found


def _filled(command: str, names: dict[str, str]) -> str:
    for word, value in names.items():
        command = command.replace(word, shlex.quote(value))
    return command


class _Process:
    """The back end as a process that is ended and started."""

    def __init__(self, command: str) -> None:
        self._command = shlex.split(command)
        self._process: subprocess.Popen[bytes] | None = None
        self.start(empty=False)

    def start(self, empty: bool) -> None:
        """Start it."""
        try:
            self._process = subprocess.Popen(self._command, env=_environment(empty=empty), stdout=sys.stderr)
        except OSError as error:
            raise ConfigError(f"--back-end {self._command[0]}: cannot be started: {error.strerror}") from error

    def stop(self) -> None:
        """End it with SIGTERM, and with SIGKILL if that does not."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _RestartedProbe:
    """A probe command that is the back end itself."""

    def __init__(self, probe: Any) -> None:
        self._probe = probe

    def stop(self) -> None:
        """End it."""
        self._probe.close()

    def start(self, empty: bool) -> None:
        """Start it."""
        self._probe.start(_environment(empty=empty))


def _environment(*, empty: bool) -> dict[str, str]:
    return {**os.environ, "LAPEL_EMPTY": "1"} if empty else dict(os.environ)

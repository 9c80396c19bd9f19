"""Practice on a field problem: the camera's console is on a pseudo terminal, in real time; actions are typed here."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

from lapel.clock import Clock, SystemClock
from lapel.console.layout import length
from lapel.errors import LapelError
from lapel.hardware.desktop.pty import PtyLine
from lapel_fleet.time.timelines import SteppedTimeline, let_run
from lapel_fleet.time.waiting import wait_for_event
from lapel_fleet.training import technician_actions
from lapel_fleet.training.bench import TrainingBench
from lapel_fleet.training.problem import Problem

_TICK_S = 0.05
"""Steps of the camera's time, too short to be noticed at a terminal."""
_CHECK_EVERY_S = 0.5
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def practise(name: str, problem: Problem, link: Path | None) -> int:
    """Run the exercise. Returns the exit code: 0 repaired, 1 given up. Makes `link` a link to the serial line. Raises
    ConfigError when it cannot.
    """
    clock, given_up = SystemClock(), asyncio.Event()
    for number in _END_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, given_up.set)
    with contextlib.closing(PtyLine(clock, link)) as line, _folder():
        async with _bench(problem, line, clock) as bench:
            _print_task(problem, str(link or line.path), bench.console.allow_login_once())
            async with _input(bench, given_up):
                return await _until_repaired(name, bench, clock, given_up)


async def _until_repaired(name: str, bench: TrainingBench, clock: Clock, given_up: asyncio.Event) -> int:
    began_s = clock.mono_s()
    while not await bench.is_repaired():
        if await wait_for_event(given_up, _CHECK_EVERY_S):
            _print(
                f"given up after {length(clock.mono_s() - began_s)}; `lapel-fleet practice {name} --solve` shows how"
            )
            return 1
    _print(f"repaired after {length(clock.mono_s() - began_s)}")
    if sys.stdin is not None and sys.stdin.isatty():  # so that the trainee can look at the console again
        _print("`quit` or Ctrl-C ends the exercise")
        await given_up.wait()
    return 0


@contextlib.contextmanager
def _folder() -> Iterator[None]:
    """A temporary current folder for the camera's files, whose names are the same in every exercise."""
    with tempfile.TemporaryDirectory(prefix="lapel-practice-") as folder, contextlib.chdir(folder):
        yield


@contextlib.asynccontextmanager
async def _bench(problem: Problem, line: PtyLine, clock: Clock) -> AsyncIterator[TrainingBench]:
    """The camera with its problem. The minutes of its preparation pass at once; from then on time is real."""
    time = SteppedTimeline()
    start = clock.now().utc - timedelta(seconds=technician_actions.PREPARATION_S)
    async with TrainingBench(problem, time, start, line) as bench:
        preparing = asyncio.create_task(technician_actions.prepare(bench))
        await let_run()
        await time.advance(technician_actions.PREPARATION_S, let_run)
        await preparing
        ticking = asyncio.create_task(_tick(time, clock), name="time")
        try:
            yield bench
        finally:
            ticking.cancel()
            await asyncio.wait([ticking])


async def _tick(time: SteppedTimeline, clock: Clock) -> None:
    from_s = clock.mono_s() - time.mono_s()
    while True:
        await asyncio.sleep(_TICK_S)
        await time.advance(clock.mono_s() - from_s - time.mono_s(), let_run)


# -- input -------------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _input(bench: TrainingBench, given_up: asyncio.Event) -> AsyncIterator[None]:
    """Carries out the lines that the trainee types, while the block runs."""
    reading = asyncio.create_task(_carry_out_lines(bench, given_up), name="input")
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def _carry_out_lines(bench: TrainingBench, given_up: asyncio.Event) -> None:
    async for line in _lines():
        match " ".join(line.split()):
            case "":
                pass
            case "help" | "?":
                _print_actions()
            case "secret":
                _print(f"secret     {bench.console.allow_login_once()}")
            case "quit" | "exit":
                given_up.set()
            case action:
                await _do(action, bench)


async def _do(action: str, bench: TrainingBench) -> None:
    try:
        await technician_actions.do(action, bench)
        _print(f"done: {technician_actions.ACTIONS[action].meaning}")
    except LapelError as error:
        _print(str(error))


async def _lines() -> AsyncIterator[str]:
    """The lines of standard input; none if it is closed."""
    if sys.stdin is None:  # closed by the parent process
        return
    descriptor, loop, chunks = sys.stdin.fileno(), asyncio.get_running_loop(), asyncio.Queue[bytes]()

    def readable() -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = os.read(descriptor, 4096)
        if not data:
            loop.remove_reader(descriptor)
        chunks.put_nowait(data)

    try:
        loop.add_reader(descriptor, readable)
    except OSError:  # a plain file, which never blocks
        for line in sys.stdin:
            yield line
        return
    try:
        rest = b""
        while chunk := await chunks.get():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace")
    finally:
        loop.remove_reader(descriptor)


# -- output ------------------------------------------------------------------------------------------------------------


def _print(line: str) -> None:
    print(line, flush=True)


def _print_task(problem: Problem, line: str, secret: str) -> None:
    _print(f"{problem.title}: “{problem.symptom}”")
    _print("")
    _print(f"console    picocom -b 115200 {line}")
    _print("log in as  service")
    _print(f"secret     {secret}   (once; `secret` prints another)")
    _print("")
    _print("Repair the camera at its console. Actions at the camera itself are typed here:")
    _print_actions()


def _print_actions() -> None:
    for name, action in technician_actions.ACTIONS.items():
        _print(f"  {name:<22}{action.meaning}")
    _print("  help, secret, quit")

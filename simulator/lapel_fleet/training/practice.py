"""Practice on a field problem: the camera is on a pseudo terminal, time is real, and whoever practises types here what
he does with his hands.
"""

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
from lapel_fleet.training import actions
from lapel_fleet.training.bench import TrainingBench
from lapel_fleet.training.problem import Problem

_TICK_S = 0.05
"""How finely the camera's time goes: nobody at a terminal notices."""
_LOOK_S = 0.5
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def practise(name: str, problem: Problem, link: Path | None) -> int:
    """Until it is mended, 0, or given up, 1. `link` is made a link to the line. Raises ConfigError when it cannot."""
    clock, given_up = SystemClock(), asyncio.Event()
    for number in _ENDS:
        asyncio.get_running_loop().add_signal_handler(number, given_up.set)
    with contextlib.closing(PtyLine(clock, link)) as line, _folder():
        async with _bench(problem, line, clock) as bench:
            _print_task(problem, str(link or line.path), bench.console.allow_login_once())
            async with _hands(bench, given_up):
                return await _until_mended(name, bench, clock, given_up)


async def _until_mended(name: str, bench: TrainingBench, clock: Clock, given_up: asyncio.Event) -> int:
    began_s = clock.mono_s()
    while not await bench.is_mended():
        if await wait_for_event(given_up, _LOOK_S):
            _say(f"given up after {length(clock.mono_s() - began_s)}; `lapel-fleet practice {name} --solve` shows how")
            return 1
    _say(f"mended after {length(clock.mono_s() - began_s)}")
    if sys.stdin is not None and sys.stdin.isatty():  # whoever sits at the console wants to see that it is ready
        _say("`quit`, or Ctrl-C, ends it")
        await given_up.wait()
    return 0


@contextlib.contextmanager
def _folder() -> Iterator[None]:
    """For the camera's files, by names that are the same in every practice."""
    with tempfile.TemporaryDirectory(prefix="lapel-practice-") as folder, contextlib.chdir(folder):
        yield


@contextlib.asynccontextmanager
async def _bench(problem: Problem, line: PtyLine, clock: Clock) -> AsyncIterator[TrainingBench]:
    """What befell the camera took minutes, and is over at once; from here on its time is real."""
    time = SteppedTimeline()
    start = clock.now().utc - timedelta(seconds=actions.SET_UP_S)
    async with TrainingBench(problem, time, start, line) as bench:
        coming_about = asyncio.create_task(actions.come_about(bench))
        await let_run()
        await time.advance(actions.SET_UP_S, let_run)
        await coming_about
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


# -- what is typed here ------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _hands(bench: TrainingBench, given_up: asyncio.Event) -> AsyncIterator[None]:
    """Whoever practises may use them while the block runs."""
    typing = asyncio.create_task(_obey(bench, given_up), name="hands")
    try:
        yield
    finally:
        typing.cancel()
        await asyncio.wait([typing])


async def _obey(bench: TrainingBench, given_up: asyncio.Event) -> None:
    async for line in _typed():
        match " ".join(line.split()):
            case "":
                pass
            case "help" | "?":
                _print_deeds()
            case "secret":
                _say(f"secret     {bench.console.allow_login_once()}")
            case "quit" | "exit":
                given_up.set()
            case words:
                await _do(words, bench)


async def _do(words: str, bench: TrainingBench) -> None:
    try:
        await actions.do(words, bench)
        _say(f"done: {actions.ACTIONS[words].meaning}")
    except LapelError as error:
        _say(str(error))


async def _typed() -> AsyncIterator[str]:
    """Each line on standard input, until there are no more; none where nobody can type."""
    if sys.stdin is None:  # closed by whoever started this
        return
    descriptor, loop, pieces = sys.stdin.fileno(), asyncio.get_running_loop(), asyncio.Queue[bytes]()

    def readable() -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = os.read(descriptor, 4096)
        if not data:
            loop.remove_reader(descriptor)
        pieces.put_nowait(data)

    try:
        loop.add_reader(descriptor, readable)
    except OSError:  # a plain file, for which nobody need wait
        for line in sys.stdin:
            yield line
        return
    try:
        rest = b""
        while piece := await pieces.get():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace")
    finally:
        loop.remove_reader(descriptor)


# -- what is said here -------------------------------------------------------------------------------------------------


def _say(line: str) -> None:
    print(line, flush=True)


def _print_task(problem: Problem, line: str, secret: str) -> None:
    _say(f"{problem.title}: “{problem.says}”")
    _say("")
    _say(f"console    picocom -b 115200 {line}")
    _say("log in as  service")
    _say(f"secret     {secret}   (once; `secret` gives another)")
    _say("")
    _say("Mend it there, and type here what you do at the camera:")
    _print_deeds()


def _print_deeds() -> None:
    for words, deed in actions.ACTIONS.items():
        _say(f"  {words:<19}{deed.meaning}")
    _say("  help, secret, quit")

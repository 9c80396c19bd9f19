"""The visits in the files of field problems, played in virtual time. This writes them anew, from their `@` lines:

PYTHONPATH=tests .venv/bin/python -m fleet.training.visits
"""

import contextlib
import tempfile
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec

from console.terminals import Emulator
from lapel_fleet.hardware.serial_line import SimulatedSerialLine
from lapel_fleet.time.simulated_clock import START
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from lapel_fleet.training import actions
from lapel_fleet.training.bench import TrainingBench
from lapel_fleet.training.problem import Problem, Step, load, names, seconds_of

T = TypeVar("T")

ANSWERED_S = 0.2
"""So long after a key everything that it brings about has happened, unless it takes time by design."""


class Visit:
    """A technician at the bench."""

    def __init__(self, bench: TrainingBench, clock: VirtualClock, line: SimulatedSerialLine) -> None:
        self.bench, self._clock, self._line = bench, clock, line
        self._terminal = Emulator(80)
        line.on_read = self._terminal.feed
        line.attach()

    async def log_in(self) -> None:
        secret = self.bench.console.allow_login_once()
        await self.type("service")
        await self.type(secret)

    async def type(self, words: str) -> None:
        self._line.type(f"{words}\r".encode())
        await self.wait(ANSWERED_S)

    async def wait(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        answer, self._terminal.answers = self._terminal.answers, b""
        if answer:
            self._line.type(answer)
            await self._clock.sleep(ANSWERED_S)

    async def take(self, step: Step) -> Step:
        """With what it now shows."""
        begin = self._terminal.row
        match step.what:
            case "type":
                await self.type(step.rest)
            case "hand":
                await actions.do(step.rest, self.bench)
            case "wait":
                await self.wait(seconds_of(step.rest))
            case "log in":
                await self.log_in()
        await self.wait(ANSWERED_S)
        shown = [self._terminal.text(row) for row in range(begin, self._terminal.row + 1)]
        return msgspec.structs.replace(step, shown=shown)


def visited(problem: Problem, story: Callable[[Visit], Awaitable[T]]) -> T:
    """A story at that camera, after its problem came about. Files that it needs are made in a folder of their own."""

    async def program(clock: VirtualClock) -> T:
        line = SimulatedSerialLine()
        async with TrainingBench(problem, clock, START, line) as bench:
            await actions.come_about(bench)
            visit = Visit(bench, clock, line)
            await visit.wait(ANSWERED_S)
            return await story(visit)

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return run_virtual(program)


def session_of(steps: list[Step]) -> str:
    """As it stands in a file."""
    return "".join(f"{line}\n" for step in steps for line in (step.order, *step.shown))


def played(problem: Problem) -> str:
    """Its session, as it goes today."""

    async def story(visit: Visit) -> list[Step]:
        await visit.log_in()
        return [await visit.take(step) for step in problem.steps]

    return session_of(visited(problem, story))


if __name__ == "__main__":
    for name in names():
        path = Path(str(files("lapel_fleet.training").joinpath("problems", f"{name}.toml")))
        before, _, rest = path.read_text().partition("session = '''\n")
        _, _, after = rest.partition("'''\n")
        path.write_text(f"{before}session = '''\n{played(load(name))}'''\n{after}")
        print(f"wrote {path.name}")

"""Plays the sessions of field problems in virtual time. As a program it writes them again, from their `@` lines:

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
from lapel_fleet.training import technician_actions
from lapel_fleet.training.bench import TrainingBench
from lapel_fleet.training.problem import Problem, Step, load, names, seconds_of

T = TypeVar("T")

ANSWERED_S = 0.2
"""Seconds after a key in which its effects are complete, except those that take longer by design."""


class Visit:
    """A technician at the console of the bench's camera."""

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
        """Carry out a step. Returns it with what the terminal shows now."""
        begin = self._terminal.row
        match step.kind:
            case "type":
                await self.type(step.rest)
            case "do":
                await technician_actions.do(step.rest, self.bench)
            case "wait":
                await self.wait(seconds_of(step.rest))
            case "log in":
                await self.log_in()
        await self.wait(ANSWERED_S)
        shown = [self._terminal.text(row) for row in range(begin, self._terminal.row + 1)]
        return msgspec.structs.replace(step, shown=shown)


def visited(problem: Problem, story: Callable[[Visit], Awaitable[T]]) -> T:
    """The result of `story`, run with the camera after the preparation of its problem, in a temporary folder."""

    async def program(clock: VirtualClock) -> T:
        line = SimulatedSerialLine()
        async with TrainingBench(problem, clock, START, line) as bench:
            await technician_actions.prepare(bench)
            visit = Visit(bench, clock, line)
            await visit.wait(ANSWERED_S)
            return await story(visit)

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return run_virtual(program)


def session_of(steps: list[Step]) -> str:
    """The steps as a session in a file."""
    return "".join(f"{line}\n" for step in steps for line in (step.line, *step.shown))


def played(problem: Problem) -> tuple[str, str]:
    """Diagnosis and repair, as the firmware answers today."""

    async def story(visit: Visit) -> list[Step]:
        await visit.log_in()
        return [await visit.take(step) for step in problem.steps]

    steps, count = visited(problem, story), len(problem.diagnosis_steps)
    return session_of(steps[:count]), session_of(steps[count:])


def _with_session(text: str, key: str, session: str) -> str:
    before, _, rest = text.partition(f"{key} = '''\n")
    _, _, after = rest.partition("'''\n")
    return f"{before}{key} = '''\n{session}'''\n{after}"


if __name__ == "__main__":
    for name in names():
        path = Path(str(files("lapel_fleet.training").joinpath("problems", f"{name}.toml")))
        diagnosis, repair = played(load(name))
        path.write_text(_with_session(_with_session(path.read_text(), "diagnosis", diagnosis), "repair", repair))
        print(f"wrote {path.name}")

"""Files over the line by ZMODEM, with `sz` from lrzsz: what every terminal program can receive (picocom: C-a C-r)."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from lapel.clock import Clock
from lapel.console.layout import length, size
from lapel.errors import ConsoleError
from lapel.hardware.interfaces import SerialLine
from lapel.worker import Worker

LIMIT_S = 600.0
"""A pull that would take longer needs to be asked for: the console is blocked as long as it lasts."""
_START_S = 60.0
"""How long the technician has to start the receiver."""
_ESCAPED = 1.05  # bytes that ZMODEM adds, roughly
_PIECE_BYTES = 16_384


class Zmodem:
    """One file over one line. A child process sends it, is fed from the line and speaks to it."""

    def __init__(
        self, clock: Clock, worker: Worker, line: SerialLine, path: Path, limit_s: float, program: str = "sz"
    ) -> None:
        self._clock, self._worker, self._line = clock, worker, line
        self._path, self._limit_s, self._program = path, limit_s, program

    @property
    def longest_s(self) -> float:
        """The most that `run` may take: the limit, and what a technician needs to start the receiver."""
        return self._limit_s + _START_S

    async def announcement(self) -> str:
        """What is about to be sent and how long that takes. Raises ConsoleError when it is longer than the limit."""
        count = (await self._worker.run(self._path.stat)).st_size
        takes_s, name = seconds_for(count, self._line.baud), self._path.name
        if takes_s > self._limit_s:
            raise ConsoleError(
                f"{name}: {size(count)} take {length(takes_s)}, more than {length(self._limit_s)};"
                " give --limit SECONDS, or use the dock",
                "refused",
            )
        return f"{name}: {size(count)}, about {length(takes_s)}. Start receiving now (picocom: C-a C-r)."

    async def run(self, incoming: AsyncIterator[bytes]) -> float:
        """Returns the seconds it took. Raises ConsoleError when the file did not arrive."""
        found = shutil.which(self._program)
        if found is None:
            raise ConsoleError(f"{self._program}: is not installed on this camera; install lrzsz")
        begin_s = self._clock.mono_s()
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            found,
            "--zmodem",
            "--binary",
            "--quiet",
            str(self._path),
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
        )
        listening = asyncio.create_task(_to_child(incoming, child))
        sending = asyncio.create_task(_to_line(child, self._line))
        limit = asyncio.create_task(self._clock.sleep(self.longest_s))
        try:
            await asyncio.wait({sending, limit}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (listening, sending, limit):
                task.cancel()
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await asyncio.gather(child.wait(), listening, sending, limit, return_exceptions=True)
            child._transport.close()  # type: ignore[attr-defined]  # else its pipes live until the collector comes by
        if child.returncode != 0:
            raise ConsoleError(f"{self._path.name}: did not arrive; start the receiver at once (picocom: C-a C-r)")
        return self._clock.mono_s() - begin_s


def seconds_for(count: int, baud: int | None) -> float:
    """How long that many bytes take; ten bits to a byte. A line without a speed counts as a fast one."""
    return count * _ESCAPED * 10 / (baud or 10_000_000)


async def _to_child(incoming: AsyncIterator[bytes], child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    with contextlib.suppress(ConnectionError):
        async for data in incoming:
            child.stdin.write(data)
            await child.stdin.drain()


async def _to_line(child: asyncio.subprocess.Process, line: SerialLine) -> None:
    """Until the child has ended and the line has taken all of it."""
    assert child.stdout is not None
    while data := await child.stdout.read(_PIECE_BYTES):
        await line.drained()
        line.write(data)
    await line.drained()
    await child.wait()

"""File transfer over the serial line: ZMODEM, with `sz` from lrzsz. Terminal programs receive it (picocom: C-a C-r)."""

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
"""A longer transfer needs an explicit limit, because it blocks the console."""
_START_S = 60.0
"""The technician's time to start the receiver."""
_ESCAPED = 1.05  # approximate overhead of ZMODEM's escaping
_READ_BYTES = 16_384


class Zmodem:
    """Sends one file over one line. A child process `sz`, connected to the line, speaks the protocol."""

    def __init__(
        self, clock: Clock, worker: Worker, line: SerialLine, path: Path, limit_s: float, program: str = "sz"
    ) -> None:
        self._clock, self._worker, self._line = clock, worker, line
        self._path, self._limit_s, self._program = path, limit_s, program

    @property
    def longest_s(self) -> float:
        """The longest time that `run` may take: the limit plus the time to start the receiver."""
        return self._limit_s + _START_S

    async def announcement(self) -> str:
        """Name, size and expected duration of the transfer. Raises ConsoleError when it exceeds the limit."""
        count = (await self._worker.run(self._path.stat)).st_size
        takes_s, name = seconds_for(count, self._line.baud), self._path.name
        if takes_s > self._limit_s:
            raise ConsoleError(
                f"{name}: {size(count)} take {length(takes_s)}, more than {length(self._limit_s)};"
                " raise it with --limit SECONDS, or offload in the dock",
                "refused",
            )
        return f"{name}: {size(count)}, about {length(takes_s)}. Start receiving now (picocom: C-a C-r)."

    async def run(self, incoming: AsyncIterator[bytes]) -> float:
        """Send the file; returns the seconds it took. Raises ConsoleError when the transfer failed."""
        found = shutil.which(self._program)
        if found is None:
            raise ConsoleError(f"{self._program}: not installed on this camera; install lrzsz")
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
        receiving = asyncio.create_task(_to_child(incoming, child))
        sending = asyncio.create_task(_to_line(child, self._line))
        limit = asyncio.create_task(self._clock.sleep(self.longest_s))
        try:
            await asyncio.wait({sending, limit}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (receiving, sending, limit):
                task.cancel()
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await asyncio.gather(child.wait(), receiving, sending, limit, return_exceptions=True)
            child._transport.close()  # type: ignore[attr-defined]  # else its pipes stay open until garbage collection
        if child.returncode != 0:
            raise ConsoleError(
                f"{self._path.name}: the transfer failed; try again and start the receiver at once (picocom: C-a C-r)"
            )
        return self._clock.mono_s() - begin_s


def seconds_for(count: int, baud: int | None) -> float:
    """Duration of a transfer, at ten bits a byte. A line without a baud rate is taken as 10 Mbaud."""
    return count * _ESCAPED * 10 / (baud or 10_000_000)


async def _to_child(incoming: AsyncIterator[bytes], child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    with contextlib.suppress(ConnectionError):
        async for data in incoming:
            child.stdin.write(data)
            await child.stdin.drain()


async def _to_line(child: asyncio.subprocess.Process, line: SerialLine) -> None:
    """Copy the child's output until it has ended and the line has sent all of it."""
    assert child.stdout is not None
    while data := await child.stdout.read(_READ_BYTES):
        await line.drained()
        line.write(data)
    await line.drained()
    await child.wait()

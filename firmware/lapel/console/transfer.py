"""Files over the line by ZMODEM, with `sz` from lrzsz: what every terminal program can receive (picocom: C-a C-r)."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from lapel.clock import Clock
from lapel.errors import ConsoleError
from lapel.hardware.interfaces import SerialLine

LIMIT_S = 600.0
"""A pull that would take longer needs to be asked for: the console is blocked as long as it lasts."""
_START_S = 60.0
"""How long the technician has to start the receiver."""
_ESCAPED = 1.05  # bytes that ZMODEM adds, roughly
_PIECE_BYTES = 16_384


class Zmodem:
    """Sends with a child process, which is fed from the line and speaks to it."""

    def __init__(self, clock: Clock, program: str = "sz") -> None:
        self._clock, self._program = clock, program

    async def send(self, line: SerialLine, incoming: AsyncIterator[bytes], path: Path, limit_s: float) -> float:
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
            str(path),
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
        )
        talk = [asyncio.create_task(_to_child(incoming, child)), asyncio.create_task(_to_line(child, line))]
        limit = asyncio.create_task(self._clock.sleep(limit_s + _START_S))
        ended = asyncio.create_task(child.wait())
        try:
            await asyncio.wait({ended, limit}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                await talk[1]
        finally:
            for task in (*talk, limit, ended):
                task.cancel()
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
            child._transport.close()  # type: ignore[attr-defined]  # else its pipes live until the collector comes by
        if child.returncode != 0:
            raise ConsoleError(f"{path.name}: did not arrive; start the receiver at once (picocom: C-a C-r)")
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
    assert child.stdout is not None
    while data := await child.stdout.read(_PIECE_BYTES):
        await line.drained()
        line.write(data)
    await line.drained()

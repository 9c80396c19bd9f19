"""A run's end of its socket: takes lines in, one at a time on each connection, and answers them."""

import asyncio
import contextlib
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from lapel_fleet.control.interface import FleetControl, OpenControl
from lapel_fleet.control.socket import run_directory
from lapel_fleet.control.socket.messages import LINE_LIMIT_BYTES, Refused, on_line
from lapel_fleet.control.socket.request_handler import Judge, RequestHandler

_LOOK_S = 0.1
"""How often it is looked whether the one who asked is still there."""


@contextmanager
def steering(run_id: str, scenario: str, seed: int, judge: Judge) -> Iterator[OpenControl]:
    """A place for a run under that name while the block runs; who asks before there is a run waits for it. Raises
    ConfigError when another run has the name, StorageError when there can be no such place.
    """
    with run_directory.taken(run_directory.checked_id(run_id), run_directory.folder()) as listening:

        @asynccontextmanager
        async def steer(run: FleetControl) -> AsyncIterator[asyncio.Event]:
            ended = asyncio.Event()
            async with served(RequestHandler(run, run_id, scenario, seed, judge), listening, ended):
                yield ended

        yield steer


@asynccontextmanager
async def served(orders: RequestHandler, listening: socket.socket, ended: asyncio.Event) -> AsyncIterator[None]:
    """Answers while the block runs, and sets `ended` when somebody wants the end."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            async with AsyncExitStack() as held:
                await _talk(orders, reader, writer, ended, held)
        except asyncio.CancelledError:
            pass  # the run is over; asyncio would tell of a cancelled handler on standard error
        finally:
            talks.discard(task)

    server = await asyncio.start_unix_server(talk, sock=listening, limit=LINE_LIMIT_BYTES)
    try:
        yield
    finally:
        server.close()
        for task in talks:
            task.cancel()
        if talks:
            await asyncio.wait(set(talks))


async def _talk(
    orders: RequestHandler,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    ended: asyncio.Event,
    held: AsyncExitStack,
) -> None:
    try:
        while line := await reader.readline():
            answer = await _answered(orders, line, writer, held)
            writer.write(answer)
            await writer.drain()
            if orders.end_is_wanted:
                ended.set()
    except asyncio.CancelledError:
        writer.write(on_line(Refused(error="the run is over", exit_code=4)))
        if writer.transport.get_write_buffer_size():
            writer.transport.abort()  # nobody reads there: the run does not wait for that
        raise
    except ValueError:  # readline's, of a line that is too long
        writer.write(on_line(Refused(error=f"more than {LINE_LIMIT_BYTES} bytes in a line; goodbye", exit_code=2)))
    except OSError:
        pass  # who asked is gone
    finally:
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


async def _answered(orders: RequestHandler, line: bytes, writer: asyncio.StreamWriter, held: AsyncExitStack) -> bytes:
    """Who goes away before he has his answer wants it no more: time does not go on for nobody. Raises OSError then."""
    work = asyncio.create_task(orders.answer(line, held))
    try:
        while not (await asyncio.wait([work], timeout=_LOOK_S))[0]:
            if _hung_up(writer.get_extra_info("socket")):
                raise ConnectionError("who asked is gone")
        return work.result()
    finally:
        work.cancel()
        await asyncio.wait([work])


def _hung_up(line: socket.socket) -> bool:
    """Whether the other end is closed; one that only says that no more requests come still waits for answers."""
    poll = select.poll()
    poll.register(line.fileno(), 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

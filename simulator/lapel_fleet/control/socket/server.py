"""The run's end of its control socket: reads requests, one at a time on each connection, and answers them."""

import asyncio
import contextlib
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from lapel_fleet.control.socket import run_directory
from lapel_fleet.control.socket.messages import LINE_LIMIT_BYTES, Refused, on_line
from lapel_fleet.control.socket.request_handler import Judge, RequestHandler
from lapel_fleet.runs.control import FleetControl, OpenControl

_POLL_S = 0.1
"""How often it is checked whether a waiting client is still connected."""


@contextmanager
def control_socket(run_id: str, scenario: str, seed: int, judge: Judge) -> Iterator[OpenControl]:
    """Reserve the socket of a run while the block runs; clients that connect before the run exists wait for it. Raises
    ConfigError when another run has the name, StorageError when there can be no socket.
    """
    with run_directory.taken(run_directory.checked_id(run_id), run_directory.folder()) as listening:

        @asynccontextmanager
        async def open_control(run: FleetControl) -> AsyncIterator[asyncio.Event]:
            ended = asyncio.Event()
            async with served(RequestHandler(run, run_id, scenario, seed, judge), listening, ended):
                yield ended

        yield open_control


@asynccontextmanager
async def served(handler: RequestHandler, listening: socket.socket, ended: asyncio.Event) -> AsyncIterator[None]:
    """Answer requests while the block runs; set `ended` when a client requests the end."""
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            async with AsyncExitStack() as opened:
                await _serve_connection(handler, reader, writer, ended, opened)
        except asyncio.CancelledError:
            pass  # the run is over; asyncio would print a cancelled handler to standard error
        finally:
            connections.discard(task)

    server = await asyncio.start_unix_server(connected, sock=listening, limit=LINE_LIMIT_BYTES)
    try:
        yield
    finally:
        server.close()
        for task in connections:
            task.cancel()
        if connections:
            await asyncio.wait(set(connections))


async def _serve_connection(
    handler: RequestHandler,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    ended: asyncio.Event,
    opened: AsyncExitStack,
) -> None:
    try:
        while line := await reader.readline():
            answer = await _answer(handler, line, writer, opened)
            writer.write(answer)
            await writer.drain()
            if handler.end_requested:
                ended.set()
    except asyncio.CancelledError:
        writer.write(on_line(Refused(error="the run is over", exit_code=4)))
        if writer.transport.get_write_buffer_size():
            writer.transport.abort()  # the client does not read: the run does not wait for it
        raise
    except ValueError:  # readline's, of a line that is too long
        error = f"more than {LINE_LIMIT_BYTES} bytes in a line; closing the connection"
        writer.write(on_line(Refused(error=error, exit_code=2)))
    except OSError:
        pass  # the client is gone
    finally:
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


async def _answer(handler: RequestHandler, line: bytes, writer: asyncio.StreamWriter, opened: AsyncExitStack) -> bytes:
    """Cancel the request and raise OSError when its client disconnects: no time may pass for an interrupted test."""
    work = asyncio.create_task(handler.answer(line, opened))
    try:
        while not (await asyncio.wait([work], timeout=_POLL_S))[0]:
            if _is_closed(writer.get_extra_info("socket")):
                raise ConnectionError("the client is gone")
        return work.result()
    finally:
        work.cancel()
        await asyncio.wait([work])


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other end is closed; one that has only shut down its sending half still waits for answers."""
    poll = select.poll()
    poll.register(connection.fileno(), 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

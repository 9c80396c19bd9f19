"""A cable to a broker that can be cut so that neither end notices: nothing is closed, nothing arrives."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Proxy:
    """Forwards TCP on loopback while it `forwards`. New connections are closed while it does not `admit`."""

    def __init__(self, to_port: int, admit: Callable[[], bool]) -> None:
        self.port = 0
        self.forwards = True
        self._admit = admit
        self._to_port = to_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self._admit():
                return
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pump(reader, there_writer))
                    group.create_task(self._pump(there_reader, writer))
            finally:
                there_writer.close()
        except* OSError:
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if self.forwards:
                sink.write(data)
                await sink.drain()
        if not self.forwards:
            await asyncio.Event().wait()  # a half-open connection: the close of one end is not forwarded to the other
        raise ConnectionResetError

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


@asynccontextmanager
async def proxy(to_port: int, admit: Callable[[], bool] = lambda: True) -> AsyncIterator[Proxy]:
    one = Proxy(to_port, admit)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
        await one.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await server.wait_closed()

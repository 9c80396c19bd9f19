"""Records every message that reaches a camera, between its network link and its firmware."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

from lapel.link.transport import Connection, Envelope, Hello, Inbound, Transport


class InboundRecorder:
    """Implements `lapel.link.transport.Transport` by another one."""

    def __init__(self, transport: Transport, record: Callable[[Inbound], None]) -> None:
        """`record` is called with every message, before the firmware receives it."""
        self._transport, self._record = transport, record

    def __str__(self) -> str:
        return str(self._transport)

    @asynccontextmanager
    async def connect(self, hello: Hello) -> AsyncIterator[Connection]:
        """See `Transport.connect`."""
        async with self._transport.connect(hello) as connection:
            yield _RecordedConnection(connection, self._record)


class _RecordedConnection:
    """Implements `lapel.link.transport.Connection`."""

    def __init__(self, connection: Connection, record: Callable[[Inbound], None]) -> None:
        self._connection, self._record = connection, record

    @property
    def resumes(self) -> bool:
        """See `Connection.resumes`."""
        return self._connection.resumes

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        """See `Connection.subscribe`."""
        await self._connection.subscribe(*topics, qos=qos)

    async def publish(self, message: Envelope) -> None:
        """See `Connection.publish`."""
        await self._connection.publish(message)

    def abort(self) -> None:
        """See `Connection.abort`."""
        self._connection.abort()

    async def messages(self) -> AsyncGenerator[Inbound, None]:
        """See `Connection.messages`."""
        async with contextlib.aclosing(self._connection.messages()) as incoming:
            async for message in incoming:
                self._record(message)
                yield message

"""What reaches a camera, noted on its doorstep: between its line and its firmware, which may then do what it likes."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

from lapel.link.transport import Connection, Envelope, Hello, Inbound, Transport


class InboundRecorder:
    """Implements `lapel.link.transport.Transport` by another one."""

    def __init__(self, line: Transport, note: Callable[[Inbound], None]) -> None:
        """`note` is told everything that comes in, before the firmware is."""
        self._line, self._note = line, note

    def __str__(self) -> str:
        return str(self._line)

    @asynccontextmanager
    async def connect(self, hello: Hello) -> AsyncIterator[Connection]:
        """See `Transport.connect`."""
        async with self._line.connect(hello) as connection:
            yield _Noted(connection, self._note)


class _Noted:
    """Implements `lapel.link.transport.Connection`."""

    def __init__(self, connection: Connection, note: Callable[[Inbound], None]) -> None:
        self._connection, self._note = connection, note

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

    async def messages(self) -> AsyncGenerator[Inbound, None]:
        """See `Connection.messages`."""
        async with contextlib.aclosing(self._connection.messages()) as incoming:
            async for message in incoming:
                self._note(message)
                yield message

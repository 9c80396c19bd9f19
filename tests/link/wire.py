"""A transport without a broker: a test injects received messages and reads the published ones."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from lapel.errors import LinkError
from lapel.link.transport import Connection, Envelope, Hello, Inbound


class Wire:
    """Implements `Transport` and, while it is up, `Connection`. Delivers a session's own state back, as brokers do."""

    resumes = True

    def __init__(self) -> None:
        self.published: list[Envelope] = []
        self.hellos: list[Hello] = []
        self.up = True
        self.is_aborted = False
        self.is_slow = False
        """Whether no acknowledgement comes any more."""
        self.refusal: Callable[[Envelope], LinkError | None] = lambda _: None
        """Why a message is refused; a `LinkError` that is no `PublishRefused` also ends the connection."""
        self._in: asyncio.Queue[Inbound | None] = asyncio.Queue()

    def __str__(self) -> str:
        return "wire:1883"

    @asynccontextmanager
    async def connect(self, hello: Hello) -> AsyncIterator[Connection]:
        if not self.up:
            raise LinkError("wire:1883: no broker answers")
        self.hellos.append(hello)
        yield _NoRetainedState() if hello.client_id.endswith("-look") else self

    async def subscribe(self, *topics: str) -> None:
        pass

    async def publish(self, message: Envelope) -> None:
        if not self.up:
            raise LinkError("wire:1883: cut")
        if (error := self.refusal(message)) is not None:
            raise error
        if self.is_slow:
            await asyncio.Event().wait()
        self.published.append(message)
        if message.topic.endswith("/state"):
            self.hand_in(Inbound(message.topic, message.payload))

    async def messages(self) -> AsyncGenerator[Inbound, None]:
        while True:
            message = await self._in.get()
            if message is None:
                raise LinkError("wire:1883: cut")
            yield message

    def abort(self) -> None:
        self.is_aborted = True

    def hand_in(self, message: Inbound) -> None:
        self._in.put_nowait(message)

    def cut(self) -> None:
        """Cut the connection."""
        self.up = False
        self._in.put_nowait(None)

    def received(self, leaf: str) -> list[dict[str, Any]]:
        """All published messages on `reply`, `event`, …"""
        return [msgspec.json.decode(one.payload) for one in self.published if f"/{leaf}" in one.topic]


class _NoRetainedState:
    """The connection that reads the retained state, and finds none."""

    resumes = False

    async def subscribe(self, *topics: str) -> None:
        pass

    async def publish(self, message: Envelope) -> None:
        raise NotImplementedError

    async def messages(self) -> AsyncGenerator[Inbound, None]:
        await asyncio.Event().wait()
        yield Inbound("", b"")

    def abort(self) -> None:
        pass

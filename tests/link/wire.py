"""A transport without a broker: what a test puts in comes in, what the session says can be read."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from lapel.errors import LinkError
from lapel.link.transport import Connection, Envelope, Hello, Inbound


class Wire:
    """Implements `Transport` and, while it is up, `Connection`. Hands a session its own state back, as brokers do."""

    resumes = True

    def __init__(self) -> None:
        self.said: list[Envelope] = []
        self.hellos: list[Hello] = []
        self.up = True
        self.refusal: Callable[[Envelope], LinkError | None] = lambda _: None
        """Why a message is refused; a `LinkError` that is no `PublishRefused` also ends the connection."""
        self._in: asyncio.Queue[Inbound | None] = asyncio.Queue()

    def __str__(self) -> str:
        return "wire:1883"

    @asynccontextmanager
    async def connect(self, hello: Hello) -> AsyncIterator[Connection]:
        if not self.up:
            raise LinkError("wire:1883: nobody is there")
        self.hellos.append(hello)
        yield _NobodyThere() if hello.client_id.endswith("-look") else self

    async def subscribe(self, *topics: str) -> None:
        pass

    async def publish(self, message: Envelope) -> None:
        if not self.up:
            raise LinkError("wire:1883: cut")
        if (error := self.refusal(message)) is not None:
            raise error
        self.said.append(message)
        if message.topic.endswith("/state"):
            self.hand_in(Inbound(message.topic, message.payload))

    async def messages(self) -> AsyncGenerator[Inbound, None]:
        while True:
            message = await self._in.get()
            if message is None:
                raise LinkError("wire:1883: cut")
            yield message

    def hand_in(self, message: Inbound) -> None:
        self._in.put_nowait(message)

    def cut(self) -> None:
        """The cable is pulled."""
        self.up = False
        self._in.put_nowait(None)

    def received(self, leaf: str) -> list[dict[str, Any]]:
        """Everything that was said on `reply`, `event`, …"""
        return [msgspec.json.decode(one.payload) for one in self.said if f"/{leaf}" in one.topic]


class _NobodyThere:
    """What a look finds: no state of anybody."""

    resumes = False

    async def subscribe(self, *topics: str) -> None:
        pass

    async def publish(self, message: Envelope) -> None:
        raise NotImplementedError

    async def messages(self) -> AsyncGenerator[Inbound, None]:
        await asyncio.Event().wait()
        yield Inbound("", b"")

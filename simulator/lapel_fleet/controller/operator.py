"""An operator at the fleet's broker: what the cameras say, and commands with their replies."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

import aiomqtt
import msgspec

from lapel.link.contract import LapelV1
from lapel.link.messages import Command, CommandName, EventMessage, Reply, StateMessage

_REPLY_S = 15.0


class Operator:
    """Watches one agency. `states` holds each camera's newest state by `site/camera`."""

    def __init__(self, client: aiomqtt.Client, agency: str, on_event: Callable[[str, EventMessage], None]) -> None:
        self.states: dict[str, StateMessage] = {}
        self._client, self._agency, self._on_event = client, agency, on_event
        self._run, self._ids = uuid.uuid4().hex[:8], count(1)  # a camera remembers ids longer than we live
        self._replies: dict[str, asyncio.Future[Reply]] = {}

    async def send(self, camera: str, command: CommandName, reason: str) -> Reply:
        """The camera's last reply to a command. Raises TimeoutError when it gives none."""
        id_ = f"operator-{self._run}-{next(self._ids)}"
        self._replies[id_] = asyncio.get_running_loop().create_future()
        contract = LapelV1(self._agency, *camera.split("/"))
        message = contract.encode(Command(id=id_, command=command, reason=reason, sender="operator"))
        await self._client.publish(message.topic, message.payload, message.qos)
        try:
            return await asyncio.wait_for(self._replies[id_], _REPLY_S)
        finally:
            del self._replies[id_]

    async def listen(self) -> None:
        """Take in what the cameras say, until cancelled. What does not fit the contract is passed over."""
        async for message in self._client.messages:
            *_, site, camera, kind = message.topic.value.split("/")
            with contextlib.suppress(msgspec.MsgspecError, TypeError):
                self._take(f"{site}/{camera}", kind, message.payload)

    def _take(self, camera: str, kind: str, payload: object) -> None:
        if not isinstance(payload, bytes):
            return
        match kind:
            case "state":
                self.states[camera] = msgspec.json.decode(payload, type=StateMessage)
            case "event":
                self._on_event(camera, msgspec.json.decode(payload, type=EventMessage))
            case "reply":
                reply = msgspec.json.decode(payload, type=Reply)
                waiting = self._replies.get(reply.id)
                if waiting is not None and not waiting.done() and reply.result not in ("accepted", "progress"):
                    waiting.set_result(reply)


@asynccontextmanager
async def operator(port: int, agency: str, on_event: Callable[[str, EventMessage], None]) -> AsyncIterator[Operator]:
    """An operator at the broker on this machine's `port`."""
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        sees = Operator(client, agency, on_event)
        await client.subscribe(f"lapel/v1/{agency}/+/+/+", qos=1)
        listening = asyncio.create_task(sees.listen(), name="operator")
        try:
            yield sees
        finally:
            listening.cancel()
            await asyncio.wait([listening])

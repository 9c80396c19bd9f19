"""A small fleet back end, written from docs/asyncapi.json alone: it imports nothing of Lapel.

It knows what each camera does, has every event once and in order, and can ask a camera for something:

    python examples/backend.py mqtt://127.0.0.1:1883 demo
"""

import asyncio
import contextlib
import json
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

ENDINGS = {"done", "refused", "failed"}


@dataclass
class Camera:
    """What is known of one camera."""

    state: dict[str, Any] = field(default_factory=dict)
    telemetry: dict[str, Any] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """What it does; `unknown` before it was ever heard of."""
        return str(self.state.get("state", "unknown"))


class BackEnd:
    """Listens to one agency. Cameras are named `site/camera`."""

    def __init__(self, client: aiomqtt.Client, agency: str) -> None:
        self._client, self._agency = client, agency
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.cameras: dict[str, Camera] = {}

    def camera(self, name: str) -> Camera:
        """What is known of it, or what nothing is known of yet."""
        return self.cameras.setdefault(name, Camera())

    async def ask(self, name: str, command: str, timeout_s: float = 15.0, **fields: Any) -> dict[str, Any]:
        """The camera's last reply to a command. Raises TimeoutError when none comes."""
        id_ = uuid.uuid4().hex
        answer = self._asked[id_] = asyncio.get_running_loop().create_future()
        message = {"id": id_, "command": command, "sender": "example back end", **fields}
        await self._client.publish(f"lapel/v1/{self._agency}/{name}/command", json.dumps(message), qos=1)
        try:
            return await asyncio.wait_for(answer, timeout_s)
        finally:
            del self._asked[id_]

    async def listen(self) -> None:
        """Take in what the cameras say, until cancelled."""
        async for message in self._client.messages:
            _, _, _, site, camera, kind = message.topic.value.split("/", 5)
            assert isinstance(message.payload, bytes)
            with contextlib.suppress(json.JSONDecodeError):  # somebody else's, and not our affair
                self._take(self.camera(f"{site}/{camera}"), kind, json.loads(message.payload))

    def _take(self, camera: Camera, kind: str, said: dict[str, Any]) -> None:
        if kind == "state":
            camera.state = said
        elif kind == "telemetry":
            camera.telemetry = said
        elif kind == "event":
            camera.events.setdefault(said["id"], said)  # a repeat carries the same id
        elif kind == "reply" and said["result"] in ENDINGS:
            asked = self._asked.get(said["id"])
            if asked is not None and not asked.done():
                asked.set_result(said)


@asynccontextmanager
async def back_end(url: str, agency: str) -> AsyncIterator[BackEnd]:
    """A back end at the broker `mqtt://HOST[:PORT]`."""
    broker = urlsplit(url)
    async with aiomqtt.Client(broker.hostname or "127.0.0.1", broker.port or 1883) as client:
        one = BackEnd(client, agency)
        await client.subscribe(f"lapel/v1/{agency}/#", qos=1)
        listening = asyncio.create_task(one.listen())
        try:
            yield one
        finally:
            listening.cancel()
            await asyncio.wait([listening])


async def main(url: str, agency: str) -> None:
    """Print a line for each camera every other second."""
    async with back_end(url, agency) as one:
        while True:
            await asyncio.sleep(2)
            for name, camera in sorted(one.cameras.items()):
                print(f"{name:<24}{camera.status:<12}{len(camera.events):>6} events")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:3]))

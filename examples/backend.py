"""A small fleet back end, written from docs/asyncapi.json alone: it imports nothing of Lapel.

It shows what each camera does, keeps every event once and in order, and can send commands:

    python examples/backend.py mqtt://127.0.0.1:1883 demo

With `--ask` it answers queries on standard input, a line each: `state home/cam-0001` gives `"buffering"`.
`BackEnd` holds the data and needs no broker; `ConnectedBackEnd` adds the connection to one.
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
    """What was received about one camera."""

    state: dict[str, Any] = field(default_factory=dict)
    telemetry: dict[str, Any] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    past: set[str] = field(default_factory=set)
    """Sessions that a later one replaced."""

    @property
    def status(self) -> str:
        """The camera's state; `unknown` before its first message."""
        return str(self.state.get("state", "unknown"))

    @property
    def session(self) -> str:
        """The session that is considered live."""
        return str(self.state.get("session", ""))

    @property
    def is_online(self) -> bool:
        """Whether the camera is connected."""
        return self.status not in ("offline", "unknown")

    def take_state(self, message: dict[str, Any]) -> None:
        """Accept a state message, unless it is from a session that is over."""
        if not self._is_over(message):
            if message["session"] != self.session:
                self.past.add(self.session)
            self.state = message

    def _is_over(self, message: dict[str, Any]) -> bool:
        """Whether a state message is late. A will has no time: if it is not from the live session, it is late. So is a
        message of a replaced session, unless the live session is offline: then the replaced one may return.
        """
        if not self.is_online or message["session"] == self.session:
            return False
        return "time" not in message or message["session"] in self.past

    def take_event(self, message: dict[str, Any]) -> None:
        """Keep an event once: a repeat carries the same id."""
        self.events.setdefault(message["id"], message)

    def history(self) -> list[dict[str, Any]]:
        """The camera's events in the order in which they happened: by session, then by its monotonic clock."""
        sessions = list(dict.fromkeys(event["session"] for event in self.events.values()))
        return sorted(self.events.values(), key=lambda event: (sessions.index(event["session"]), event["mono_s"]))


class BackEnd:
    """The cameras of one agency, by `site/camera`."""

    def __init__(self, agency: str) -> None:
        self.agency = agency
        self.cameras: dict[str, Camera] = {}

    def camera(self, name: str) -> Camera:
        """The camera's record; a new one at the first call."""
        return self.cameras.setdefault(name, Camera())

    def take(self, topic: str, payload: bytes) -> None:
        """Process a message from the broker. Payloads that are not JSON are ignored."""
        _, _, _, site, name, kind = topic.split("/", 5)
        with contextlib.suppress(ValueError):
            message = json.loads(payload)
            camera = self.camera(f"{site}/{name}")
            if kind == "state":
                camera.take_state(message)
            elif kind == "telemetry":
                camera.telemetry = message
            elif kind == "event":
                camera.take_event(message)
            elif kind == "reply":
                self.take_reply(message)

    def take_reply(self, message: dict[str, Any]) -> None:
        """Process a reply; this class sends no commands, so it ignores them."""

    # -- queries of a fleet's checkers (`lapel_fleet.checkers.records.BackEndProbe`) -----------------------------------

    def state(self, camera: str) -> str:
        """The camera's state."""
        return self.camera(camera).status

    def session(self, camera: str) -> str:
        """The camera's live session."""
        return self.camera(camera).session

    def events(self, camera: str) -> list[str]:
        """Ids of the camera's events, in order."""
        return [event["id"] for event in self.camera(camera).history()]

    def recordings(self, camera: str) -> list[str]:
        """Ids of the camera's complete recordings."""
        events = self.camera(camera).history()
        return [event["detail"]["recording"] for event in events if event["kind"] == "recording-saved"]


class ConnectedBackEnd(BackEnd):
    """A back end with a connection: receives messages and sends commands."""

    def __init__(self, client: aiomqtt.Client, agency: str) -> None:
        super().__init__(agency)
        self._client = client
        self._pending: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def ask(self, name: str, command: str, timeout_s: float = 15.0, **fields: Any) -> dict[str, Any]:
        """Send a command; return the camera's final reply. Raises TimeoutError when there is none."""
        id_ = uuid.uuid4().hex
        answer = self._pending[id_] = asyncio.get_running_loop().create_future()
        message = {"id": id_, "command": command, "sender": "example back end", **fields}
        await self._client.publish(f"lapel/v1/{self.agency}/{name}/command", json.dumps(message), qos=1)
        try:
            return await asyncio.wait_for(answer, timeout_s)
        finally:
            del self._pending[id_]

    def take_reply(self, message: dict[str, Any]) -> None:
        """Resolve the pending command to which this is the final reply."""
        pending = self._pending.get(message["id"])
        if message["result"] in ENDINGS and pending is not None and not pending.done():
            pending.set_result(message)

    async def listen(self) -> None:
        """Process the cameras' messages until cancelled."""
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes)
            self.take(message.topic.value, message.payload)


@asynccontextmanager
async def back_end(url: str, agency: str) -> AsyncIterator[ConnectedBackEnd]:
    """A back end connected to the broker at `mqtt://HOST[:PORT]`."""
    broker = urlsplit(url)
    async with aiomqtt.Client(broker.hostname or "127.0.0.1", broker.port or 1883) as client:
        one = ConnectedBackEnd(client, agency)
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


async def answer(url: str, agency: str) -> None:
    """Read `state`, `session`, `events` or `recordings` and a camera from standard input; write the answer as JSON."""
    async with back_end(url, agency) as one:
        print(json.dumps("ready"), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            question, name = line.split()
            print(json.dumps(getattr(one, question)(name)), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run((answer if "--ask" in sys.argv else main)(*sys.argv[1:3]))

"""A small fleet back end, written from docs/asyncapi.json alone: it imports nothing of Lapel.

It knows what each camera does, has every event once and in order, and can ask a camera for something:

    python examples/backend.py mqtt://127.0.0.1:1883 demo

With `--ask` it answers questions instead of printing, a line each: `state home/cam-0001` gives `"buffering"`.
`BackEnd` is what it knows, and needs no broker; `ConnectedBackEnd` is the same with a line to one.
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
    past: set[str] = field(default_factory=set)
    """Sessions that another one followed."""

    @property
    def status(self) -> str:
        """What it does; `unknown` before it was ever heard of."""
        return str(self.state.get("state", "unknown"))

    @property
    def session(self) -> str:
        """The run of its firmware that was last believed to be live."""
        return str(self.state.get("session", ""))

    @property
    def is_online(self) -> bool:
        """Whether somebody is there."""
        return self.status not in ("offline", "unknown")

    def take_state(self, said: dict[str, Any]) -> None:
        """Believe it, unless it comes from a session that is over."""
        if not self._is_over(said):
            if said["session"] != self.session:
                self.past.add(self.session)
            self.state = said

    def _is_over(self, said: dict[str, Any]) -> bool:
        """A will has no time of its own: one of another session than the live one is late. So is whatever a session
        says that another one followed; but when that other one has gone, its predecessor may come back.
        """
        if not self.is_online or said["session"] == self.session:
            return False
        return "time" not in said or said["session"] in self.past

    def take_event(self, said: dict[str, Any]) -> None:
        """Keep it once: a repeat carries the same id."""
        self.events.setdefault(said["id"], said)

    def history(self) -> list[dict[str, Any]]:
        """Its events as they happened, however they came: session by session, each by its own monotonic clock."""
        sessions = list(dict.fromkeys(event["session"] for event in self.events.values()))
        return sorted(self.events.values(), key=lambda event: (sessions.index(event["session"]), event["mono_s"]))


class BackEnd:
    """What is known of one agency's cameras. They are named `site/camera`."""

    def __init__(self, agency: str) -> None:
        self.agency = agency
        self.cameras: dict[str, Camera] = {}

    def camera(self, name: str) -> Camera:
        """What is known of it, or what nothing is known of yet."""
        return self.cameras.setdefault(name, Camera())

    def take(self, topic: str, payload: bytes) -> None:
        """Somebody published this. What is no JSON is somebody else's, and not our affair."""
        _, _, _, site, name, kind = topic.split("/", 5)
        with contextlib.suppress(ValueError):
            said = json.loads(payload)
            camera = self.camera(f"{site}/{name}")
            if kind == "state":
                camera.take_state(said)
            elif kind == "telemetry":
                camera.telemetry = said
            elif kind == "event":
                camera.take_event(said)
            elif kind == "reply":
                self.take_reply(said)

    def take_reply(self, said: dict[str, Any]) -> None:
        """Nobody here has asked."""

    # -- what a fleet's checkers ask (`lapel_fleet.checkers.records.BackEndProbe`) -------------------------------------

    def state(self, camera: str) -> str:
        """What it does."""
        return self.camera(camera).status

    def session(self, camera: str) -> str:
        """Which run of its firmware is live."""
        return self.camera(camera).session

    def events(self, camera: str) -> list[str]:
        """Ids of all that happened to it, in order."""
        return [event["id"] for event in self.camera(camera).history()]

    def recordings(self, camera: str) -> list[str]:
        """Ids of its complete recordings."""
        events = self.camera(camera).history()
        return [event["detail"]["recording"] for event in events if event["kind"] == "recording-saved"]


class ConnectedBackEnd(BackEnd):
    """One that listens, and can ask."""

    def __init__(self, client: aiomqtt.Client, agency: str) -> None:
        super().__init__(agency)
        self._client = client
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def ask(self, name: str, command: str, timeout_s: float = 15.0, **fields: Any) -> dict[str, Any]:
        """The camera's last reply to a command. Raises TimeoutError when none comes."""
        id_ = uuid.uuid4().hex
        answer = self._asked[id_] = asyncio.get_running_loop().create_future()
        message = {"id": id_, "command": command, "sender": "example back end", **fields}
        await self._client.publish(f"lapel/v1/{self.agency}/{name}/command", json.dumps(message), qos=1)
        try:
            return await asyncio.wait_for(answer, timeout_s)
        finally:
            del self._asked[id_]

    def take_reply(self, said: dict[str, Any]) -> None:
        """The end of a command, if it is ours."""
        asked = self._asked.get(said["id"])
        if said["result"] in ENDINGS and asked is not None and not asked.done():
            asked.set_result(said)

    async def listen(self) -> None:
        """Take in what the cameras say, until cancelled."""
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes)
            self.take(message.topic.value, message.payload)


@asynccontextmanager
async def back_end(url: str, agency: str) -> AsyncIterator[ConnectedBackEnd]:
    """A back end at the broker `mqtt://HOST[:PORT]`."""
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

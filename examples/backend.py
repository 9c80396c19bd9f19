"""A small fleet back end, written from docs/asyncapi.json alone: it imports nothing of Lapel.

It shows what each camera does, keeps every event once and in order, and can send commands:

    python examples/backend.py mqtt://127.0.0.1:1883 demo

`--journal FILE` keeps what it received over a restart. Two ways to ask it what it believes: `--ask` reads a line
`{"camera": "home/cam-0001"}` from standard input and writes the answer as JSON, `--http PORT` answers on
`/fleet/home/cam-0001`. `BackEnd` holds the data and needs no broker; `ConnectedBackEnd` adds the connection to one.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

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

    def take_state(self, message: dict[str, Any], *, retained: bool) -> None:
        """Accept a state message, unless it is from a session that is over. The broker's retained one is the newest."""
        if retained or not self._is_over(message):
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


class Journal:
    """What was received, in a file of one line per message; in memory without a file."""

    def __init__(self, file: Path | None = None) -> None:
        self._file, self._lines = file, list[str]()
        if file is not None and file.exists():
            self._lines = file.read_text().splitlines()

    def add(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Keep a message. It is on disk when this returns, and may be acknowledged."""
        self._lines.append(json.dumps([topic, payload.decode(), retained]))
        if self._file is not None:
            with self._file.open("a") as file:
                file.write(self._lines[-1] + "\n")

    def clear(self) -> None:
        """Forget everything."""
        self._lines.clear()
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def __iter__(self) -> Iterator[tuple[str, bytes, bool]]:
        for line in self._lines:
            topic, payload, retained = json.loads(line)
            yield topic, payload.encode(), retained


FIELDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "state": {"state": str, "session": str},
    "event": {"id": str, "kind": str, "session": str, "mono_s": (int, float), "detail": dict},
    "telemetry": {},
    "reply": {"id": str, "result": str},
}
"""The fields that are used, by the last level of the topic. Others may be there, and are ignored."""


def parsed(kind: str, payload: bytes) -> dict[str, Any] | None:
    """The message, or None for one that a broken camera sent."""
    try:
        message = json.loads(payload.decode())
    except (ValueError, RecursionError):
        return None
    is_valid = isinstance(message, dict) and all(
        isinstance(message.get(name), type_) for name, type_ in FIELDS[kind].items()
    )
    return message if is_valid else None


class BackEnd:
    """The cameras of one agency, by `site/camera`."""

    camera_type = Camera

    def __init__(self, agency: str = "+", journal: Journal | None = None) -> None:
        self.agency, self._journal = agency, journal or Journal()
        self.cameras: dict[str, Camera] = {}
        self.start(empty=False)

    def camera(self, name: str) -> Camera:
        """The camera's record; a new one at the first call."""
        return self.cameras.setdefault(name, self.camera_type())

    def receive(self, topic: str, payload: bytes, retained: bool = False) -> None:
        """Process a message from the broker, and keep it. Unknown topics and broken messages are ignored."""
        if self.take(topic, payload, retained=retained):
            self._journal.add(topic, payload, retained=retained)

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        """Process a message; whether it was used."""
        _, _, _, site, name, kind = [*topic.split("/", 5), *[""] * 5][:6]
        message = parsed(kind, payload) if kind in FIELDS else None
        if message is None:
            return False
        camera = self.camera(f"{site}/{name}")
        if kind == "state":
            camera.take_state(message, retained=retained)
        elif kind == "telemetry":
            camera.telemetry = message
        elif kind == "event":
            camera.take_event(message)
        else:
            self.take_reply(message)
        return True

    def stop(self) -> None:
        """End: what is only in memory is gone."""
        self.cameras.clear()

    def start(self, empty: bool) -> None:
        """Start with what the journal holds, or with nothing."""
        if empty:
            self._journal.clear()
        for topic, payload, retained in self._journal:
            self.take(topic, payload, retained=retained)

    def take_reply(self, message: dict[str, Any]) -> None:
        """Process a reply; this class sends no commands, so it ignores them."""

    # -- what it believes: the questions of a probe --------------------------------------------------------------------

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

    def answers(self, camera: str) -> dict[str, Any]:
        """All of these, as one JSON object."""
        questions = (self.state, self.session, self.events, self.recordings)
        return {question.__name__: question(camera) for question in questions}


class ConnectedBackEnd(BackEnd):
    """A back end with a connection: receives messages and sends commands."""

    def __init__(self, client: aiomqtt.Client, agency: str, journal: Journal | None = None) -> None:
        super().__init__(agency, journal)
        self._client = client
        self._pending: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def ask(self, name: str, command: str, timeout_s: float = 15.0, **fields: Any) -> dict[str, Any]:
        """Send a command; return the camera's final reply. Raises TimeoutError when there is none."""
        id_ = uuid.uuid4().hex
        answer = self._pending[id_] = asyncio.get_running_loop().create_future()
        message = {"id": id_, "command": command, "sender": "example back end", **fields}
        await self._client.publish(f"lapel/v1/{self.agency}/{name}/command", json.dumps(message), qos=1)
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
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
            self.receive(message.topic.value, message.payload, message.retain)


@asynccontextmanager
async def back_end(url: str, agency: str, journal: Journal | None = None) -> AsyncIterator[ConnectedBackEnd]:
    """A back end connected to the broker at `mqtt://HOST[:PORT]`."""
    broker = urlsplit(url)
    async with aiomqtt.Client(broker.hostname or "127.0.0.1", broker.port or 1883) as client:
        one = ConnectedBackEnd(client, agency, journal)
        await client.subscribe(f"lapel/v1/{agency}/#", qos=1)
        listening = asyncio.create_task(one.listen())
        try:
            yield one
        finally:
            listening.cancel()
            await asyncio.wait([listening])


async def show(one: BackEnd) -> None:
    """Print a line for each camera every other second."""
    while True:
        await asyncio.sleep(2)
        for name, camera in sorted(one.cameras.items()):
            print(f"{name:<24}{camera.status:<12}{len(camera.events):>6} events")


async def answer(one: BackEnd) -> None:
    """Read `{"camera": "site/camera"}` from standard input, write what is believed about it; a line each."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(one.answers(json.loads(line)["camera"])), flush=True)


async def serve(one: BackEnd, port: int) -> None:
    """Answer `GET /fleet/site/camera` over HTTP, on loopback."""
    loop = asyncio.get_running_loop()

    async def answers(camera: str) -> dict[str, Any]:
        return one.answers(camera)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name in http.server
            camera = "/".join(unquote(level) for level in self.path.split("/")[2:])
            body = json.dumps(asyncio.run_coroutine_threadsafe(answers(camera), loop).result(10)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            await asyncio.Event().wait()
        finally:
            server.shutdown()


async def main(options: argparse.Namespace) -> None:
    """Connect, and answer or show."""
    journal = Journal(options.journal)
    if os.environ.get("LAPEL_EMPTY"):
        journal.clear()
    async with back_end(options.url, options.agency, journal) as one:
        if options.http:
            await serve(one, options.http)
        await (answer(one) if options.ask else show(one))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A small fleet back end.")
    parser.add_argument("url", help="mqtt://HOST[:PORT]")
    parser.add_argument("agency", help="whose cameras; + for all")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="keep what is received over a restart")
    parser.add_argument("--ask", action="store_true", help="answer questions on standard input")
    parser.add_argument("--http", type=int, metavar="PORT", help="answer questions over HTTP")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(parser.parse_args()))

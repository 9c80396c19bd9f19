"""The session with a fleet broker: the only user of aiomqtt.

**One name, one camera.** The client id is stable per camera, so a broker lets go of a dead predecessor when its
successor connects. When two *live* cameras have one name they would take the session from each other for ever; this
settles it:

- The first connect of a process takes the name, whatever stands on its state topic: that is a predecessor's.
- Before a *re*connect it looks, under a client id of its own, because connecting as the camera would already throw the
  other one out (and Mosquitto would publish the other one's will). A foreign live state there was published while we
  were away: the newcomer has the name. We stay away, report the duplicate, and look again after `DUPLICATE_BACKOFF_S`.
- While we are connected, a foreign `offline` on our topic is somebody's late will: we put our own state over it. A
  foreign live one is somebody with another client id: a duplicate as well.
"""

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiomqtt

from lapel.clock import Clock, iso
from lapel.errors import ConfigError, MessageError
from lapel.link.backoff import Backoff
from lapel.link.contract import Contract
from lapel.link.interface import LinkHost, LinkStatus
from lapel.link.messages import Outgoing, StateMessage, Telemetry, offline
from lapel.link.outbox import MemoryOutbox
from lapel.link.transport import Envelope

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # what paho logs is raised as well, and we report that in our own words
BACKOFF_S = (0.5, 30.0)
DUPLICATE_BACKOFF_S = 60.0
MAX_WAITING = 10_000
_LOOK_S = 2.0
_FAREWELL_S = 5.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to be known there. `password` and keys never reach a log."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    __repr__ = __str__


def broker_at(url: str, *, ca: Path | None = None, cert: Path | None = None, key: Path | None = None,
              allow_plain: bool = False) -> Broker:  # fmt: skip
    """The broker that `url` names: `mqtt://host[:1883]` or `mqtts://host[:8883]`. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"link.broker: the address cannot be read: {error}") from error
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ConfigError("link.broker: give mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    encrypted = parts.scheme == "mqtts"
    if not encrypted and parts.hostname not in _LOOPBACK and not allow_plain:
        raise ConfigError(
            f"link.broker: {parts.hostname} would be spoken to in the clear; use mqtts://, or set link.allow_plain"
        )
    return Broker(
        parts.hostname,
        port or (8883 if encrypted else 1883),
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        _tls(ca, cert, key) if encrypted else None,
    )


def _tls(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert is not None:
            context.load_cert_chain(cert, key)
    except OSError as error:  # ssl.SSLError is one too
        named = ", ".join(str(path) for path in (ca, cert, key) if path)
        raise ConfigError(f"link.ca, link.cert, link.key ({named}): cannot be used: {error}") from error
    return context


class _DuplicateError(Exception):
    """Another live camera has our name. Carries its session."""


class MqttSession:
    """Implements `link.interface.Link` on an MQTT broker: version 5, or 3.1.1 where 5 is refused."""

    def __init__(
        self,
        broker: Broker,
        contract: Contract,
        clock: Clock,
        *,
        session: str,
        chance: random.Random,
        keepalive_s: int = 30,
        duplicate_backoff_s: float = DUPLICATE_BACKOFF_S,
    ) -> None:
        self._broker, self._contract, self._clock, self._chance = broker, contract, clock, chance
        self._client_id, self._session, self._keepalive_s = contract.client_id, session, keepalive_s
        self._duplicate_backoff_s = duplicate_backoff_s
        self._version = aiomqtt.ProtocolVersion.V5
        self._had_name = False  # whether this process was ever live under its name
        self._backoff = Backoff(chance, *BACKOFF_S)
        self._state: StateMessage | None = None
        self._telemetry: Telemetry | None = None
        self._outbox = MemoryOutbox(MAX_WAITING)
        self._connected = False
        self._version_works = False
        self._parting: str | None = None
        self._work = asyncio.Event()
        self._parted = asyncio.Event()
        self._down = "not connected yet"

    def publish(self, message: Outgoing) -> None:
        """See `Link.publish`."""
        match message:
            case StateMessage():
                self._state = message
            case Telemetry():
                self._telemetry = message if self._connected else None
            case _:
                self._outbox.put(message)
        self._work.set()

    def status(self) -> LinkStatus:
        """See `Link.status`."""
        return LinkStatus(self._connected, self._down, len(self._outbox), self._outbox.dropped.total())

    async def close(self, reason: str) -> None:
        """See `Link.close`. Without a connection there is nobody to wait for."""
        self._parting = reason
        self._work.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S if self._connected else 0):
                await self._parted.wait()

    async def run(self, host: LinkHost) -> None:
        """Connect, serve, and again. Ends only when cancelled; then it disconnects cleanly."""
        while True:
            try:
                await self._connect_and_serve(host)
            except _DuplicateError as duplicate:
                self._down = f"another camera is called as we are (session {duplicate})"
                host.on_duplicate(str(duplicate))
                await asyncio.sleep(self._duplicate_backoff_s * self._chance.uniform(1.0, 1.2))
            except aiomqtt.MqttError as error:
                self._try_other_version(str(error))
                self._down = f"{self._broker}: {error}"
                host.on_link(False, self._down)
                await asyncio.sleep(self._backoff.next_s())

    async def _connect_and_serve(self, host: LinkHost) -> None:
        if self._had_name:
            await self._look()
        will = self._contract.encode(offline(host.state_message(), "connection lost"))
        async with self._client(self._client_id, will) as client:
            self._version_works = True
            await client.subscribe([(self._contract.command_topic, 1), (self._contract.state_topic, 1)])
            await self._send(client, host.state_message())
            self._had_name, self._connected, self._down = True, True, ""
            self._backoff.reset()
            self._work.set()
            host.on_link(True, "")
            try:
                await _first_failure(self._read(client, host), self._write(client, host))
            finally:
                self._connected = False

    def _client(self, client_id: str, will: Envelope | None = None) -> aiomqtt.Client:
        is_v5 = self._version is aiomqtt.ProtocolVersion.V5
        return aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            username=self._broker.username,
            password=self._broker.password,
            tls_context=self._broker.tls,
            identifier=client_id,
            logger=_log,
            protocol=self._version,
            clean_session=None if is_v5 else True,
            clean_start=True if is_v5 else 3,
            keepalive=self._keepalive_s,
            will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None,
        )

    async def _look(self) -> None:
        """See who stands on our state topic. Nobody may stand there, so we do not wait for long."""
        async with self._client(f"{self._client_id}-look") as client:
            await client.subscribe(self._contract.state_topic, 1)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    message = await anext(aiter(client.messages))
                    self._is_foreign(_bytes(message))

    async def _read(self, client: aiomqtt.Client, host: LinkHost) -> None:
        async for message in client.messages:
            if self._take(message, host):
                await self._send(client, host.state_message())

    def _take(self, message: aiomqtt.Message, host: LinkHost) -> bool:
        """Deal with what came in. True when our own state must be put back over a foreign one."""
        payload = _bytes(message)
        if message.topic.value == self._contract.state_topic:
            return self._had_name and self._is_foreign(payload)
        try:
            if message.retain:
                raise MessageError(
                    f"{message.topic}: a retained command is never executed; clear it with an empty retained message"
                )
            host.on_command(self._contract.decode_command(message.topic.value, payload))
        except MessageError as error:
            host.on_bad_command(error)
        return False

    def _is_foreign(self, payload: bytes) -> bool:
        presence = self._contract.decode_presence(payload)
        if presence is not None and presence.session == self._session:
            return False
        if presence is not None and presence.online:
            raise _DuplicateError(presence.session)
        return True

    async def _write(self, client: aiomqtt.Client, host: LinkHost) -> None:
        """What waits, in order; each leaves the queue when it is acknowledged. Then the newest state, then farewell."""
        while True:
            if waiting := self._outbox.first():
                await self._send(client, waiting)
                self._outbox.done(waiting)
            elif self._state is not None:
                state, self._state = self._state, None
                await self._send(client, state)
            elif self._telemetry is not None:
                telemetry, self._telemetry = self._telemetry, None
                await self._send(client, telemetry)
            elif self._parting is not None:
                await self._send(client, offline(host.state_message(), self._parting, iso(self._clock.now().utc)))
                self._parted.set()
                await asyncio.Event().wait()  # nothing more is said; we are cancelled from here
            else:
                self._work.clear()
                await self._work.wait()

    async def _send(self, client: aiomqtt.Client, message: Outgoing) -> None:
        out = self._contract.encode(message)
        await client.publish(out.topic, out.payload, out.qos, out.retain)

    def _try_other_version(self, error: str) -> None:
        """A broker that takes the connection and not our CONNECT may be one that knows only 3.1.1."""
        if not self._version_works and "[Errno" not in error:
            is_v5 = self._version is aiomqtt.ProtocolVersion.V5
            self._version = aiomqtt.ProtocolVersion.V311 if is_v5 else aiomqtt.ProtocolVersion.V5


def _bytes(message: aiomqtt.Message) -> bytes:
    return message.payload if isinstance(message.payload, bytes) else b""


async def _first_failure(*jobs: Coroutine[None, None, None]) -> None:
    """Run the jobs side by side until one fails; cancel the others and raise what it raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None

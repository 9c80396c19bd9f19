"""MQTT over sockets: the only user of aiomqtt. Version 5, or 3.1.1 where a broker refuses 5."""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import unquote, urlsplit

import aiomqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from lapel.errors import ConfigError, LapelError, LinkError
from lapel.light_event import Inbox
from lapel.link.transport import Connection, Envelope, Hello, Inbound

SESSION_EXPIRY_S = 3600
"""How long a version 5 broker keeps commands for a camera that is away. Only those with an expiry are obeyed."""

_CARES = 6
"""Looks in a keepalive: a ping is late by a sixth of it at the most, where a broker allows a half."""

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # what paho logs is raised as well, and we report that in our own words
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_V5, _V311 = aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311


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


def brokers_at(urls: str, *, ca: Path | None = None, cert: Path | None = None, key: Path | None = None,
               allow_plain: bool = False) -> list[Broker]:  # fmt: skip
    """The brokers that `urls` names, separated by blanks: `mqtt://host[:1883]` or `mqtts://host[:8883]`. Raises
    ConfigError.
    """
    return [_broker_at(url, ca, cert, key, allow_plain) for url in urls.split()]


def _broker_at(url: str, ca: Path | None, cert: Path | None, key: Path | None, allow_plain: bool) -> Broker:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"link.broker: the address cannot be read: {error}") from error
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ConfigError("link.broker: give mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    if not _can_be_looked_up(parts.hostname):
        raise ConfigError(f"link.broker: {parts.hostname!r} can be no host's name; give its name or its address")
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


def _can_be_looked_up(host: str) -> bool:
    """As name servers have it: no empty part, none of more than 63 characters."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return host.isprintable()


def is_plain(broker: Broker) -> bool:
    """Whether anybody on the way can read and command."""
    return broker.tls is None and broker.host not in _LOOPBACK


def _tls(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert is not None:
            context.load_cert_chain(cert, key)
    except OSError as error:  # ssl.SSLError is one too
        named = ", ".join(str(path) for path in (ca, cert, key) if path)
        raise ConfigError(f"link.ca, link.cert, link.key ({named}): cannot be used: {error}") from error
    return context


async def _at_once() -> None:
    pass


class MqttTransport:
    """Implements `transport.Transport`: each failed connect moves on to the next broker, and names are looked up anew.

    `admission` is awaited before each connect: where thousands of cameras share a process it limits their rate. `via`
    is where the way to the brokers begins, if not at themselves: what they are called, and their certificates, stay.
    """

    def __init__(
        self,
        brokers: Sequence[Broker],
        *,
        keepalive_s: int,
        admission: Callable[[], Awaitable[None]] = _at_once,
        via: tuple[str, int] | None = None,
    ) -> None:
        self._brokers, self._keepalive_s, self._admission, self._via = brokers, keepalive_s, admission, via
        self._at = 0
        self._versions = dict.fromkeys(brokers, _V5)
        self._proved: set[Broker] = set()

    def __str__(self) -> str:
        return str(self._brokers[self._at])

    @asynccontextmanager
    async def connect(self, hello: Hello) -> AsyncIterator[Connection]:
        """See `Transport.connect`."""
        broker = self._brokers[self._at]
        version = self._versions[broker]
        await self._admission()
        connected = False
        client = self._client(broker, version, hello)
        try:
            async with client:
                connected = True
                self._proved.add(broker)
                yield _Connection(client, broker, is_v5=version is _V5, resumes=hello.resume and version is _V5)
        except (aiomqtt.MqttError, OSError) as error:  # a socket's own error comes through as it is, now and then
            if isinstance(error, LapelError):
                raise
            if not connected:
                self._move_on(broker, error)
            raise LinkError(f"{broker}: {error}") from error
        finally:
            client.forget()

    def _client(self, broker: Broker, version: aiomqtt.ProtocolVersion, hello: Hello) -> "_Client":
        is_v5, will = version is _V5, hello.will
        keeps = is_v5 and hello.resume
        client = _Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            tls_context=broker.tls,
            identifier=hello.client_id,
            logger=_log,
            queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", _Arrived),
            protocol=version,
            clean_session=None if is_v5 else True,
            clean_start=not hello.resume if is_v5 else 3,
            properties=_keeping() if keeps else None,
            keepalive=self._keepalive_s,
            will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None,
        )
        if self._via is not None:
            client.go_via(self._via)
        return client

    def _move_on(self, broker: Broker, error: Exception) -> None:
        """A broker that takes the connection and not our CONNECT may be one that knows only 3.1.1."""
        if broker not in self._proved and "[Errno" not in str(error):
            self._versions[broker] = _V311 if self._versions[broker] is _V5 else _V5
        self._at = (self._at + 1) % len(self._brokers)


class _Arrived(Inbox[aiomqtt.Message | None]):
    """What aiomqtt keeps messages in, and None once it is disconnected. A queue of asyncio's takes 3 KB, and most
    cameras never have one waiting.
    """

    def __init__(self, maxsize: int) -> None:  # noqa: ARG002  # without a limit, as asyncio's at 0
        super().__init__()

    put_nowait, qsize = Inbox.put, Inbox.__len__


class _Client(aiomqtt.Client):
    """aiomqtt 2.5 with four holes mended: three found by killing a broker under fifty clients in one process, the
    fourth by giving up a connect. And made to wait in less memory and with fewer wake-ups, for thousands of cameras.
    """

    _is_over = False
    _care: asyncio.TimerHandle | None = None

    async def arrival(self) -> aiomqtt.Message:
        """The next message. Raises MqttError once there is none and the connection is lost: what came before is not
        lost with it. The original makes a task and a second wait for each.
        """
        message = await self._arrived.get()
        if message is None:
            self._arrived.put(None)  # for whoever asks again
            raise aiomqtt.MqttError("disconnected") from self._disconnected.exception()
        return message

    async def __aenter__(self) -> Self:
        self._client._out_messages, self._client._in_messages = {}, {}  # type: ignore[assignment]  # an OrderedDict each
        await super().__aenter__()
        self._disconnected.add_done_callback(lambda _: self._arrived.put(None))
        return self

    @property
    def _arrived(self) -> _Arrived:
        return cast("_Arrived", self._queue)

    async def _misc_loop(self) -> None:
        """A timer, where the original has a task that wakes every second."""
        self._take_care()

    def _take_care(self) -> None:
        """Ping when it is time to; see whether the last one was answered."""
        if self._client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._care = self._loop.call_later(max(1.0, self._client.keepalive / _CARES), self._take_care)

    def _on_socket_register_write(self, _client: object, _userdata: object, sock: socket.socket) -> None:
        """The original adds its writer to the loop a moment later, when the socket may be closed and its number another
        client's: a traceback on the terminal at best, at worst that client's writer.
        """
        number = sock.fileno()

        def write() -> None:
            try:
                self._client.loop_write()
            except Exception as error:
                if not self._disconnected.done():
                    self._disconnected.set_exception(aiomqtt.MqttError(str(error)))

        def add() -> None:
            if number >= 0 and sock.fileno() == number:
                self._loop.add_writer(number, write)

        if threading.current_thread() is threading.main_thread():
            add()
        else:
            self._loop.call_soon_threadsafe(add)

    def _on_socket_unregister_write(self, _client: object, _userdata: object, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock.fileno())

    def _on_disconnect(self, _client: object, userdata: object, flags: Any, code: Any, properties: Any = None) -> None:
        """A broker that hangs up instead of answering (amqtt does, when asked for version 5) is not waited for."""
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("the broker hung up"))
        super()._on_disconnect(self._client, userdata, flags, code, properties)

    def go_via(self, address: tuple[str, int]) -> None:
        """Open sockets there."""
        self._client._create_socket_connection = lambda: socket.create_connection(  # type: ignore[method-assign]
            address, timeout=self._client.connect_timeout
        )

    def _client_connect(self) -> None:
        """In a thread, which goes on when nobody waits for it any more."""
        super()._client_connect()
        if self._is_over:
            self._loop.call_soon_threadsafe(self._client._sock_close)

    def forget(self) -> None:
        """The original leaves a connection open, and pings on it for ever, when it was given up before the broker had
        answered. And what these two have to say was raised elsewhere; else asyncio complains that nobody asked them.
        """
        self._is_over = True
        if self._care is not None:
            self._care.cancel()
        self._loop.call_soon(self._client._sock_close)  # after what the connect has asked the loop to do
        for outcome in (self._connected, self._disconnected):
            if outcome.done() and not outcome.cancelled():
                outcome.exception()


class _Connection:
    """Implements `transport.Connection`."""

    def __init__(self, client: _Client, broker: Broker, *, is_v5: bool, resumes: bool) -> None:
        self._client, self._broker, self._is_v5, self.resumes = client, broker, is_v5, resumes

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        with _link_errors(self._broker):
            await self._client.subscribe([(topic, qos) for topic in topics])

    async def publish(self, message: Envelope) -> None:
        wanted = {"CorrelationData": message.correlation, "MessageExpiryInterval": message.expiry_s}
        given = {name: value for name, value in wanted.items() if value is not None}
        properties = _properties(PacketTypes.PUBLISH, **given) if self._is_v5 and given else None
        with _link_errors(self._broker):
            await self._client.publish(message.topic, message.payload, message.qos, message.retain, properties)

    async def messages(self) -> AsyncGenerator[Inbound, None]:
        with _link_errors(self._broker):
            while True:
                yield _inbound(await self._client.arrival())


@contextmanager
def _link_errors(broker: Broker) -> Iterator[None]:
    """What the client raises once it is lost, in our words."""
    try:
        yield
    except (aiomqtt.MqttError, OSError) as error:
        raise LinkError(f"{broker}: {error}") from error


def _inbound(message: aiomqtt.Message) -> Inbound:
    said = message.properties
    expiry = getattr(said, "MessageExpiryInterval", None)
    return Inbound(
        message.topic.value,
        message.payload if isinstance(message.payload, bytes) else b"",
        bool(message.retain),
        getattr(said, "ResponseTopic", None),
        getattr(said, "CorrelationData", None),
        None if expiry is None else float(expiry),
    )


@cache
def _keeping() -> Properties:
    """Of a CONNECT that asks for a session that lasts. One for all: paho only reads it, and it takes 6 KB."""
    return _properties(PacketTypes.CONNECT, SessionExpiryInterval=SESSION_EXPIRY_S)


def _properties(packet: int, **values: bytes | int) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def connect_rate(per_s: float) -> Callable[[], Awaitable[None]]:
    """An `admission` for all transports of a process: at most `per_s` connects a second, first come, first served."""
    turn, next_s = asyncio.Lock(), 0.0

    async def admitted() -> None:
        nonlocal next_s
        loop = asyncio.get_running_loop()
        async with turn:
            await asyncio.sleep(next_s - loop.time())
            next_s = loop.time() + 1.0 / per_s  # from now, so that a loop that was busy catches up with nothing

    return admitted

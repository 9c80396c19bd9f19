"""MQTT over sockets and WebSocket: the only user of aiomqtt. Version 5, or 3.1.1 where a broker refuses 5."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from lapel.errors import LapelError, LinkError
from lapel.link.aiomqtt_overrides import Client, MessageQueue
from lapel.link.broker_address import Broker
from lapel.link.broker_limits import PERMANENT, BrokerLimits, ReasonCode, packet_bytes, remedy
from lapel.link.transport import Connection, Envelope, Hello, Inbound, PublishRefused

MAX_RECEIVED_BYTES = 16 * 1024
"""Twice the longest command: longer packets are not read. MQTT 5 brokers get this limit, and do not send them."""
SESSION_EXPIRY_S = 3600
"""How long a version 5 broker keeps commands for an offline camera. Only those with an expiry are carried out."""

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # what paho logs is also raised, and reported in the camera's own words
_ALL = BrokerLimits()
_V5, _V311 = aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311


async def _no_wait() -> None:
    pass


@dataclass(slots=True)
class _KnownBroker:
    """One of the brokers, and what earlier connects have shown about it."""

    address: Broker
    version: aiomqtt.ProtocolVersion = _V5
    will_limits: BrokerLimits = _ALL
    was_connected: bool = False


class MqttTransport:
    """Implements `transport.Transport`: each failed connect moves on to the next broker; names are looked up again.

    `admission` is awaited before each connect: where thousands of cameras share a process it limits their rate. `via`
    replaces the address that sockets are opened to; host names in TLS and the brokers' names stay. `bind_address`: the
    address of this machine that sockets are opened from; empty: the system's choice.
    """

    def __init__(
        self,
        brokers: Sequence[Broker],
        *,
        keepalive_s: int,
        admission: Callable[[], Awaitable[None]] = _no_wait,
        via: tuple[str, int] | None = None,
        bind_address: str = "",
    ) -> None:
        self._brokers = [_KnownBroker(broker) for broker in brokers]
        self._keepalive_s, self._admission, self._via = keepalive_s, admission, via
        self._bind_address = bind_address
        self._index = 0

    def __str__(self) -> str:
        return str(self._brokers[self._index].address)

    @asynccontextmanager
    async def connect(self, hello: Hello) -> AsyncIterator[Connection]:
        """See `Transport.connect`."""
        known = self._brokers[self._index]
        broker, is_v5 = known.address, known.version is _V5
        await self._admission()
        connected = False
        client = self._client(known, hello)
        try:
            async with client:
                connected = known.was_connected = True
                yield _Connection(client, broker, is_v5=is_v5, resumes=hello.resume and is_v5)
        except (aiomqtt.MqttError, OSError) as error:  # aiomqtt lets some errors of the socket through
            if isinstance(error, LapelError):
                raise
            if not connected and not _adapt_will(known, error):
                self._move_on(known, error)
            raise LinkError(f"{broker}: {error}") from error
        finally:
            client.forget()

    def _client(self, known: _KnownBroker, hello: Hello) -> Client:
        broker, is_v5 = known.address, known.version is _V5
        will = known.will_limits.within(hello.will) if hello.will else None
        transport: Any = "tcp" if broker.websocket_path is None else "websockets"
        client = Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            bind_address=self._bind_address,
            tls_context=broker.tls,
            transport=transport,
            websocket_path=broker.websocket_path,
            identifier=hello.client_id,
            logger=_log,
            queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", MessageQueue),
            protocol=known.version,
            clean_session=None if is_v5 else True,
            clean_start=not hello.resume if is_v5 else 3,
            properties=_session_properties() if is_v5 and hello.resume else None,
            keepalive=self._keepalive_s,
            will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None,
        )
        client.limit_received(MAX_RECEIVED_BYTES)
        if self._via is not None:
            client.connect_via(self._via)
        return client

    def _move_on(self, known: _KnownBroker, error: Exception) -> None:
        """A broker that accepts the connection but not our CONNECT may be one that knows only 3.1.1."""
        if not known.was_connected and "[Errno" not in str(error):
            known.version = _V311 if known.version is _V5 else _V5
        self._index = (self._index + 1) % len(self._brokers)


def _adapt_will(known: _KnownBroker, error: Exception) -> bool:
    """Whether the broker refused our last will for what it does not support; the next connect does without that."""
    code = getattr(getattr(error, "rc", None), "value", 0)
    before, known.will_limits = known.will_limits, known.will_limits.without_what(code)
    return known.will_limits != before


class _Connection:
    """Implements `transport.Connection`."""

    def __init__(self, client: Client, broker: Broker, *, is_v5: bool, resumes: bool) -> None:
        self._client, self._broker, self._is_v5, self.resumes = client, broker, is_v5, resumes
        self._limits = client.limits
        self._one_in_flight = asyncio.Lock()  # so that any Receive Maximum is obeyed, and a refusal is of that message

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        """See `Connection.subscribe`."""
        with _link_errors(self._broker):
            codes = await self._client.subscribe([(topic, qos) for topic in topics])
        for topic, code in zip(topics, codes, strict=False):
            if int(getattr(code, "value", code)) >= ReasonCode.FIRST_FAILURE:  # type: ignore[call-overload]
                raise LinkError(
                    f"{self._broker}: refuses the subscription to {topic}; let this camera read it, in the broker's "
                    "access list"
                )

    async def publish(self, message: Envelope) -> None:
        """See `Connection.publish`."""
        if (size_bytes := packet_bytes(message)) > self._limits.max_bytes:
            raise PublishRefused(
                f"{self._broker}: accepts {self._limits.max_bytes} bytes at most, and a message to {message.topic} has "
                f"{size_bytes}",
                is_permanent=True,
            )
        message = self._limits.within(message)
        if message.qos == 0:
            await self._publish(message)
            return
        async with self._one_in_flight:
            self._client.refusal = None
            await self._publish(message)
            if (code := self._client.refusal) is not None:
                raise PublishRefused(
                    f"{self._broker}: refuses a message to {message.topic} ({code}); {remedy(code.value)}",
                    is_permanent=code.value in PERMANENT,
                )

    async def _publish(self, message: Envelope) -> None:
        properties = _message_properties(message) if self._is_v5 else None
        with _link_errors(self._broker):
            await self._client.publish(message.topic, message.payload, message.qos, message.retain, properties)

    async def messages(self) -> AsyncGenerator[Inbound, None]:
        with _link_errors(self._broker):
            while True:
                yield _inbound(await self._client.next_message())

    def abort(self) -> None:
        """See `Connection.abort`."""
        self._client.abort()


def _message_properties(message: Envelope) -> Properties | None:
    wanted = {"CorrelationData": message.correlation, "MessageExpiryInterval": message.expiry_s}
    given = {name: value for name, value in wanted.items() if value is not None}
    return _properties(PacketTypes.PUBLISH, **given) if given else None


@contextmanager
def _link_errors(broker: Broker) -> Iterator[None]:
    """Turns what the client raises into a LinkError that names the broker."""
    try:
        yield
    except (aiomqtt.MqttError, OSError) as error:
        raise LinkError(f"{broker}: {error}") from error


def _inbound(message: aiomqtt.Message) -> Inbound:
    properties = message.properties
    expiry = getattr(properties, "MessageExpiryInterval", None)
    return Inbound(
        message.topic.value,
        message.payload if isinstance(message.payload, bytes) else b"",
        bool(message.retain),
        getattr(properties, "ResponseTopic", None),
        getattr(properties, "CorrelationData", None),
        None if expiry is None else float(expiry),
    )


@cache
def _session_properties() -> Properties:
    """Properties of a CONNECT for a persistent session. Shared by all: paho only reads them, and they take 6 KB.

    A connect without a session has none: amqtt, which knows no MQTT 5, does not answer it then.
    """
    return _properties(
        PacketTypes.CONNECT, SessionExpiryInterval=SESSION_EXPIRY_S, MaximumPacketSize=MAX_RECEIVED_BYTES
    )


def _properties(packet: int, **values: bytes | int) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def connect_rate(per_s: float) -> Callable[[], Awaitable[None]]:
    """An `admission` for all transports of a process: at most `per_s` connects per second, in the order of requests."""
    turn, next_s = asyncio.Lock(), 0.0

    async def admitted() -> None:
        nonlocal next_s
        loop = asyncio.get_running_loop()
        async with turn:
            await asyncio.sleep(next_s - loop.time())
            next_s = loop.time() + 1.0 / per_s  # from now: a loop that was busy does not catch up with a burst

    return admitted

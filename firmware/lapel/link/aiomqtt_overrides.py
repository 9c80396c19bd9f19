"""aiomqtt 2.5 with private parts overridden. Each override documents what it fixes, and the measured gain.

Found by killing a broker under fifty clients in one process, by giving up connects, and by measuring thousands of idle
cameras (docs/decisions/2026-11-26-cost-of-an-idle-camera.md). `tests/link/test_aiomqtt_overrides.py` fails when a new
version of aiomqtt or paho-mqtt no longer has a name that is relied on here (`PRIVATE_NAMES`).
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable
from typing import Any, Self, TypeVar, cast

import aiomqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from lapel.light_event import Inbox
from lapel.link.broker_limits import BrokerLimits

PRIVATE_NAMES = {
    "aiomqtt.Client methods": (
        "_misc_loop", "_on_socket_register_write", "_on_socket_unregister_write", "_on_disconnect", "_client_connect",
        "_on_connect", "_on_publish", "_wait_for",
    ),
    "aiomqtt.Client attributes": ("_client", "_queue", "_loop", "_connected", "_disconnected", "_misc_task"),
    "paho.mqtt.client.Client attributes": ("_out_messages", "_in_messages", "_out_packet"),
    "paho.mqtt.client.Client methods": (
        "_create_socket_connection", "_sock_close", "_sock_recv", "loop_misc", "loop_write",
    ),
}  # fmt: skip
"""What this module relies on and no interface promises."""

_CHECKS_PER_KEEPALIVE = 6
"""A ping is late by a sixth of the keepalive at most; brokers allow a half."""

T = TypeVar("T")


class MessageQueue(Inbox[aiomqtt.Message | None]):
    """Replaces aiomqtt's `asyncio.Queue` (`queue_type`). None follows the last message once the connection is lost.

    Fixes memory use: a queue of asyncio's takes 3 KB, and most cameras never have a message waiting.
    """

    def __init__(self, maxsize: int) -> None:  # noqa: ARG002  # unbounded, as asyncio's at 0
        super().__init__()

    put_nowait, qsize = Inbox.put, Inbox.__len__


class PacketQueue(list[Any]):
    """Replaces paho's queue of outgoing packets. Fixes memory use: a deque takes 0.8 KB while empty."""

    __slots__ = ()

    def popleft(self) -> Any:
        """As of a deque."""
        return self.pop(0)

    def appendleft(self, packet: Any) -> None:
        """As of a deque."""
        self.insert(0, packet)


class Client(aiomqtt.Client):
    """An aiomqtt client for one connection. Call `forget` when done with it."""

    limits = BrokerLimits()
    """What the broker announced when it accepted the connection (MQTT 5). paho's own record of that takes 5.9 KB."""
    refusal: ReasonCode | None = None
    """Why the broker refused the newest message that it acknowledged."""

    _is_over = False
    _timer: asyncio.TimerHandle | None = None

    async def next_message(self) -> aiomqtt.Message:
        """The next message. Raises MqttError once there is none and the connection is lost.

        Replaces `messages`. Fixes lost messages: the original raises as soon as the connection is lost, before it has
        delivered what was received earlier. It also makes a task and a second wait for each message.
        """
        message = await self._messages.get()
        if message is None:
            self._messages.put(None)  # for the next call
            raise aiomqtt.MqttError("disconnected") from self._disconnected.exception()
        return message

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:
        """Fixes a lost cancellation: the original waits with `asyncio.wait_for`, which on Python 3.11 swallows a
        cancellation that comes in the moment of the answer; the task then goes on for ever. It also makes a task for
        each message that is published.
        """
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None

    def _on_connect(
        self, client: Any, userdata: object, flags: Any, code: ReasonCode, properties: Properties | None = None
    ) -> None:
        """Fixes a gap: the original forgets the broker's limits."""
        self.limits = BrokerLimits.announced(properties)
        super()._on_connect(client, userdata, flags, code, properties)

    def _on_publish(self, client: Any, userdata: object, mid: int, code: ReasonCode, properties: Properties) -> None:
        """Fixes a gap: the original takes every acknowledgement for a success."""
        self.refusal = code if code.is_failure else None
        super()._on_publish(client, userdata, mid, code, properties)

    def limit_received(self, max_bytes: int) -> None:
        """Lose the connection instead of reading a longer packet. Fixes memory use: paho reads whatever length a packet
        announces, up to 256 MB, and there is no limit to announce in MQTT 3.1.1.
        """
        receive = self._client._sock_recv

        def receive_at_most(size: int) -> bytes:
            if size > max_bytes:
                raise ConnectionError(f"the broker sends a message of {size} bytes; {max_bytes} are accepted")
            return receive(size)

        self._client._sock_recv = receive_at_most  # type: ignore[method-assign,assignment]

    async def __aenter__(self) -> Self:
        """Fixes memory use: paho's two `OrderedDict`s take 0.8 KB each while empty."""
        self._client._out_messages, self._client._in_messages = {}, {}  # type: ignore[assignment]
        self._client._out_packet = PacketQueue()  # type: ignore[assignment]
        await super().__aenter__()
        self._disconnected.add_done_callback(lambda _: self._messages.put(None))
        return self

    async def _misc_loop(self) -> None:
        """Fixes wake-ups: the original is a task that wakes each client every second; this is a timer that checks six
        times per keepalive. 13,000 wake-ups per second less with 13,400 cameras, and 3 KB less per camera.
        """
        self._misc_task = None  # the task that runs this ends here, and would be kept
        self._check_keepalive()

    def _check_keepalive(self) -> None:
        """Ping when it is due; notice when the last ping was not answered."""
        if self._client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            delay_s = max(1.0, self._client.keepalive / _CHECKS_PER_KEEPALIVE)
            self._timer = self._loop.call_later(delay_s, self._check_keepalive)

    def _on_socket_register_write(self, _client: object, _userdata: object, sock: socket.socket) -> None:
        """Fixes wake-ups: the original has the event loop report when the socket takes bytes, which it nearly always
        does; this writes at once, and waits only with what the socket does not take. Three system calls and a wake-up
        less per message. Also fixes a writer for the wrong socket: the original adds its writer to the loop a moment
        later, when the socket may be closed and its number may be another client's.
        """

        def write() -> None:
            self._write()
            if self._client.want_write() and sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), self._write)

        if threading.current_thread() is threading.main_thread():
            write()
        else:
            self._loop.call_soon_threadsafe(write)

    def _write(self) -> None:
        """Write what waits. Fixes an OSError of the socket that the original lets through."""
        try:
            self._client.loop_write()
        except Exception as error:
            if not self._disconnected.done():
                self._disconnected.set_exception(aiomqtt.MqttError(str(error)))

    def _on_socket_unregister_write(self, _client: object, _userdata: object, sock: socket.socket) -> None:
        """The counterpart: a closed socket has no number and no writer."""
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock.fileno())

    def _on_disconnect(self, _client: object, userdata: object, flags: Any, code: Any, properties: Any = None) -> None:
        """Fixes a wait of ten seconds for a broker that closes the connection instead of answering CONNECT (amqtt does
        for a CONNECT of version 5).
        """
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("the broker closed the connection before it answered"))
        super()._on_disconnect(self._client, userdata, flags, code, properties)

    def _client_connect(self) -> None:
        """Fixes an open connection after a connect that was given up: this runs in a thread, which continues when the
        caller no longer waits for it.
        """
        super()._client_connect()
        if self._is_over:
            self._loop.call_soon_threadsafe(self._client._sock_close)

    def connect_via(self, address: tuple[str, int]) -> None:
        """Open the socket to that address, whatever the broker's name: for a relay in tests and simulations."""
        self._client._create_socket_connection = lambda: socket.create_connection(  # type: ignore[method-assign]
            address, timeout=self._client.connect_timeout
        )

    def abort(self) -> None:
        """Close the socket without a DISCONNECT. Fixes a gap: the original always disconnects cleanly when it is left,
        and the broker then discards the last will.
        """
        self._client._sock_close()
        if not self._disconnected.done():
            self._disconnected.set_result(None)

    def forget(self) -> None:
        """Close the socket and cancel the timer. Fixes a leak: the original leaves a connection open, and pings on it
        for ever, when the connect was given up before the broker had answered.
        """
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self._loop.call_soon(self._client._sock_close)  # after what the connect has scheduled
        for outcome in (self._connected, self._disconnected):
            if outcome.done() and not outcome.cancelled():
                outcome.exception()  # it was raised elsewhere; else asyncio logs that it was never retrieved

    @property
    def _messages(self) -> MessageQueue:
        return cast("MessageQueue", self._queue)

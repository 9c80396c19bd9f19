"""The network link of a camera in memory: connections, latency, loss and time-outs exist in virtual time too.

Half-open connections behave as measured with Mosquitto: the broker notices after 1.5 keepalives, the client after two.
"""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from lapel.check import Check
from lapel.config import LinkSection
from lapel.errors import LinkError
from lapel.light_event import Inbox
from lapel.link.transport import Connection, Envelope, Hello, Inbound
from lapel_fleet.hardware.delivery_faults import DeliveryFaults
from lapel_fleet.hardware.network import WILL_AFTER_KEEPALIVES, DeliveryDelay
from lapel_fleet.hardware.virtual_broker import VirtualBroker, delivery_of

ACK_TIMEOUT_S = 10.0
_CLIENT_TIMEOUT_KEEPALIVES = 2
_UNREACHABLE = "network is unreachable"
_DEFAULT_LINK = LinkSection()
"""Shared by all cameras until each is configured."""


class VirtualNetwork:
    """One camera's link to a `VirtualBroker`. Implements `SimulatedNetwork`."""

    def __init__(self, broker: VirtualBroker, keepalive_s: float = 30.0, rng: random.Random | None = None) -> None:
        """`rng` decides which messages are lost on a bad link."""
        self._broker, self._keepalive_s = broker, keepalive_s
        rng = rng or random.Random(0)
        self.outbound, self.inbound = DeliveryDelay(rng), DeliveryDelay(rng)
        self.deliveries: DeliveryFaults | None = None
        """From the first fault on: thousands of cameras have none."""
        self._connections: list[VirtualConnection] = []
        self._connects = 0
        self._link = _DEFAULT_LINK
        self.is_plugged = True
        self.is_half_open = False
        self.has_power = True
        self.history: list[str] = []
        """What was done to the link, in order."""

    def __str__(self) -> str:
        return self._broker.name_for(self._link)

    def configure(self, link: LinkSection) -> None:
        """See `SimulatedNetwork.configure`."""
        self._link = link

    @property
    def address(self) -> str:
        """See `SimulatedNetwork.address`."""
        return self._link.broker

    @asynccontextmanager
    async def connect(self, hello: Hello) -> AsyncIterator[Connection]:
        """See `Transport.connect`."""
        await asyncio.sleep(0)
        if self.is_half_open:
            await asyncio.sleep(ACK_TIMEOUT_S)
            raise LinkError(f"{self}: timed out")
        if refusal := self._broker.refusal(self._link) if self.is_plugged else _UNREACHABLE:
            raise LinkError(f"{self}: {refusal}")
        self._connects += 1
        connection = VirtualConnection(self, self._broker, hello, self._connects)
        self._broker.accept(connection)
        if self.deliveries is not None and hello.will is not None:  # without a will it only looks
            self.deliveries.on_connect()
        for direction in (self.outbound, self.inbound):
            direction.reset()
        self._connections.append(connection)
        try:
            yield connection
        finally:
            self._connections.remove(connection)
            if not connection.is_lost:
                self._disconnect(connection)

    def _disconnect(self, connection: "VirtualConnection") -> None:
        """Send DISCONNECT, or close an aborted connection without one. Either arrives only when the link is up and
        nothing sent before is still on its way.
        """
        if self.is_up and not self.outbound.is_busy(asyncio.get_running_loop().time()):
            (self._broker.expire if connection.is_aborted else self._broker.disconnect)(connection)
        else:
            self._expire_later(connection)

    disturbs_every_subscriber = False

    @property
    def is_down(self) -> bool:
        """See `SimulatedNetwork.is_down`."""
        return not self.is_up

    @property
    def is_up(self) -> bool:
        """Whether messages arrive."""
        return self.is_plugged and not self.is_half_open and self.has_power

    def unplug(self) -> None:
        """See `SimulatedNetwork.unplug`."""
        self.history.append("unplug")
        self.is_plugged = False
        for connection in list(self._connections):
            self._expire_later(connection)
            connection.lose(_UNREACHABLE)

    def plug_in(self) -> None:
        """See `SimulatedNetwork.plug_in`."""
        self.history.append("plug in")
        self.is_plugged = True

    def make_half_open(self) -> None:
        """See `SimulatedNetwork.make_half_open`."""
        self.history.append("half open")
        self.is_half_open = True
        loop, after_s = asyncio.get_running_loop(), _CLIENT_TIMEOUT_KEEPALIVES * self._keepalive_s
        for connection in self._connections:
            connection.set_client_timeout(loop.call_later(after_s, connection.lose, "keepalive timed out"))
            self._expire_later(connection)

    def restore(self) -> None:
        """See `SimulatedNetwork.restore`."""
        self.history.append("restore")
        self.is_half_open = False
        for connection in self._connections:
            connection.cancel_timeouts()
            if not self._broker.has(connection):
                connection.lose("the broker closed the connection")

    def degrade(self, latency_s: float = 0.0, loss: float = 0.0) -> None:
        """See `SimulatedNetwork.degrade`."""
        self.history.append(f"latency {latency_s:g} s, loss {loss:g}")
        for direction in (self.outbound, self.inbound):
            direction.latency_s, direction.loss = latency_s, loss

    def disturb_delivery(self, kind: str, session_of: Callable[[bytes], str], latency_s: float) -> Callable[[], object]:
        """See `SimulatedNetwork.disturb_delivery`. Concerns the broker's back ends, not its subscribers."""
        self.history.append(kind)
        if self.deliveries is None:
            self.deliveries = DeliveryFaults(self._broker.deliver_to_back_ends, asyncio.get_running_loop)
        return self.deliveries.begin(kind, session_of, latency_s)

    def lose_power(self) -> None:
        """See `SimulatedNetwork.lose_power`."""
        self.history.append("power lost")
        self.has_power = False

    def restore_power(self) -> None:
        """See `SimulatedNetwork.restore_power`."""
        self.has_power = True

    async def probe(self, client_id: str) -> Sequence[Check]:  # noqa: ARG002  # in memory any client id will do
        """See `SimulatedNetwork.probe`."""
        if not self.is_plugged:
            return [Check("route", False, _UNREACHABLE)]
        if self.is_half_open:
            return [Check("tcp", False, f"no answer within {ACK_TIMEOUT_S:g} s")]
        return self._broker.connect_steps(self._link)

    async def close(self) -> None:
        """See `SimulatedNetwork.close`. There is nothing to release."""

    def _expire_later(self, connection: "VirtualConnection") -> None:
        """Let the broker's keepalive time-out end the connection."""
        after_s = WILL_AFTER_KEEPALIVES * self._keepalive_s
        connection.set_broker_timeout(asyncio.get_running_loop().call_later(after_s, self._broker.expire, connection))


class VirtualConnection:
    """Implements `lapel.link.transport.Connection` and `BrokerConnection`."""

    resumes = False

    def __init__(self, network: VirtualNetwork, broker: VirtualBroker, hello: Hello, number: int) -> None:
        self.client_id, self.will, self.number = hello.client_id, hello.will, number
        self.topics: list[str] = []
        self.is_lost = self.is_aborted = False
        self._network, self._broker = network, broker
        self._reason = ""
        self._incoming = Inbox[Inbound | None]()
        self._client_timeout: asyncio.TimerHandle | None = None
        self._broker_timeout: asyncio.TimerHandle | None = None

    async def subscribe(self, *topics: str, qos: int = 1) -> None:  # noqa: ARG002  # in memory nothing is lost
        """See `Connection.subscribe`."""
        await self._round_trip()
        for topic in topics:
            self.topics.append(topic)
            self._broker.subscribe(self, topic)

    async def publish(self, message: Envelope) -> None:
        """See `Connection.publish`."""
        if message.qos == 0 and not self._network.is_up:
            return
        await self._round_trip(message)

    async def messages(self) -> AsyncGenerator[Inbound, None]:
        """See `Connection.messages`."""
        while (message := await self._incoming.get()) is not None:
            yield message
        raise LinkError(f"{self._network}: {self._reason}")

    def abort(self) -> None:
        """See `Connection.abort`."""
        self.is_aborted = True

    @property
    def deliveries(self) -> DeliveryFaults | None:
        """See `BrokerConnection.deliveries`."""
        return self._network.deliveries

    def deliver(self, message: Inbound) -> bool:
        """See `BrokerConnection.deliver`. A connection that the client has given up takes no more messages."""
        if self.is_lost or not self._network.is_up:
            return False
        loop = asyncio.get_running_loop()
        due_s = self._network.inbound.due_s(loop.time())
        if due_s > loop.time():
            loop.call_at(due_s, self._incoming.put, message)
        else:
            self._incoming.put(message)
        return True

    def lose(self, reason: str) -> None:
        """See `BrokerConnection.lose`."""
        if not self.is_lost:
            self.is_lost, self._reason = True, reason
            self._incoming.put(None)

    def set_client_timeout(self, timer: asyncio.TimerHandle) -> None:
        """Keep the timer of the client's time-out."""
        self._client_timeout = timer

    def set_broker_timeout(self, timer: asyncio.TimerHandle) -> None:
        """Keep the timer of the broker's time-out. The first timer counts, later ones are cancelled."""
        if self._broker_timeout is None:
            self._broker_timeout = timer
        else:
            timer.cancel()

    def cancel_timeouts(self) -> None:
        """Cancel both timers: the link works again."""
        for timer in (self._client_timeout, self._broker_timeout):
            if timer is not None:
                timer.cancel()
        self._client_timeout = self._broker_timeout = None

    async def _round_trip(self, message: Envelope | None = None) -> None:
        """Take `message` to the broker and the acknowledgement back. Raises LinkError after ACK_TIMEOUT_S when the link
        is dead or too slow: the sender gives the connection up then, and the message does not arrive later.
        """
        until_s = asyncio.get_running_loop().time() + ACK_TIMEOUT_S
        await self._travel(self._network.outbound, until_s)
        if message is not None:
            self._broker.deliver(message, self)
            self._lose_acknowledgement(message)
        if self._network.inbound.latency_s:
            await self._travel(self._network.inbound, until_s)

    def _lose_acknowledgement(self, message: Envelope) -> None:
        """Break the connection, if a fault is to do so between this message and its acknowledgement."""
        if self.deliveries is not None and self.deliveries.loses_acknowledgement(delivery_of(message, self.number)):
            self._broker.expire(self)
            self.lose("the connection broke before an acknowledgement came")
            raise LinkError(f"{self._network}: {self._reason}")

    async def _travel(self, direction: DeliveryDelay, until_s: float) -> None:
        now_s = asyncio.get_running_loop().time()
        due_s = direction.due_s(now_s) if self._network.is_up else math.inf
        await asyncio.sleep(min(due_s, until_s) - now_s)
        if self.is_lost or not self._network.is_up or due_s > until_s:
            raise LinkError(f"{self._network}: {self._reason or 'no acknowledgement came'}")

"""A broker and the lines to it, in memory: outages, wills and time-outs exist in virtual time too.

It behaves as Mosquitto was seen to: a session taken over has its will published before the newcomer is let in; a line
that goes dead is noticed by the broker after 1.5 keepalives and by the client after two.
"""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from lapel.check import Check
from lapel.config import LinkSection
from lapel.errors import LinkError
from lapel.light_event import Inbox
from lapel.link.transport import Connection, Envelope, Hello, Inbound, Transport

ACK_TIMEOUT_S = 10.0
WILL_AFTER_KEEPALIVES = 1.5
"""Keepalives of silence after which a broker publishes the last will (MQTT 3.1.1 and 5)."""
_ANY = LinkSection()
_UNREACHABLE = "network is unreachable"
RETRY_S = 0.2
"""Linux sends a lost segment again after 200 ms at the least (TCP_RTO_MIN), and twice as late each time."""


class SimulatedNetwork(Transport, Protocol):
    """One camera's line to its broker, with the outside world's side of it."""

    @property
    def is_down(self) -> bool:
        """Whether nothing arrives on it at the moment."""

    def unplug(self) -> None:
        """The camera sees its interface go down; the broker has to find out."""

    def plug_in(self) -> None:
        """The interface is up again."""

    def half_open(self) -> None:
        """Nothing arrives any more, in neither direction; both ends have to find out."""

    def mend(self) -> None:
        """What is sent arrives again; a connection that nobody has given up yet lives on."""

    def worsen(self, latency_s: float = 0.0, loss: float = 0.0) -> None:
        """Every message takes that long each way; a share of them is lost on the way, and sent again by TCP."""

    def lose_power(self) -> None:
        """Whatever the firmware still tries to send is not sent."""

    def gain_power(self) -> None:
        """The next connect works again."""

    def dial(self, link: LinkSection) -> None:
        """The camera starts with these settings."""

    @property
    def address(self) -> str:
        """The broker that the camera then speaks to, as its configuration would name it."""

    async def probe(self, client_id: str) -> Sequence[Check]:
        """Try to reach the broker under that name, a step at a time; see `lapel.link.probe`."""

    async def close(self) -> None:
        """The run is over."""


class Delay:
    """How long messages take one way, in order: none overtakes another."""

    def __init__(self, rng: random.Random) -> None:
        self.latency_s = self.loss = 0.0
        self._rng = rng
        self._free_s = 0.0

    def due_s(self, now_s: float) -> float:
        """When what is sent now arrives."""
        takes_s, retry_s = self.latency_s, RETRY_S
        while self.loss and self._rng.random() < self.loss:
            takes_s, retry_s = takes_s + retry_s, 2 * retry_s
        self._free_s = max(self._free_s, now_s + takes_s)
        return self._free_s

    def is_busy(self, now_s: float) -> bool:
        """Whether something is still on its way, which nothing that is sent now can overtake."""
        return self._free_s > now_s

    def reset(self) -> None:
        """A new connection: nothing waits behind what the one before had on its way."""
        self._free_s = 0.0


class VirtualBroker:
    """Retains, delivers, keeps wills. The outside world stops and starts it; `observers` hear everything."""

    def __init__(self) -> None:
        self.retained: dict[str, bytes] = {}
        self.observers: list[Callable[[str, bytes], None]] = []
        self.is_up = True
        self._sessions: dict[str, VirtualConnection] = {}
        self._listeners: dict[str, list[VirtualConnection]] = {}

    # -- the outside world ---------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Every connection is lost, and no will is published: who should? What was retained is kept on its disk."""
        self.is_up = False
        for connection in list(self._sessions.values()):
            self.forget(connection)
            connection.lose("the broker closed the connection")

    def start(self) -> None:
        """It is there again."""
        self.is_up = True

    def say(self, topic: str, payload: bytes) -> int:
        """An operator publishes; how many it reached. Nobody, while the broker is away."""
        return self.deliver(Envelope(topic, payload, 1, False)) if self.is_up else 0

    # -- for connections -----------------------------------------------------------------------------------------------

    def called(self, link: LinkSection) -> str:  # noqa: ARG002  # there is but one
        """The broker that somebody with these settings dials, for his errors."""
        return "virtual broker"

    def refusal(self, link: LinkSection) -> str:
        """Why somebody with these settings gets no connection; empty when he gets one."""
        last = self.steps(link)[-1]
        return "" if last.ok else last.finding

    def steps(self, link: LinkSection) -> list[Check]:  # noqa: ARG002  # whatever is dialled, this answers
        """How far somebody with these settings gets; the last is the one that fails, if one does."""
        if not self.is_up:
            return [Check("tcp", False, "connection refused")]
        return [Check("mqtt", True, "the broker lets this camera in")]

    def admit(self, connection: "VirtualConnection") -> None:
        """A new session; an older one of the same client id is taken over."""
        older = self._sessions.get(connection.client_id)
        if older is not None:
            self.bury(older)
            older.lose("the session was taken over")
        self._sessions[connection.client_id] = connection

    def knows(self, connection: "VirtualConnection") -> bool:
        """Whether it is still its client's."""
        return self._sessions.get(connection.client_id) is connection

    def listen(self, connection: "VirtualConnection", topic: str) -> None:
        """From now on it hears this topic; what is retained there comes first."""
        listeners = self._listeners.setdefault(topic, [])
        if connection not in listeners:
            listeners.append(connection)
        if topic in self.retained:
            connection.hear(Inbound(topic, self.retained[topic], retain=True))

    def deliver(self, message: Envelope) -> int:
        """To the observers, and to whoever listens; how many of these it reached."""
        if message.retain:
            self.retained[message.topic] = message.payload
        for observer in self.observers:
            observer(message.topic, message.payload)
        inbound = Inbound(message.topic, message.payload)
        return sum(listener.hear(inbound) for listener in self._listeners.get(message.topic, ()))

    def forget(self, connection: "VirtualConnection") -> None:
        """It is gone, with its will."""
        if self._sessions.get(connection.client_id) is connection:
            del self._sessions[connection.client_id]
        for topic in connection.topics:
            self._listeners[topic].remove(connection)
        connection.topics.clear()

    def bury(self, connection: "VirtualConnection") -> None:
        """It was lost without a word: its will is published."""
        if self._sessions.get(connection.client_id) is connection:
            self.forget(connection)
            if connection.will is not None:
                self.deliver(connection.will)


class VirtualNetwork:
    """One camera's line. Implements `SimulatedNetwork`."""

    def __init__(self, broker: VirtualBroker, keepalive_s: float = 30.0, rng: random.Random | None = None) -> None:
        """`rng` decides which messages are lost on a bad line."""
        self._broker, self._keepalive_s = broker, keepalive_s
        rng = rng or random.Random(0)
        self.out, self.back = Delay(rng), Delay(rng)
        self._connections: list[VirtualConnection] = []
        self._link = _ANY
        self.is_plugged = True
        self.is_half_open = False
        self.has_power = True
        self.history: list[str] = []
        """What happened to it, in order."""

    def __str__(self) -> str:
        return self._broker.called(self._link)

    def dial(self, link: LinkSection) -> None:
        """See `SimulatedNetwork.dial`."""
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
        connection = VirtualConnection(self, self._broker, hello)
        self._broker.admit(connection)
        for way in (self.out, self.back):
            way.reset()
        self._connections.append(connection)
        try:
            yield connection
        finally:
            self._connections.remove(connection)
            is_clear = not self.out.is_busy(asyncio.get_running_loop().time())
            if self.reaches and not connection.is_lost and is_clear:
                self._broker.forget(connection)  # a clean goodbye, which does not overtake what was sent before it
            elif not connection.is_lost:
                self._let_die(connection)

    @property
    def is_down(self) -> bool:
        """See `SimulatedNetwork.is_down`."""
        return not self.reaches

    @property
    def reaches(self) -> bool:
        """Whether what is sent arrives."""
        return self.is_plugged and not self.is_half_open and self.has_power

    def unplug(self) -> None:
        """The camera sees its interface go down; the broker has to find out."""
        self.history.append("unplug")
        self.is_plugged = False
        for connection in list(self._connections):
            self._let_die(connection)
            connection.lose(_UNREACHABLE)

    def plug_in(self) -> None:
        """The interface is up again."""
        self.history.append("plug in")
        self.is_plugged = True

    def half_open(self) -> None:
        """Nothing arrives any more, in neither direction; both ends have to find out."""
        self.history.append("half open")
        self.is_half_open = True
        loop = asyncio.get_running_loop()
        for connection in self._connections:
            connection.goes_silent(loop.call_later(2 * self._keepalive_s, connection.lose, "keepalive timed out"))
            self._let_die(connection)

    def mend(self) -> None:
        """What is sent arrives again; a connection that nobody has given up yet lives on."""
        self.history.append("mend")
        self.is_half_open = False
        for connection in self._connections:
            connection.recovers()
            if not self._broker.knows(connection):
                connection.lose("the broker closed the connection")

    def worsen(self, latency_s: float = 0.0, loss: float = 0.0) -> None:
        """See `SimulatedNetwork.worsen`."""
        self.history.append(f"latency {latency_s:g} s, loss {loss:g}")
        for way in (self.out, self.back):
            way.latency_s, way.loss = latency_s, loss

    def lose_power(self) -> None:
        """Whatever the firmware still tries to send is not sent."""
        self.history.append("power lost")
        self.has_power = False

    def gain_power(self) -> None:
        """The next connect works again."""
        self.has_power = True

    async def probe(self, client_id: str) -> Sequence[Check]:  # noqa: ARG002  # in memory nobody asks
        """See `SimulatedNetwork.probe`."""
        if not self.is_plugged:
            return [Check("route", False, _UNREACHABLE)]
        if self.is_half_open:
            return [Check("tcp", False, f"no answer within {ACK_TIMEOUT_S:g} s")]
        return self._broker.steps(self._link)

    async def close(self) -> None:
        """Nothing to close."""

    def _let_die(self, connection: "VirtualConnection") -> None:
        handle = asyncio.get_running_loop().call_later(
            WILL_AFTER_KEEPALIVES * self._keepalive_s, self._broker.bury, connection
        )
        connection.is_mourned_by(handle)


class VirtualConnection:
    """Implements `lapel.link.transport.Connection`."""

    resumes = False

    def __init__(self, network: VirtualNetwork, broker: VirtualBroker, hello: Hello) -> None:
        self.client_id, self.will = hello.client_id, hello.will
        self.topics: list[str] = []
        self.is_lost = False
        self._network, self._broker = network, broker
        self._reason = ""
        self._incoming = Inbox[Inbound | None]()
        self._silence: asyncio.TimerHandle | None = None
        self._burial: asyncio.TimerHandle | None = None

    async def subscribe(self, *topics: str, qos: int = 1) -> None:  # noqa: ARG002 (in memory nothing is lost)
        """See `Connection.subscribe`."""
        await self._travel()
        for topic in topics:
            self.topics.append(topic)
            self._broker.listen(self, topic)

    async def publish(self, message: Envelope) -> None:
        """See `Connection.publish`."""
        if message.qos == 0 and not self._network.reaches:
            return
        await self._travel(message)

    async def messages(self) -> AsyncGenerator[Inbound, None]:
        """See `Connection.messages`."""
        while (message := await self._incoming.get()) is not None:
            yield message
        raise LinkError(f"{self._network}: {self._reason}")

    def hear(self, message: Inbound) -> bool:
        """The broker hands it over; whether the line let it. One that the client has given up takes nothing more."""
        if self.is_lost or not self._network.reaches:
            return False
        loop = asyncio.get_running_loop()
        due_s = self._network.back.due_s(loop.time())
        if due_s > loop.time():
            loop.call_at(due_s, self._incoming.put, message)
        else:
            self._incoming.put(message)
        return True

    def lose(self, reason: str) -> None:
        """The client finds out."""
        if not self.is_lost:
            self.is_lost, self._reason = True, reason
            self._incoming.put(None)

    def goes_silent(self, finding_out: asyncio.TimerHandle) -> None:
        """The client will find out then."""
        self._silence = finding_out

    def is_mourned_by(self, burial: asyncio.TimerHandle) -> None:
        """The broker will find out then."""
        if self._burial is None:
            self._burial = burial
        else:
            burial.cancel()

    def recovers(self) -> None:
        """Neither has to."""
        for handle in (self._silence, self._burial):
            if handle is not None:
                handle.cancel()
        self._silence = self._burial = None

    async def _travel(self, message: Envelope | None = None) -> None:
        """To the broker, which takes `message`, and back. A line that is dead, or too bad to bring the acknowledgement
        in time, costs its time-out: the sender gives the connection up then, and nothing arrives later.
        """
        until_s = asyncio.get_running_loop().time() + ACK_TIMEOUT_S
        await self._pass(self._network.out, until_s)
        if message is not None:
            self._broker.deliver(message)
        if self._network.back.latency_s:
            await self._pass(self._network.back, until_s)

    async def _pass(self, way: Delay, until_s: float) -> None:
        now_s = asyncio.get_running_loop().time()
        due_s = way.due_s(now_s) if self._network.reaches else math.inf
        await asyncio.sleep(min(due_s, until_s) - now_s)
        if self.is_lost or not self._network.reaches or due_s > until_s:
            raise LinkError(f"{self._network}: {self._reason or 'no acknowledgement came'}")

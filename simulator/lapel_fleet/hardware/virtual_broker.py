"""An MQTT broker in memory: retained messages, subscriptions, last wills and outages, in virtual time too.

It behaves as Mosquitto was observed to: when a client id connects again, the last will of the old session is published
before the new session is accepted.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from lapel.check import Check
from lapel.config import LinkSection
from lapel.link.transport import Envelope, Inbound
from lapel_fleet.hardware.delivery_faults import Delivery, DeliveryFaults


class BrokerConnection(Protocol):
    """A client's connection, as the broker uses it."""

    client_id: str
    will: Envelope | None
    number: int
    """Of this connection among the camera's."""
    topics: list[str]
    """Those it has subscribed to."""

    @property
    def deliveries(self) -> DeliveryFaults | None:
        """What happens to its messages on the way to back ends; None when nothing ever did."""

    def deliver(self, message: Inbound) -> bool:
        """Send a message to the client. Returns whether the network took it."""

    def lose(self, reason: str) -> None:
        """Let the client notice that the connection is lost."""


class VirtualBroker:
    """A broker in memory. The outside world stops and starts it; `observers` receive every message."""

    def __init__(self) -> None:
        self.retained: dict[str, bytes] = {}
        self.observers: list[Callable[[str, bytes], None]] = []
        self.back_ends: list[Callable[[str, bytes], None]] = []
        """Receive every message as late, as often and in the order that delivery faults make of it."""
        self.is_up = True
        self._sessions: dict[str, BrokerConnection] = {}
        self._subscribers: dict[str, list[BrokerConnection]] = {}

    # -- the outside world ---------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Lose every connection. No last will is published; retained messages are kept, as on a disk."""
        self.is_up = False
        for connection in list(self._sessions.values()):
            self.disconnect(connection)
            connection.lose("the broker closed the connection")

    def start(self) -> None:
        """Accept connections again."""
        self.is_up = True

    def publish(self, topic: str, payload: bytes) -> int:
        """Publish as an operator. Returns the number of subscribers reached: 0 while the broker is stopped."""
        return self.deliver(Envelope(topic, payload, 1, False)) if self.is_up else 0

    # -- for connections -----------------------------------------------------------------------------------------------

    def name_for(self, link: LinkSection) -> str:  # noqa: ARG002  # there is only one broker
        """The name of the broker that these settings lead to, for error messages."""
        return "virtual broker"

    def refusal(self, link: LinkSection) -> str:
        """Why a client with these settings gets no connection; empty when it gets one."""
        last = self.connect_steps(link)[-1]
        return "" if last.ok else last.finding

    def connect_steps(self, link: LinkSection) -> Sequence[Check]:  # noqa: ARG002  # accepts any settings
        """The steps of connecting with these settings, up to the one that fails, if one does."""
        if not self.is_up:
            return [Check("tcp", False, "connection refused")]
        return [Check("mqtt", True, "the broker accepts this camera")]

    def accept(self, connection: BrokerConnection) -> None:
        """Begin a session; an older session of the same client id is taken over."""
        older = self._sessions.get(connection.client_id)
        if older is not None:
            self.expire(older)
            older.lose("the session was taken over")
        self._sessions[connection.client_id] = connection

    def has(self, connection: BrokerConnection) -> bool:
        """Whether the connection still is its client's session."""
        return self._sessions.get(connection.client_id) is connection

    def subscribe(self, connection: BrokerConnection, topic: str) -> None:
        """Deliver this topic to the connection from now on, the retained message first."""
        subscribers = self._subscribers.setdefault(topic, [])
        if connection not in subscribers:
            subscribers.append(connection)
        if topic in self.retained:
            connection.deliver(Inbound(topic, self.retained[topic], retain=True))

    def deliver(self, message: Envelope, source: BrokerConnection | None = None) -> int:
        """Deliver to observers, back ends and subscribers. Returns the number of subscribers reached. `source`: the
        connection that it came over, or whose last will it is.
        """
        if message.retain:
            self.retained[message.topic] = message.payload
        for observer in self.observers:
            observer(message.topic, message.payload)
        if self.back_ends:
            self._send_to_back_ends(message, source)
        inbound = Inbound(message.topic, message.payload)
        return sum(subscriber.deliver(inbound) for subscriber in self._subscribers.get(message.topic, ()))

    def deliver_to_back_ends(self, message: Envelope | Delivery) -> None:
        """Hand a message to the back ends, now."""
        for receive in self.back_ends:
            receive(message.topic, message.payload)

    def _send_to_back_ends(self, message: Envelope, source: BrokerConnection | None) -> None:
        faults = source.deliveries if source is not None else None
        if source is None or faults is None:
            self.deliver_to_back_ends(message)
            return
        delivery = delivery_of(message, source.number)
        if message is source.will and faults.keeps_will(delivery):
            return
        if faults.takes(delivery):
            faults.take(delivery)
        else:
            faults.observe(delivery)
            self.deliver_to_back_ends(message)

    def disconnect(self, connection: BrokerConnection) -> None:
        """End a connection and discard its last will."""
        if self.has(connection):
            del self._sessions[connection.client_id]
        for topic in connection.topics:
            self._subscribers[topic].remove(connection)
        connection.topics.clear()

    def expire(self, connection: BrokerConnection) -> None:
        """End a connection that closed without a DISCONNECT, and publish its last will. Harmless when it has ended."""
        if self.has(connection):
            self.disconnect(connection)
            if connection.will is not None:
                self.deliver(connection.will, connection)


def delivery_of(message: Envelope, connection: int) -> Delivery:
    """The message, on its way over the `connection`-th connection of its camera."""
    return Delivery(message.topic, message.payload, message.qos, message.retain, connection)

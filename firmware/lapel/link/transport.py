"""The interface to MQTT: connect, subscribe, publish, receive. `mqtt.py` implements it for real brokers; the simulator
implements it in memory, with outages and back-off in virtual time.

The session's own waiting (back-off, time-outs) runs on the event loop's time: virtual where the loop is.
"""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from lapel.errors import LinkError


class PublishRefused(LinkError):
    """The broker refused one message. The connection is up."""

    def __init__(self, message: str, *, is_permanent: bool) -> None:
        """`is_permanent`: the message itself is refused (its size, its topic). Else this camera may not publish there,
        or not now: the same message may be accepted later.
        """
        super().__init__(message)
        self.is_permanent = is_permanent


@dataclass(frozen=True, slots=True)
class Envelope:
    """An outgoing MQTT publication."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    correlation: bytes | None = None
    """MQTT 5: the correlation data of the command that this answers. Left out on 3.1.1."""
    expiry_s: int | None = None
    """MQTT 5: seconds that the broker may keep it for a client that is not connected. Left out on 3.1.1."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A received message with its MQTT 5 properties; on 3.1.1 the last three are None."""

    topic: str
    payload: bytes
    retain: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry_s: float | None = None
    """Seconds that it may still be carried out, counted by the broker while it waited there."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The content of an MQTT CONNECT: client id, last will, and whether to resume the session."""

    client_id: str
    will: Envelope | None = None
    resume: bool = False
    """Whether the broker queues messages while this client is offline (MQTT 5 only; elsewhere a clean start)."""


class Connection(Protocol):
    """A live connection. Every method raises LinkError once it is lost. What the broker announced that it does not
    support (QoS, retained messages, large packets) is not sent to it.
    """

    @property
    def resumes(self) -> bool:
        """Whether the broker may now deliver what it queued while this client was offline."""

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        """Subscribe to these topics; their retained messages come first. Raises LinkError when one is refused."""

    async def publish(self, message: Envelope) -> None:
        """Send it; with QoS 1, return when the broker has acknowledged it. Raises PublishRefused when it refuses it."""

    def messages(self) -> AsyncGenerator[Inbound, None]:
        """The received messages, in order of arrival, also those from before the subscription. Ends only by raising."""

    def abort(self) -> None:
        """End it without a DISCONNECT, so that the broker publishes the last will."""


class Transport(Protocol):
    """Connects to a broker. Where there are several, each failed `connect` moves on to the next."""

    def connect(self, hello: Hello) -> AbstractAsyncContextManager[Connection]:
        """Names are looked up anew each time. Raises LinkError, also when a session of the same client id takes over.
        Leaving without an exception disconnects cleanly, so that the broker does not publish the will; unless the
        connection was aborted.
        """

    def __str__(self) -> str:
        """The broker that is being tried or used: `host:port`. No secrets."""

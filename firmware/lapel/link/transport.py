"""What a session needs of MQTT: connect, subscribe, publish, listen. `mqtt.py` does it with a real broker; the
simulator has one in memory, on which outages and back-off exist in virtual time too.

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
    """A message as MQTT carries it."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    correlation: bytes | None = None
    """MQTT 5: what the asker wants to get back with the answer. Left out on 3.1.1."""
    expiry_s: int | None = None
    """MQTT 5: seconds that the broker may keep it for a client that is not connected. Left out on 3.1.1."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that came in, with what MQTT 5 says of it; on 3.1.1 the last three are None."""

    topic: str
    payload: bytes
    retain: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry_s: float | None = None
    """Seconds that it may still be carried out, counted by the broker while it waited there."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who connects, and what the broker is to say if the connection is lost."""

    client_id: str
    will: Envelope | None = None
    resume: bool = False
    """Whether the broker is to keep what comes in for us while we are away (MQTT 5 only; elsewhere a clean start)."""


class Connection(Protocol):
    """A live connection. Every method raises LinkError once it is lost. What the broker announced that it does not
    support (QoS, retained messages, large packets) is not sent to it.
    """

    @property
    def resumes(self) -> bool:
        """Whether the broker may now hand over what it kept while we were away."""

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        """Subscribe to these topics; their retained messages come first. Raises LinkError when one is refused."""

    async def publish(self, message: Envelope) -> None:
        """Send it; with QoS 1, return when the broker has acknowledged it. Raises PublishRefused when it refuses it."""

    def messages(self) -> AsyncGenerator[Inbound, None]:
        """What comes in, in the order of its arrival, from before the subscription on. Ends only by raising."""


class Transport(Protocol):
    """The way to a broker. Where there are several, each failed `connect` moves on to the next."""

    def connect(self, hello: Hello) -> AbstractAsyncContextManager[Connection]:
        """Names are looked up anew each time. Raises LinkError, also when a session of the same client id takes over.
        Leaving without an exception disconnects cleanly, so that the broker keeps the will to itself.
        """

    def __str__(self) -> str:
        """The broker that is being tried or used: `host:port`. No secrets."""

"""The back end under examination: how stories are delivered to it, in memory or through a broker.

In memory it is an object that is handed each message; the broker's part (retained messages) is played here.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from lapel.clock import Clock
from lapel.errors import LapelError, LinkError
from lapel.link.mqtt import MqttTransport
from lapel.link.transport import Connection, Envelope, Hello
from lapel_fleet.broker.address import Address
from lapel_fleet.control.conformance.probes import ObjectProbe, Probe
from lapel_fleet.time.loop_thread import LoopThread

_KEEPALIVE_S = 30
_TRIES = 3
"""A broker that knows only MQTT 3.1.1 refuses the first connect."""


class BackEndError(LapelError):
    """The back end raised an error while it was handed a message: a client library would stop receiving there."""


class Subject(Protocol):
    """A back end that can be given messages, stopped, started and asked."""

    is_immediate: bool
    """Whether it has processed a message when `publish` returns: then nothing needs to be waited for."""
    can_restart: bool

    def publish(self, envelope: Envelope) -> None:
        """Deliver a message to the back end's broker."""

    def stop(self) -> None:
        """End the back end. Only where `can_restart`."""

    def start(self, *, empty: bool) -> None:
        """Start it again; `empty`: with an empty database."""

    def ask(self, camera: str) -> Mapping[str, Any]:
        """See `Probe.ask`."""


class MemorySubject:
    """An object with `receive(topic, payload, retain)` and the methods of a probe. No broker, no waiting.

    With `stop()` and `start(empty)` it can be restarted.
    """

    is_immediate = True

    def __init__(self, back_end: Any) -> None:
        self._back_end, self._probe = back_end, ObjectProbe(back_end)
        self._retained: dict[str, bytes] = {}
        self._is_stopped = False
        self.can_restart = can_restart(back_end)

    def publish(self, envelope: Envelope) -> None:
        """See `Subject.publish`."""
        if envelope.retain and envelope.payload:
            self._retained[envelope.topic] = envelope.payload
        elif envelope.retain:
            self._retained.pop(envelope.topic, None)
        if not self._is_stopped:
            self._hand_over(envelope.topic, envelope.payload, retain=False)

    def stop(self) -> None:
        """See `Subject.stop`."""
        self._is_stopped = True
        self._back_end.stop()

    def start(self, *, empty: bool) -> None:
        """See `Subject.start`."""
        self._back_end.start(empty)
        self._is_stopped = False
        for topic, payload in self._retained.items():
            self._hand_over(topic, payload, retain=True)

    def ask(self, camera: str) -> Mapping[str, Any]:
        """See `Subject.ask`."""
        return self._probe.ask(camera)

    def _hand_over(self, topic: str, payload: bytes, *, retain: bool) -> None:
        try:
            self._back_end.receive(topic, payload, retain)
        except Exception as error:
            raise BackEndError(f"receive({topic!r}, …) raised {type(error).__name__}: {error}") from error


class Restarter(Protocol):
    """Ends and starts the back end."""

    def stop(self) -> None:
        """End it; return when it has ended."""

    def start(self, empty: bool) -> None:
        """Start it; it need not be ready at return."""


class BrokerSubject:
    """A back end that is connected to a broker, and asked through a probe."""

    is_immediate = False

    def __init__(self, address: Address, probe: Probe, restarter: Restarter | None, client_id: str) -> None:
        """Raises LinkError without a broker."""
        self._probe, self._restarter = probe, restarter
        self.can_restart = restarter is not None
        transport = MqttTransport(address.of_operator(), keepalive_s=_KEEPALIVE_S)
        self._thread: LoopThread[Connection] = LoopThread(_connected(transport, client_id), "lapel-conformance")

    def publish(self, envelope: Envelope) -> None:
        """See `Subject.publish`. Returns when the broker has acknowledged it."""
        self._thread.call(lambda connection: connection.publish(envelope))

    def stop(self) -> None:
        """See `Subject.stop`."""
        assert self._restarter is not None
        self._restarter.stop()

    def start(self, *, empty: bool) -> None:
        """See `Subject.start`."""
        assert self._restarter is not None
        self._restarter.start(empty)

    def ask(self, camera: str) -> Mapping[str, Any]:
        """See `Subject.ask`."""
        return self._probe.ask(camera)

    def close(self) -> None:
        """Disconnect. The probe belongs to the caller."""
        self._thread.close()


@asynccontextmanager
async def _connected(transport: MqttTransport, client_id: str) -> AsyncIterator[Connection]:
    for attempt in range(1, _TRIES + 1):
        context = transport.connect(Hello(client_id))
        try:
            connection = await context.__aenter__()
        except LinkError:
            if attempt == _TRIES:
                raise
            continue
        try:
            yield connection
        finally:
            await context.__aexit__(None, None, None)
        return


def can_restart(back_end: object) -> bool:
    """Whether an object has the methods with which it is stopped and started."""
    return all(callable(getattr(back_end, one, None)) for one in ("stop", "start"))


def wait_until(is_reached: Callable[[], bool], within_s: float, clock: Clock, sleep: Callable[[float], object]) -> bool:
    """Whether it is reached within that much real time."""
    deadline_s = clock.mono_s() + within_s
    while not is_reached():
        if clock.mono_s() > deadline_s:
            return False
        sleep(0.02)
    return True

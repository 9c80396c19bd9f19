"""The network link of a camera to a real broker, over real sockets. A relay on it makes it possible to disturb it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from lapel.check import Check
from lapel.config import LinkSection
from lapel.errors import LinkError
from lapel.link.broker_address import Broker
from lapel.link.mqtt import MqttTransport
from lapel.link.probe import probe_brokers
from lapel.link.transport import Connection, Hello
from lapel_fleet.hardware.tcp_relay import TcpRelay


class RelayedNetwork:
    """One camera's link to a real broker. Implements `SimulatedNetwork`; without a relay it can only lose power."""

    def __init__(
        self,
        brokers: Sequence[Broker],
        keepalive_s: float,
        admission: Callable[[], Awaitable[None]],
        relay: TcpRelay | None,
        bind_address: str = "",
    ) -> None:
        """`bind_address`: see `MqttTransport`; not used with a relay, which opens the connections then."""
        self._brokers, self._keepalive_s, self._admission = brokers, max(2, round(keepalive_s)), admission
        self._relay = relay
        self._transport = MqttTransport(
            brokers, keepalive_s=self._keepalive_s, admission=admission, bind_address=bind_address
        )
        self.history: list[str] = []
        """What was done to the link, in order."""

    def __str__(self) -> str:
        return str(self._transport)

    disturbs_every_subscriber = True

    @property
    def is_down(self) -> bool:
        """See `SimulatedNetwork.is_down`."""
        return self._relay is not None and not self._relay.forwards

    def connect(self, hello: Hello) -> AbstractAsyncContextManager[Connection]:
        """See `Transport.connect`."""
        return self._transport.connect(hello) if self._relay is None else self._connect_through(self._relay, hello)

    @asynccontextmanager
    async def _connect_through(self, relay: TcpRelay, hello: Hello) -> AsyncIterator[Connection]:
        if not relay.port:
            await self._open(relay)
        async with self._transport.connect(hello) as connection:
            yield connection

    def unplug(self) -> None:
        """See `SimulatedNetwork.unplug`."""
        self.history.append("unplug")
        self._required_relay.cut()

    def plug_in(self) -> None:
        """See `SimulatedNetwork.plug_in`."""
        self.history.append("plug in")
        self._required_relay.restore()

    def make_half_open(self) -> None:
        """See `SimulatedNetwork.make_half_open`."""
        self.history.append("half open")
        self._required_relay.pause()

    def restore(self) -> None:
        """See `SimulatedNetwork.restore`."""
        self.history.append("restore")
        self._required_relay.restore()

    def degrade(self, latency_s: float = 0.0, loss: float = 0.0) -> None:
        """See `SimulatedNetwork.degrade`."""
        self.history.append(f"latency {latency_s:g} s, loss {loss:g}")
        for direction in (self._required_relay.outbound, self._required_relay.inbound):
            direction.latency_s, direction.loss = latency_s, loss

    def disturb_delivery(self, kind: str, session_of: Callable[[bytes], str], latency_s: float) -> Callable[[], object]:
        """See `SimulatedNetwork.disturb_delivery`."""
        relay = self._required_relay
        broker = self._brokers[0]
        if broker.tls is not None or broker.websocket_path is not None:
            raise LinkError(f"{self}: {kind}: messages cannot be distinguished through TLS or WebSocket; use mqtt://")
        self.history.append(kind)
        return relay.deliveries.begin(kind, session_of, latency_s)

    def lose_power(self) -> None:
        """See `SimulatedNetwork.lose_power`."""
        self.history.append("power lost")
        self._required_relay.cut()

    def restore_power(self) -> None:
        """See `SimulatedNetwork.restore_power`."""
        if self._relay is not None:
            self._relay.restore()

    def configure(self, link: LinkSection) -> None:
        """See `SimulatedNetwork.configure`. Ignored: the run decides which broker is used, and with which identity."""

    @property
    def address(self) -> str:
        """See `SimulatedNetwork.address`."""
        return " ".join(f"mqtt{'s' if one.tls else ''}://{one}" for one in self._brokers)

    async def probe(self, client_id: str) -> Sequence[Check]:
        """See `SimulatedNetwork.probe`. Bypasses the relay, so faults on the link do not show."""
        return await probe_brokers(self._brokers, client_id)

    async def close(self) -> None:
        """See `SimulatedNetwork.close`."""
        if self._relay is not None:
            await self._relay.close()

    @property
    def _required_relay(self) -> TcpRelay:
        if self._relay is None:
            raise LinkError(f"{self}: this camera's link has no relay for faults; start the run with --run ID")
        return self._relay

    async def _open(self, relay: TcpRelay) -> None:
        await relay.open(self._brokers[0])
        self._transport = MqttTransport(
            self._brokers[:1], keepalive_s=self._keepalive_s, admission=self._admission, via=("127.0.0.1", relay.port)
        )

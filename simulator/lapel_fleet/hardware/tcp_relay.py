"""A real network line that can be cut so that neither end notices: real sockets, through a forwarder of our own.

Kernels without `netem` cannot lose or delay packets on loopback, so one camera's connections pass through here.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from lapel.check import Check
from lapel.config import LinkSection
from lapel.errors import LinkError
from lapel.link.mqtt import Broker, MqttTransport
from lapel.link.probe import probed
from lapel.link.transport import Connection, Hello
from lapel_fleet.hardware.network import Delay


class RelayedNetwork:
    """One camera's line to a real broker. Implements `SimulatedNetwork`; without a cable only its power can go."""

    def __init__(
        self,
        brokers: Sequence[Broker],
        keepalive_s: float,
        admission: Callable[[], Awaitable[None]],
        cable: "TcpRelay | None",
    ) -> None:
        self._brokers, self._keepalive_s, self._admission = brokers, max(2, round(keepalive_s)), admission
        self._cable = cable
        self._transport = MqttTransport(brokers, keepalive_s=self._keepalive_s, admission=admission)
        self.history: list[str] = []
        """What happened to it, in order."""

    def __str__(self) -> str:
        return str(self._transport)

    @property
    def is_down(self) -> bool:
        """See `SimulatedNetwork.is_down`."""
        return self._cable is not None and not self._cable.forwards

    def connect(self, hello: Hello) -> AbstractAsyncContextManager[Connection]:
        """See `Transport.connect`."""
        return self._transport.connect(hello) if self._cable is None else self._through(self._cable, hello)

    @asynccontextmanager
    async def _through(self, cable: "TcpRelay", hello: Hello) -> AsyncIterator[Connection]:
        if not cable.port:
            await self._lay(cable)
        async with self._transport.connect(hello) as connection:
            yield connection

    def unplug(self) -> None:
        """See `SimulatedNetwork.unplug`."""
        self.history.append("unplug")
        self._cabled.cut()

    def plug_in(self) -> None:
        """See `SimulatedNetwork.plug_in`."""
        self.history.append("plug in")
        self._cabled.mend()

    def half_open(self) -> None:
        """See `SimulatedNetwork.half_open`."""
        self.history.append("half open")
        self._cabled.silence()

    def mend(self) -> None:
        """See `SimulatedNetwork.mend`."""
        self.history.append("mend")
        self._cabled.mend()

    def worsen(self, latency_s: float = 0.0, loss: float = 0.0) -> None:
        """See `SimulatedNetwork.worsen`."""
        self.history.append(f"latency {latency_s:g} s, loss {loss:g}")
        for way in (self._cabled.out, self._cabled.back):
            way.latency_s, way.loss = latency_s, loss

    def lose_power(self) -> None:
        """See `SimulatedNetwork.lose_power`."""
        self.history.append("power lost")
        self._cabled.cut()

    def gain_power(self) -> None:
        """See `SimulatedNetwork.gain_power`."""
        if self._cable is not None:
            self._cable.mend()

    def dial(self, link: LinkSection) -> None:
        """See `SimulatedNetwork.dial`. Where the broker is, and who may come, is the run's affair, not the camera's."""

    @property
    def address(self) -> str:
        """See `SimulatedNetwork.address`."""
        return " ".join(f"mqtt{'s' if one.tls else ''}://{one}" for one in self._brokers)

    async def probe(self, client_id: str) -> Sequence[Check]:
        """See `SimulatedNetwork.probe`. Around the cable: what was done to that it does not see."""
        return await probed(self._brokers, client_id)

    async def close(self) -> None:
        """See `SimulatedNetwork.close`."""
        if self._cable is not None:
            await self._cable.close()

    @property
    def _cabled(self) -> "TcpRelay":
        if self._cable is None:
            raise LinkError(f"{self}: nobody can tamper with this camera's line; start the run with --run ID")
        return self._cable

    async def _lay(self, cable: "TcpRelay") -> None:
        await cable.lay(self._brokers[0])
        self._transport = MqttTransport(
            self._brokers[:1], keepalive_s=self._keepalive_s, admission=self._admission, via=("127.0.0.1", cable.port)
        )


class TcpRelay:
    """Forwards from a port on loopback to a broker, until the outside world has its way with it."""

    def __init__(self, rng: random.Random) -> None:
        """`rng` decides what is lost on a bad line."""
        self.port = 0
        self.out, self.back = Delay(rng), Delay(rng)
        self.admits = self.forwards = True
        self._server: asyncio.Server | None = None
        self._broker: Broker | None = None
        self._calls: set[_Call] = set()

    async def lay(self, broker: Broker) -> None:
        """Begin to forward to it."""
        self._broker = broker
        self._server = await asyncio.get_running_loop().create_server(self._camera_end, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """The camera's ends are torn off. The broker's stay in silence, and new calls are hung up on."""
        self.admits = self.forwards = False
        for call in self._calls:
            call.cut()

    def silence(self) -> None:
        """Nothing arrives any more and nobody is told."""
        self.forwards = False
        for call in self._calls:
            call.rest()

    def mend(self) -> None:
        """New calls get through; what was held back of old ones comes late."""
        self.admits = self.forwards = True
        for call in self._calls:
            call.go_on()

    async def close(self) -> None:
        """Hang up at both ends."""
        if self._server is not None:
            self._server.close()
        for call in tuple(self._calls):
            call.end()
        await asyncio.sleep(0)

    def _camera_end(self) -> asyncio.Protocol:
        assert self._broker is not None
        call = _Call(self, self._broker)
        self._calls.add(call)
        return call.camera

    def forget(self, call: "_Call") -> None:
        """Both its ends are gone."""
        self._calls.discard(call)


class _Call:
    """One connection through a cable: two ends, and what is on its way between them."""

    def __init__(self, cable: TcpRelay, broker: Broker) -> None:
        self._cable, self._broker = cable, broker
        self.camera, self.far = _End(self), _End(self)
        self.camera.other, self.far.other = self.far, self.camera
        self._dialling: asyncio.Task[None] | None = None

    def picked_up(self, end: "_End") -> None:
        """The camera calls; it is answered once the broker is reached."""
        if end is self.camera:
            if not self._cable.admits:
                end.hang_up()
                return
            for way in (self._cable.out, self._cable.back):
                way.reset()
            self._dialling = asyncio.create_task(self._dial())
        if not self._cable.forwards:
            end.rest()

    async def _dial(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.far, self._broker.host, self._broker.port)
        except OSError:
            self.camera.hang_up()

    def carry(self, end: "_End", data: bytes) -> None:
        """To the other end, as late as the line is bad."""
        loop, way = asyncio.get_running_loop(), self._cable.out if end is self.camera else self._cable.back
        due_s = way.due_s(loop.time())
        if due_s > loop.time():
            loop.call_at(due_s, end.other.write, data)
        else:
            end.other.write(data)

    def lost(self, end: "_End") -> None:
        """One end hung up: so does the other, unless the line is down and nobody can tell."""
        if self._cable.forwards:
            end.other.hang_up()
        if self.camera.is_gone and self.far.is_gone:
            self._cable.forget(self)

    def cut(self) -> None:
        """See `TcpRelay.cut`."""
        self.far.rest()
        self.camera.hang_up()

    def rest(self) -> None:
        """See `TcpRelay.silence`."""
        for end in (self.camera, self.far):
            end.rest()

    def go_on(self) -> None:
        """See `TcpRelay.mend`. The broker's end of a call that was cut stays silent until the broker gives it up."""
        if not self.camera.is_gone:
            for end in (self.camera, self.far):
                end.go_on()

    def end(self) -> None:
        """Hang up at both ends."""
        if self._dialling is not None:
            self._dialling.cancel()
        for end in (self.camera, self.far):
            end.hang_up()


class _End(asyncio.Protocol):
    """One end of a call."""

    other: "_End"

    def __init__(self, call: _Call) -> None:
        self._call = call
        self._transport: asyncio.Transport | None = None
        self._early = b""
        self.is_gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self.is_gone:  # hung up while it was being dialled
            transport.abort()
            return
        if self._early:
            transport.write(self._early)
        self._call.picked_up(self)

    def data_received(self, data: bytes) -> None:
        """Something to carry."""
        self._call.carry(self, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """The socket is gone."""
        if not self.is_gone or self._transport is not None:
            self.is_gone, self._transport = True, None
            self._call.lost(self)

    def write(self, data: bytes) -> None:
        """To whoever is at this end; kept until somebody is."""
        if self._transport is not None:
            self._transport.write(data)
        elif not self.is_gone:
            self._early += data

    def hang_up(self) -> None:
        """Close, without a word that was not said yet."""
        self.is_gone = True
        if self._transport is not None:
            self._transport.abort()

    def rest(self) -> None:
        """Read no more: what comes stays in the kernel."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

"""A TCP relay on loopback that can cut, pause, delay and lose what passes through it, without either end noticing.

Kernels without `netem` cannot lose or delay packets on loopback, so a camera's connections pass through a relay.
"""

import asyncio
import random

from lapel.link.broker_address import Broker
from lapel_fleet.hardware.delivery_faults import Delivery, DeliveryFaults
from lapel_fleet.hardware.mqtt_relay import MqttRelay
from lapel_fleet.hardware.network import DeliveryDelay


class TcpRelay:
    """Forwards connections from a port on loopback to a broker, until the outside world disturbs it."""

    def __init__(self, rng: random.Random) -> None:
        """`rng` decides what is lost on a bad link."""
        self.port = 0
        """0 until `open`."""
        self.outbound, self.inbound = DeliveryDelay(rng), DeliveryDelay(rng)
        self.accepts = self.forwards = True
        self.deliveries = DeliveryFaults(self._deliver, asyncio.get_running_loop)
        """Faults that concern messages, where the connection is MQTT without encryption."""
        self._newest: MqttRelay | None = None
        self._undelivered: list[Delivery] = []
        self._server: asyncio.Server | None = None
        self._broker: Broker | None = None
        self._connections: set[_RelayedConnection] = set()

    async def open(self, broker: Broker) -> None:
        """Listen, and forward to that broker."""
        self._broker = broker
        self._server = await asyncio.get_running_loop().create_server(self._camera_side, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Abort the camera's sides and refuse new connections. The broker's sides stay open and receive nothing."""
        self.accepts = self.forwards = False
        for connection in self._connections:
            connection.cut()

    def pause(self) -> None:
        """Forward nothing in either direction, and close nothing."""
        self.forwards = False
        for connection in self._connections:
            connection.pause()

    def restore(self) -> None:
        """Accept and forward again. What was held back in a paused connection is forwarded now."""
        self.accepts = self.forwards = True
        for connection in self._connections:
            connection.resume()

    async def close(self) -> None:
        """Close both sides of every connection and stop listening."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        await asyncio.sleep(0)

    def remove(self, connection: "_RelayedConnection") -> None:
        """Drop a connection whose two sides are closed."""
        self._connections.discard(connection)

    def _camera_side(self) -> asyncio.Protocol:
        assert self._broker is not None
        connection = _RelayedConnection(self, self._broker)
        self._connections.add(connection)
        return connection.camera

    @property
    def reads_mqtt(self) -> bool:
        """Whether messages can be distinguished: not through TLS, nor in WebSocket frames."""
        return self._broker is not None and self._broker.tls is None and self._broker.websocket_path is None

    def mqtt_of(self, connection: "_RelayedConnection") -> MqttRelay | None:
        """The MQTT of a new connection, which also sends what the one before did not; None where it cannot be read."""
        if not self.reads_mqtt:
            return None
        number = self._newest.number + 1 if self._newest else 1
        newest = MqttRelay(
            self.deliveries, number, connection.write_to_camera, connection.write_to_broker, connection.close
        )
        undelivered = [*(self._newest.unsent if self._newest else ()), *self._undelivered]
        self._newest, self._undelivered = newest, []
        for one in undelivered:
            newest.send(one)
        return newest

    def _deliver(self, delivery: Delivery) -> None:
        if self._newest is None:
            self._undelivered.append(delivery)
        else:
            self._newest.send(delivery)


class _RelayedConnection:
    """One connection through a relay: its two sides, and the data on its way between them."""

    def __init__(self, relay: TcpRelay, broker: Broker) -> None:
        self._relay, self._broker_address = relay, (broker.host, broker.port)
        self.camera, self.broker = _Side(self), _Side(self)
        self.camera.other, self.broker.other = self.broker, self.camera
        self._mqtt: MqttRelay | None = None
        self._connecting: asyncio.Task[None] | None = None

    def on_open(self, side: "_Side") -> None:
        """A side's socket is open: the camera's opens first, then the relay connects to the broker."""
        if side is self.camera:
            if not self._relay.accepts:
                side.abort()
                return
            for direction in (self._relay.outbound, self._relay.inbound):
                direction.reset()
            self._mqtt = self._relay.mqtt_of(self)
            self._connecting = asyncio.create_task(self._connect())
        if not self._relay.forwards:
            side.pause()

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.broker, *self._broker_address)
        except OSError:
            self.camera.abort()

    def forward(self, side: "_Side", data: bytes) -> None:
        """Write data that `side` received to the other side, as late as the link makes it."""
        if self._mqtt is not None:
            data = self._mqtt.from_camera(data) if side is self.camera else self._mqtt.from_broker(data)
        if data:
            self._write(side.other, data)

    def write_to_camera(self, data: bytes) -> None:
        """Write to the camera, as late as the link makes it."""
        self._write(self.camera, data)

    def write_to_broker(self, data: bytes) -> None:
        """Write to the broker, as late as the link makes it."""
        self._write(self.broker, data)

    def _write(self, to: "_Side", data: bytes) -> None:
        loop = asyncio.get_running_loop()
        direction = self._relay.outbound if to is self.broker else self._relay.inbound
        due_s = direction.due_s(loop.time())
        if due_s > loop.time():
            loop.call_at(due_s, to.write, data)
        else:
            to.write(data)

    def on_closed(self, side: "_Side") -> None:
        """A side is closed: close the other too, unless the link is down, where it could not notice."""
        if side is self.camera and self._mqtt is not None:
            self._mqtt.on_lost()
        if self._relay.forwards:
            side.other.abort()
        if self.camera.is_closed and self.broker.is_closed:
            self._relay.remove(self)

    def cut(self) -> None:
        """See `TcpRelay.cut`."""
        self.broker.pause()
        self.camera.abort()

    def pause(self) -> None:
        """See `TcpRelay.pause`."""
        for side in (self.camera, self.broker):
            side.pause()

    def resume(self) -> None:
        """See `TcpRelay.restore`. The broker's side of a connection that was cut stays silent until the broker closes
        it.
        """
        if not self.camera.is_closed:
            for side in (self.camera, self.broker):
                side.resume()

    def close(self) -> None:
        """Close both sides."""
        if self._connecting is not None:
            self._connecting.cancel()
        for side in (self.camera, self.broker):
            side.abort()


class _Side(asyncio.Protocol):
    """One side of a relayed connection: a socket, to the camera or to the broker."""

    other: "_Side"

    def __init__(self, connection: _RelayedConnection) -> None:
        self._connection = connection
        self._transport: asyncio.Transport | None = None
        self._early = b""
        self.is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`. Writes what came before the socket was open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self.is_closed:  # aborted while it was connecting
            transport.abort()
            return
        if self._early:
            transport.write(self._early)
        self._connection.on_open(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._connection.forward(self, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """See `asyncio.Protocol`."""
        if not self.is_closed or self._transport is not None:
            self.is_closed, self._transport = True, None
            self._connection.on_closed(self)

    def write(self, data: bytes) -> None:
        """Write to the socket; before it is open, keep the data until it is."""
        if self._transport is not None:
            self._transport.write(data)
        elif not self.is_closed:
            self._early += data

    def abort(self) -> None:
        """Close the socket and drop what is not written yet."""
        self.is_closed = True
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Read no more: data stays in the kernel's buffers."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

"""The control room's connection to a real broker: receives what a run's cameras publish, and publishes commands."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from lapel.errors import LinkError
from lapel.link.broker_address import Broker
from lapel.link.mqtt import MqttTransport
from lapel.link.transport import Connection, Envelope, Hello
from lapel_fleet.time.waiting import wait_for_event

_RETRY_S = 0.5
_KEEPALIVE_S = 15
_QUIET_S = 0.3
_REFUSED_LIMIT_S, _SILENT_LIMIT_S = 5.0, 30.0
"""How long a broker may refuse connections (it may be starting), and how long it may not answer (it may be busy)."""
_MOST_IN_FLIGHT = 100
"""More messages than a broker sends without an acknowledgement (Mosquitto: 20)."""


class Listener:
    """A subscriber that reconnects without limit. The broker queues messages meanwhile (MQTT 5 session)."""

    def __init__(
        self, brokers: Sequence[Broker], agency: str, run_id: str, on_message: Callable[[str, bytes], None]
    ) -> None:
        """`run_id` distinguishes this client from others on the same broker."""
        self._transport = MqttTransport(brokers, keepalive_s=_KEEPALIVE_S)
        self._agency, self._on_message = agency, on_message
        self._hello = Hello(f"lapel-listener/{agency}/{run_id}", resume=True)
        self._to_send: asyncio.Queue[Envelope] = asyncio.Queue()
        self._received = asyncio.Event()
        self._recent: deque[tuple[str, bytes]] = deque(maxlen=_MOST_IN_FLIGHT)
        self.connected = asyncio.Event()
        self.error = ""
        """Why it is not connected; empty when it is."""
        self.broker = "unknown"
        """Name and version, if the broker publishes them."""

    def send(self, envelope: Envelope) -> None:
        """Publish a message as soon as there is a connection."""
        self._to_send.put_nowait(envelope)

    def inconclusive(self) -> list[str]:
        """Why the received messages prove nothing: the broker is gone. Empty while there is a connection."""
        return [] if self.connected.is_set() else [f"the broker is gone: {self.error}"]

    async def run(self) -> None:
        """Connect and reconnect until cancelled."""
        while True:
            try:
                async with self._transport.connect(self._hello) as connection:
                    await self._serve(connection)
            except LinkError as error:
                self.error = str(error)
            finally:
                self.connected.clear()
            await asyncio.sleep(_RETRY_S)

    async def wait_until_connected(self, limit_s: float) -> bool:
        """Whether there is a connection, after at most `limit_s`."""
        return await wait_for_event(self.connected, limit_s)

    async def wait_until_quiet(self, limit_s: float) -> None:
        """Return once no message has arrived for a moment and none is to be sent, or after the limit."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while True:
                    self._received.clear()
                    if not await wait_for_event(self._received, _QUIET_S) and not self._to_send.qsize():
                        return

    async def _serve(self, connection: Connection) -> None:
        tasks = [asyncio.create_task(self._receive(connection)), asyncio.create_task(self._publish(connection))]
        try:
            await connection.subscribe(f"lapel/v1/{self._agency}/+/+/+", "$SYS/broker/version")
            self.error = ""
            self.connected.set()
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in done:
            task.result()

    async def _receive(self, connection: Connection) -> None:
        repeated = set(self._recent) if connection.resumes else set()
        async for message in connection.messages():
            content = (message.topic, message.payload)
            if content in repeated:
                continue  # the broker lacked our acknowledgement and sends it again: the camera did not repeat it
            repeated.clear()
            self._recent.append(content)
            if message.topic == "$SYS/broker/version":
                self.broker = message.payload.decode(errors="replace").replace(" version", "")
            else:
                self._on_message(message.topic, message.payload)
            self._received.set()

    async def _publish(self, connection: Connection) -> None:
        while True:
            await connection.publish(await self._to_send.get())


@asynccontextmanager
async def listening(one: Listener) -> AsyncIterator[Listener]:
    """Keep `one` connected while the block runs. Raises LinkError when it cannot connect at first."""
    task = asyncio.create_task(one.run(), name="listener")
    try:
        if not await one.wait_until_connected(_REFUSED_LIMIT_S) and (
            one.error or not await one.wait_until_connected(_SILENT_LIMIT_S)
        ):
            raise LinkError(f"no connection to the broker: {one.error or 'it does not answer'}")
        yield one
    finally:
        task.cancel()
        await asyncio.wait([task])

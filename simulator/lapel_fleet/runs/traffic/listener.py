"""The control room's line to a real broker: hears everything that a run's cameras say, and publishes commands."""

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
_REFUSED_S, _SILENT_S = 5.0, 30.0
"""A broker that is being started refuses for a moment; one that is only busy takes the call and lets us wait."""
_IN_FLIGHT = 100
"""More than a broker sends before it wants an acknowledgement (Mosquitto: 20)."""


class Listener:
    """Reconnects for ever. The broker keeps what comes in meanwhile (MQTT 5), so that nothing is missed."""

    def __init__(self, brokers: Sequence[Broker], agency: str, run_id: str, hear: Callable[[str, bytes], None]) -> None:
        """`run_id` tells this listener from others at the same broker."""
        self._transport = MqttTransport(brokers, keepalive_s=_KEEPALIVE_S)
        self._agency, self._hear = agency, hear
        self._hello = Hello(f"lapel-listener/{agency}/{run_id}", resume=True)
        self._to_send: asyncio.Queue[Envelope] = asyncio.Queue()
        self._received = asyncio.Event()
        self._lately: deque[tuple[str, bytes]] = deque(maxlen=_IN_FLIGHT)
        self.is_up = asyncio.Event()
        self.trouble = ""
        """Why it does not listen at the moment."""
        self.broker = "unknown"
        """Name and version, where the broker tells."""

    def send(self, envelope: Envelope) -> None:
        """Publish it, as soon as that is possible."""
        self._to_send.put_nowait(envelope)

    def losses(self) -> list[str]:
        """Why what was heard proves nothing, if it does not."""
        return [] if self.is_up.is_set() else [f"the broker is gone: {self.trouble}"]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with self._transport.connect(self._hello) as connection:
                    await self._serve(connection)
            except LinkError as error:
                self.trouble = str(error)
            finally:
                self.is_up.clear()
            await asyncio.sleep(_RETRY_S)

    async def is_heard(self, limit_s: float) -> bool:
        """Whether it listens, at the latest after so many seconds."""
        return await wait_for_event(self.is_up, limit_s)

    async def quiet(self, limit_s: float) -> None:
        """Return once nothing has come for a moment, or after the limit."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while True:
                    self._received.clear()
                    if not await wait_for_event(self._received, _QUIET_S) and not self._to_send.qsize():
                        return

    async def _serve(self, connection: Connection) -> None:
        tasks = [asyncio.create_task(self._listen(connection)), asyncio.create_task(self._speak(connection))]
        try:
            await connection.subscribe(f"lapel/v1/{self._agency}/+/+/+", "$SYS/broker/version")
            self.trouble = ""
            self.is_up.set()
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in done:
            task.result()

    async def _listen(self, connection: Connection) -> None:
        again = set(self._lately) if connection.resumes else set()
        async for message in connection.messages():
            what = (message.topic, message.payload)
            if what in again:
                continue  # a broker that did not get our acknowledgement begins with what we had: no camera repeats it
            again.clear()
            self._lately.append(what)
            if message.topic == "$SYS/broker/version":
                self.broker = message.payload.decode(errors="replace").replace(" version", "")
            else:
                self._hear(message.topic, message.payload)
            self._received.set()

    async def _speak(self, connection: Connection) -> None:
        while True:
            await connection.publish(await self._to_send.get())


@asynccontextmanager
async def listening(one: Listener) -> AsyncIterator[Listener]:
    """It listens while the block runs. Raises LinkError when it cannot begin to."""
    task = asyncio.create_task(one.run(), name="listener")
    try:
        if not await one.is_heard(_REFUSED_S) and (one.trouble or not await one.is_heard(_SILENT_S)):
            raise LinkError(f"the broker cannot be listened to: {one.trouble or 'it does not answer'}")
        yield one
    finally:
        task.cancel()
        await asyncio.wait([task])

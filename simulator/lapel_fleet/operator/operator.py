"""An operator connected to a fleet's broker: receives the cameras' messages, sends commands and collects the replies.

**When are all retained states there?** MQTT does not mark the last retained message. Publishing a message and waiting
for it would mark it, but a fleet's access list lets an operator publish only commands. So the states count as complete
when no retained state arrived for `QUIET_S`; on a machine with two busy cores the longest gap among 5,000 was 0.06 s.

States are subscribed to with QoS 0: with QoS 1, Mosquitto's default limits deliver the first 1,020 retained messages
and drop the rest silently (tried with 1,600); with QoS 0 all of 5,000 arrived, and 12,000 of 13,400.
"""

import asyncio
import math
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import msgspec

from lapel.clock import Clock, iso
from lapel.errors import LinkError
from lapel.link.broker_address import Broker
from lapel.link.contract import LapelV1
from lapel.link.messages import Command, Reply, StateMessage
from lapel.link.mqtt import MqttTransport
from lapel.link.transport import Connection, Envelope, Hello, Inbound
from lapel_fleet.operator.outcomes import Outcome, OutcomeTally
from lapel_fleet.operator.received import ClearedTopic, Received, ReceivedMessage, UnreadableMessage, read, topic

QUIET_S = 0.5
RATE_PER_S = 200.0
"""Commands per second, so that a fleet does not act and reply all at once."""
TIMEOUT_S = 15.0
_KEEPALIVE_S = 30
_INVALID_KEPT = 5

OnMessage = Callable[[Received, StateMessage | None], None]
"""Called with each message, and the camera's last state before it."""


def _ignore(_: Received, __: StateMessage | None) -> None:
    pass


class Operator:
    """An operator of one agency. Use it only in its event loop."""

    def __init__(
        self,
        connection: Connection,
        agency: str,
        clock: Clock,
        on_message: OnMessage,
        states: dict[str, StateMessage | None],
    ) -> None:
        self.states = states
        """The newest state of each camera, by `site/camera`; None if it cannot be read."""
        self.invalid = 0
        """Number of messages that do not fit the contract."""
        self.newest_invalid: deque[str] = deque(maxlen=_INVALID_KEPT)
        self._connection, self._agency, self._clock, self._on_message = connection, agency, clock, on_message
        self._run, self._ids = uuid.uuid4().hex[:8], count(1)  # cameras keep ids after this process has ended
        self._tallies: list[OutcomeTally] = []
        self._received = asyncio.Event()
        self._loss: LinkError | None = None
        self._retained = 0

    # -- receiving ---------------------------------------------------------------------------------------------------

    async def receive(self) -> None:
        """Receive messages until the connection is lost; then `until` raises the error."""
        try:
            async for inbound in self._connection.messages():
                self._take(inbound)
                self._received.set()
        except LinkError as error:
            self._loss = error
            self._received.set()

    async def retained_states(self, quiet_s: float = QUIET_S) -> None:
        """Wait until the retained states have arrived: see above."""
        while await self.until(self._more_retained_than(self._retained), quiet_s):
            pass

    def _more_retained_than(self, so_far: int) -> Callable[[], bool]:
        return lambda: self._retained > so_far

    async def until(self, true: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait, message by message, until `true()`. Returns whether that was in time. Raises LinkError when the
        connection is lost before.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not true():
                    if self._loss is not None:
                        raise self._loss
                    self._received.clear()
                    await self._received.wait()
        except TimeoutError:
            return true()
        return True

    def _take(self, inbound: Inbound) -> None:
        message = read(self._agency, inbound)
        before = self.states.get(message.camera)
        match message:
            case UnreadableMessage():
                self._take_invalid(message)
            case ClearedTopic(camera):
                self.states.pop(camera, None)
            case ReceivedMessage(camera, StateMessage() as state, retained):
                self.states[camera] = state
                self._retained += retained
            case ReceivedMessage(camera, Reply() as reply):
                for tally in self._tallies:
                    tally.take(camera, reply, self._clock.mono_s())
        self._on_message(message, before)

    def _take_invalid(self, message: UnreadableMessage) -> None:
        self.invalid += 1
        self.newest_invalid.append(message.reason)
        if message.kind == "state":
            self.states[message.camera] = None
        elif message.kind == "reply":
            for tally in self._tallies:
                tally.take_invalid(message.camera, message.reason)

    # -- sending -----------------------------------------------------------------------------------------------------

    def tally(self, cameras: Collection[str], *, even_offline: bool = False) -> OutcomeTally:
        """The outcomes of a command to these cameras. Those that are offline will not be sent one."""
        offline = [one for one in cameras if not even_offline and self._is_offline(one)]
        online = [one for one in cameras if one not in set(offline)]
        return OutcomeTally({one: f"operator-{self._run}-{next(self._ids)}" for one in online}, offline)

    async def send(
        self, command: Command, tally: OutcomeTally, *, timeout_s: float = TIMEOUT_S, rate_per_s: float = RATE_PER_S
    ) -> None:
        """Send `command` to each camera of the tally, with the id it has there, and collect the replies until
        `timeout_s` after the last one was sent. A camera without a reply after half that time is sent the command
        again, with the same id: it carries it out once.
        """
        self._tallies.append(tally)
        try:
            await self._send_to(tally.open(), command, tally, rate_per_s)
            if not await self.until(lambda: tally.is_settled, timeout_s / 2):
                await self._send_to(tally.silent(), command, tally, rate_per_s)
                await self.until(lambda: tally.is_settled, timeout_s / 2)
            tally.close(f"within {timeout_s:g} s")
        except LinkError as error:
            tally.close(f"the broker was lost: {error}")
        finally:
            self._tallies.remove(tally)

    async def _send_to(
        self, outcomes: Iterable[Outcome], command: Command, tally: OutcomeTally, rate_per_s: float
    ) -> None:
        """Send at the given rate, without waiting for acknowledgements: a broker may be far away."""
        loss: LinkError | None = None
        began_s = self._clock.mono_s()
        try:
            async with asyncio.TaskGroup() as group:
                for number, one in enumerate(outcomes):
                    await self._clock.sleep(max(0.0, began_s + number / rate_per_s - self._clock.mono_s()))
                    group.create_task(self._send_one(one, command, tally))
        except* LinkError as several:
            loss = next(error for error in several.exceptions if isinstance(error, LinkError))
        if loss is not None:
            raise loss

    async def _send_one(self, one: Outcome, command: Command, tally: OutcomeTally) -> None:
        now = self._clock.now()
        own = msgspec.structs.replace(command, id=one.id, sent_at=iso(now.utc))
        tally.sent(one, now.mono_s)
        out = LapelV1(self._agency, *one.camera.split("/")).encode(own)
        expiry_s = math.ceil(own.ttl_s) if own.ttl_s is not None else None
        await self._connection.publish(Envelope(out.topic, out.payload, out.qos, out.retain, expiry_s=expiry_s))

    def _is_offline(self, camera: str) -> bool:
        state = self.states.get(camera)
        return state is not None and state.state == "offline"


@asynccontextmanager
async def operator(
    brokers: Sequence[Broker],
    agency: str,
    clock: Clock,
    *,
    on_message: OnMessage = _ignore,
    kinds: Collection[str] = ("reply",),
    states: dict[str, StateMessage | None] | None = None,
    client_id: str | None = None,
) -> AsyncIterator[Operator]:
    """A connected operator, subscribed to states and these `kinds` of messages. `states` are those known before. With a
    `client_id` of its own, an MQTT 5 broker keeps events and replies for it while it is away. Raises LinkError when no
    broker accepts the connection.
    """
    states_topic, others = topic(agency, "state"), [topic(agency, kind) for kind in kinds]
    async with AsyncExitStack() as stack:
        connection = await _connected(stack, brokers, client_id)
        connected = Operator(connection, agency, clock, on_message, {} if states is None else states)
        receiving = asyncio.create_task(connected.receive(), name="operator")
        try:
            if others:
                await connection.subscribe(*others)
            await connection.subscribe(states_topic, qos=0)
            yield connected
        finally:
            receiving.cancel()
            await asyncio.wait([receiving])


async def _connected(stack: AsyncExitStack, brokers: Sequence[Broker], client_id: str | None) -> Connection:
    """Connect to one of the brokers. An MQTT 3.1.1 broker refuses the first attempt, so each gets two."""
    transport = MqttTransport(brokers, keepalive_s=_KEEPALIVE_S)
    hello = Hello(client_id or f"lapel-operator-{uuid.uuid4().hex[:12]}", resume=client_id is not None)
    for _ in range(2 * len(brokers) - 1):
        try:
            return await stack.enter_async_context(transport.connect(hello))
        except LinkError:
            continue
    try:
        return await stack.enter_async_context(transport.connect(hello))
    except LinkError as error:
        raise LinkError(f"{error}; is a broker running there? Give its address with --broker") from error

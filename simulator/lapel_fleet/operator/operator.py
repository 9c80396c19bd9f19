"""An operator at the fleet's broker: what the cameras say, and commands with their answers.

**When are all retained states there?** MQTT has no mark for "that was all". A message of our own, waited for, would be
one, but a fleet's access list lets an operator write nothing but commands. So the picture counts as whole when no
retained state came for `QUIET_S`; on a machine of two busy cores the longest gap among 5,000 was 0.06 s.

States are asked for at QoS 0: of a QoS 1 subscription Mosquitto with its default limits delivers the first 1,020
retained messages and silently drops the rest (tried with 1,600); at QoS 0 all of 5,000 came, and 12,000 of 13,400.
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
from lapel_fleet.operator.received import ClearedTopic, ReceivedMessage, UnreadableMessage, read, topic

QUIET_S = 0.5
RATE_PER_S = 200.0
"""Commands a second, so that a fleet does not act, and answer, at one moment."""
TIMEOUT_S = 15.0
_KEEPALIVE_S = 30
_MISFITS_KEPT = 5

Hears = Callable[[ReceivedMessage | ClearedTopic | UnreadableMessage, StateMessage | None], None]
"""Takes what came, and what was known of the camera's state before."""


def _ignore(_: ReceivedMessage | ClearedTopic | UnreadableMessage, __: StateMessage | None) -> None:
    pass


class Operator:
    """Sees one agency. Belongs to the event loop."""

    def __init__(
        self, connection: Connection, agency: str, clock: Clock, hears: Hears, states: dict[str, StateMessage | None]
    ) -> None:
        self.states = states
        """Each camera's newest state by `site/camera`; None where it cannot be read."""
        self.misfits = 0
        """Messages that did not fit the contract."""
        self.newest_misfits: deque[str] = deque(maxlen=_MISFITS_KEPT)
        self._connection, self._agency, self._clock, self._hears = connection, agency, clock, hears
        self._run, self._ids = uuid.uuid4().hex[:8], count(1)  # a camera remembers ids longer than we live
        self._accounts: list[OutcomeTally] = []
        self._news = asyncio.Event()
        self._loss: LinkError | None = None
        self._retained = 0

    # -- hearing -----------------------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Take in what comes, until the broker is lost; whoever waits is told of that."""
        try:
            async for inbound in self._connection.messages():
                self._take(inbound)
                self._news.set()
        except LinkError as error:
            self._loss = error
            self._news.set()

    async def picture(self, quiet_s: float = QUIET_S) -> None:
        """Return when the retained states are there: see above."""
        while await self.until(self._more_retained_than(self._retained), quiet_s):
            pass

    def _more_retained_than(self, so_far: int) -> Callable[[], bool]:
        return lambda: self._retained > so_far

    async def until(self, true: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Whether it became true, by what is heard, in time. Raises LinkError when the broker is lost before."""
        try:
            async with asyncio.timeout(timeout_s):
                while not true():
                    if self._loss is not None:
                        raise self._loss
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return true()
        return True

    def _take(self, inbound: Inbound) -> None:
        said = read(self._agency, inbound)
        before = self.states.get(said.camera)
        match said:
            case UnreadableMessage():
                self._take_misfit(said)
            case ClearedTopic(camera):
                self.states.pop(camera, None)
            case ReceivedMessage(camera, StateMessage() as state, retained):
                self.states[camera] = state
                self._retained += retained
            case ReceivedMessage(camera, Reply() as reply):
                for account in self._accounts:
                    account.take(camera, reply, self._clock.mono_s())
        self._hears(said, before)

    def _take_misfit(self, misfit: UnreadableMessage) -> None:
        self.misfits += 1
        self.newest_misfits.append(misfit.reason)
        if misfit.kind == "state":
            self.states[misfit.camera] = None
        elif misfit.kind == "reply":
            for account in self._accounts:
                account.garble(misfit.camera, misfit.reason)

    # -- commanding --------------------------------------------------------------------------------------------------

    def account(self, cameras: Collection[str], *, even_offline: bool = False) -> OutcomeTally:
        """To be sent: those that are there. Of the others nothing is expected."""
        offline = [one for one in cameras if not even_offline and self._is_offline(one)]
        reached = [one for one in cameras if one not in set(offline)]
        return OutcomeTally({one: f"operator-{self._run}-{next(self._ids)}" for one in reached}, offline)

    async def send(
        self, order: Command, account: OutcomeTally, *, timeout_s: float = TIMEOUT_S, rate_per_s: float = RATE_PER_S
    ) -> None:
        """Send `order` to each camera of the account, under its id there, and settle it: `timeout_s` after the last one
        was sent nobody is waited for. Who has said nothing by half that time is sent the same again, with the same id:
        it is carried out once.
        """
        self._accounts.append(account)
        try:
            await self._send_to(account.open(), order, account, rate_per_s)
            if not await self.until(lambda: account.settled, timeout_s / 2):
                await self._send_to(account.silent(), order, account, rate_per_s)
                await self.until(lambda: account.settled, timeout_s / 2)
            account.close(f"within {timeout_s:g} s")
        except LinkError as error:
            account.close(f"the broker was lost: {error}")
        finally:
            self._accounts.remove(account)

    async def _send_to(
        self, outcomes: Iterable[Outcome], order: Command, account: OutcomeTally, rate_per_s: float
    ) -> None:
        """Each at its moment, none waiting for the acknowledgement of another: a broker may be far away."""
        loss: LinkError | None = None
        began_s = self._clock.mono_s()
        try:
            async with asyncio.TaskGroup() as group:
                for number, one in enumerate(outcomes):
                    await self._clock.sleep(max(0.0, began_s + number / rate_per_s - self._clock.mono_s()))
                    group.create_task(self._send_one(one, order, account))
        except* LinkError as several:
            loss = next(error for error in several.exceptions if isinstance(error, LinkError))
        if loss is not None:
            raise loss

    async def _send_one(self, one: Outcome, order: Command, account: OutcomeTally) -> None:
        now = self._clock.now()
        command = msgspec.structs.replace(order, id=one.id, sent_at=iso(now.utc))
        account.sent(one, now.mono_s)
        out = LapelV1(self._agency, *one.camera.split("/")).encode(command)
        expiry_s = math.ceil(command.ttl_s) if command.ttl_s is not None else None
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
    hears: Hears = _ignore,
    kinds: Collection[str] = ("reply",),
    states: dict[str, StateMessage | None] | None = None,
) -> AsyncIterator[Operator]:
    """An operator who hears states and these `kinds` of messages, and goes on from `states` that were known. Raises
    LinkError when no broker takes it.
    """
    states_topic, others = topic(agency, "state"), [topic(agency, kind) for kind in kinds]
    async with AsyncExitStack() as stack:
        connection = await _connected(stack, brokers)
        sees = Operator(connection, agency, clock, hears, {} if states is None else states)
        listening = asyncio.create_task(sees.listen(), name="operator")
        try:
            if others:
                await connection.subscribe(*others)
            await connection.subscribe(states_topic, qos=0)
            yield sees
        finally:
            listening.cancel()
            await asyncio.wait([listening])


async def _connected(stack: AsyncExitStack, brokers: Sequence[Broker]) -> Connection:
    """A broker that knows only MQTT 3.1.1 refuses us once, and each broker may be the one that is there."""
    transport = MqttTransport(brokers, keepalive_s=_KEEPALIVE_S)
    hello = Hello(f"lapel-operator-{uuid.uuid4().hex[:12]}")
    for _ in range(2 * len(brokers) - 1):
        try:
            return await stack.enter_async_context(transport.connect(hello))
        except LinkError:
            continue
    try:
        return await stack.enter_async_context(transport.connect(hello))
    except LinkError as error:
        raise LinkError(f"{error}; is a broker there? --broker says where") from error

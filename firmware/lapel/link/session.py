"""The MQTT session of a camera: presence, commands and queued messages, over any transport.

**One name, one camera.** The client id is stable per camera, so a broker ends the session of a dead predecessor when
its successor connects. Two *live* cameras with one name would take the session from each other for ever. These rules
prevent it:

- The first connect of a process takes the name, whatever is retained on its state topic: a predecessor published that.
- Before a *re*connect the camera reads its state topic under a second client id, because a connect under its own would
  disconnect the other camera (and Mosquitto would publish that one's will). A foreign live state there was published
  while this camera was offline, so the other camera keeps the name. This one stays away, reports the duplicate, and
  reads again after `DUPLICATE_BACKOFF_S`.
- While it is connected, a foreign `offline` on its topic is another client's late will: the camera publishes its own
  state again. A foreign live state comes from another client id: a duplicate as well.

**Late or live.** An MQTT 5 broker queues commands for an offline camera and delivers them first. The birth message is
the barrier: the camera subscribes to its own state, and commands received before its birth message were queued.
"""

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Coroutine

from lapel.clock import Clock, iso
from lapel.errors import LinkError, MessageError
from lapel.light_event import LightEvent
from lapel.link.backoff import Backoff, Pace, TokenBucket
from lapel.link.command_check import Delivery, objection
from lapel.link.contract import Contract
from lapel.link.interface import LinkHost, LinkStatus
from lapel.link.journal import Route, Waiting
from lapel.link.messages import CameraState, Command, Outgoing, Reply, StateMessage, Telemetry, offline
from lapel.link.outbox import Outbox
from lapel.link.refusals import LOSSES_MAX, Refusals, What
from lapel.link.transport import Connection, Envelope, Hello, Inbound, PublishRefused, Transport
from lapel.randomness import RandomSource

BACKOFF_S = (0.5, 60.0)
SPREAD_S = 5.0
"""Seconds over which the cameras of a broker that was lost spread their first reconnect."""
DRAIN_PER_S = 20.0
"""Events a second that a camera sends after an outage, so that a fleet's backlog is no second outage."""
DUPLICATE_BACKOFF_S = 60.0
COMMAND_RATE = (60, 1.0)
"""Commands that a camera takes at once, and then per second: a publisher must not be able to fill the outbox with
answers behind which evidence waits.
"""
RETRY_DEFERRED_S = 600.0
"""Seconds until a message that was set aside is tried again: what looked like a refusal may have been a broker that was
restarted three times.
"""
_RETAINED_S = 0.5
"""Seconds to wait for the retained state: it follows the acknowledged subscription, or there is none."""
_SETTLE_S = 5.0
"""Seconds after a connect from which commands count as live even if the birth message was not received back."""
_CLOSE_S = 5.0
"""Seconds to flush the outbox at shutdown; if that was too short, as long again for the final *offline* message."""


class _DuplicateError(Exception):
    """Another live camera uses this camera's name. Carries its session."""


class Session:
    """Implements `link.interface.Link`. Waits on the event loop's time: back-off, time-outs and pace are the link's."""

    def __init__(
        self,
        transport: Transport,
        contract: Contract,
        clock: Clock,
        outbox: Outbox,
        *,
        session: str,
        rng: RandomSource,
        duplicate_backoff_s: float = DUPLICATE_BACKOFF_S,
        spread_s: float = SPREAD_S,
        drain_per_s: float = DRAIN_PER_S,
        announcement: Envelope | None = None,
    ) -> None:
        """`session` names this run of the firmware; `rng` is this camera's own stream of it. `announcement` is
        published after the birth message of each connection, for those who look for cameras.
        """
        self._announcement = announcement
        self._transport, self._contract, self._clock, self._outbox = transport, contract, clock, outbox
        self._session, self._rng = session, rng
        self._duplicate_backoff_s = duplicate_backoff_s
        self._had_name = False  # whether this process was ever live under its name
        self._backoff = Backoff(rng, *BACKOFF_S, spread_s=spread_s)
        self._pace = Pace(rng, drain_per_s)
        self._refusals = Refusals()
        self._retry_deferred_at_s = math.inf
        self._in_flight: Waiting | None = None  # being sent; still set when the connection is lost meanwhile
        self._commands = TokenBucket(*COMMAND_RATE)
        self._state: StateMessage | None = None
        self._telemetry: Telemetry | None = None
        self._connected = False
        self._is_known = False  # whether the broker accepted the CONNECT, and the birth may be published
        self.is_idle = False
        """Whether everything published has been acknowledged, and nothing waits."""
        self._live_from_s: float | None = None  # loop time from which commands count as live; None: they are
        self._reported_dropped: Counter[str] = Counter()
        self._close_reason: str | None = None
        self._skips_outbox = False
        self._work = LightEvent()
        self._closed = LightEvent()
        self._down = "not connected yet"
        self._duplicate = ""

    # -- for the camera ----------------------------------------------------------------------------------------------

    def publish(self, message: Outgoing) -> None:
        """See `Link.publish`."""
        match message:
            case StateMessage():
                self._state = message
                self._telemetry = None  # on a slow line it would be sent after this state, and be outdated
            case Telemetry():
                self._telemetry = message if self._connected else None
            case _:
                self._outbox.put(message)
        self.is_idle = False
        self._work.set()

    def status(self) -> LinkStatus:
        """See `Link.status`."""
        box = self._outbox
        return LinkStatus(
            up=self._connected,
            reason=self._down,
            duplicate=self._duplicate,
            refused=self._refusals.reason,
            events_waiting=len(box),
            events_dropped=box.dropped.total(),
            not_persisted=box.trouble,
        )

    async def close(self, reason: str) -> None:
        """See `Link.close`. Without a connection there is nothing to wait for."""
        self._close_reason = reason
        self._work.set()
        for self._skips_outbox in (False, True):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S if self._is_known else 0):
                    await self._closed.wait()

    async def run(self, host: LinkHost) -> None:
        """Connect, serve, and again. Ends only when cancelled; then it disconnects cleanly if *offline* was published,
        else it leaves that to the last will.
        """
        await self._outbox.open(host.on_unfinished)
        keeping = asyncio.create_task(self._outbox.keep(), name="outbox")
        try:
            await self._for_ever(host)
        finally:
            await _cancel(keeping)
            await self._outbox.flush()

    # -- connecting --------------------------------------------------------------------------------------------------

    async def _for_ever(self, host: LinkHost) -> None:
        while True:
            try:
                await self._connect_and_serve(host)
            except _DuplicateError as duplicate:
                wait_s = self._duplicate_backoff_s * self._rng.uniform(1.0, 1.2)
                self._stand_aside(str(duplicate), host)
            except LinkError as error:
                self._suspect_message_in_flight(str(error), host)
                wait_s = self._backoff.next_s()
                self._down = str(error)
                host.on_link(False, self._down)
            _stop_if_cancelled()
            await asyncio.sleep(wait_s)

    def _stand_aside(self, session: str, host: LinkHost) -> None:
        """`session` is another live camera's; report it once."""
        is_new, self._duplicate = session != self._duplicate, session
        self._down = (
            f"another live camera uses this camera's address {self._contract.client_id} (session {session}); give each "
            "camera a name of its own"
        )
        if is_new:
            host.on_duplicate(session)

    async def _connect_and_serve(self, host: LinkHost) -> None:
        self._in_flight = None
        if self._had_name:
            await self._read_retained_state()
        will = self._contract.encode(offline(host.state_message(), "connection lost"))
        async with self._transport.connect(Hello(self._contract.client_id, will, resume=True)) as connection:
            self._is_known = True
            self._live_from_s = asyncio.get_running_loop().time() + (_SETTLE_S if connection.resumes else 0.0)
            try:
                await _first_failure(self._read(connection, host), self._serve(connection, host))
            except asyncio.CancelledError:
                if not self._closed.is_set:
                    connection.abort()  # no *offline* message was sent: the last will says it
                raise
            finally:
                self._connected = self._is_known = self.is_idle = False

    async def _read_retained_state(self) -> None:
        """Read the retained state of this camera's topic. Raises _DuplicateError when it is another live camera's."""
        async with self._transport.connect(Hello(f"{self._contract.client_id}-look")) as connection:
            await connection.subscribe(self._contract.state_topic)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_RETAINED_S), contextlib.aclosing(connection.messages()) as incoming:
                    self._is_foreign(await anext(incoming))

    async def _serve(self, connection: Connection, host: LinkHost) -> None:
        await connection.subscribe(self._contract.command_topic, self._contract.state_topic)
        self._state = self._telemetry = None
        await self._send_state(connection, host.state_message(), host)
        self._had_name, self._connected, self._down, self._duplicate = True, True, "", ""
        self._backoff.reset()
        host.on_link(True, "")
        await self._announce(connection, host)
        self._report_dropped(host)
        await self._write(connection, host)

    async def _announce(self, connection: Connection, host: LinkHost) -> None:
        if self._announcement is not None:
            try:
                await connection.publish(self._announcement)
            except PublishRefused as error:
                host.on_refused("announcement", self._announcement.topic, str(error))

    def _report_dropped(self, host: LinkHost) -> None:
        if newly_dropped := self._outbox.dropped - self._reported_dropped:
            self._reported_dropped = Counter(self._outbox.dropped)
            host.on_dropped(newly_dropped)

    # -- receiving ---------------------------------------------------------------------------------------------------

    async def _read(self, connection: Connection, host: LinkHost) -> None:
        async for message in connection.messages():
            if message.topic == self._contract.state_topic:
                if self._is_foreign(message):
                    await self._send_state(connection, host.state_message(), host)
            else:
                await self._take_command(message, host)

    def _is_foreign(self, message: Inbound) -> bool:
        """Whether this camera's state must be published again. Raises _DuplicateError for another live camera's."""
        presence = self._contract.decode_presence(message.payload)
        if presence is not None and presence.session == self._session:
            if not message.retain:
                self._live_from_s = None  # the birth message came back: later commands were not queued
            return False
        if not self._had_name:
            return False  # a predecessor's: the birth message will replace it
        if presence is not None and presence.online:
            raise _DuplicateError(presence.session)
        return True

    async def _take_command(self, message: Inbound, host: LinkHost) -> None:
        try:
            command = self._contract.decode_command(message)
        except MessageError as error:
            self._expect(error.command_id, None, message)
            host.on_bad_command(error)
            return
        if not self._commands.take(asyncio.get_running_loop().time()):
            text = f"{message.topic}: too many commands: {COMMAND_RATE[0]} at once, then {COMMAND_RATE[1]:g} per second"
            host.on_bad_command(MessageError(text, command.id, command.command))
            return
        if (earlier := self._outbox.answer(command.id)) is not None:
            self.publish(earlier)  # the same command again gets the same answer, and is not carried out again
            return
        self._expect(command.id, command.reply_to, message)
        delivery = Delivery(message.retain, self._is_live(), message.expiry_s)
        if (
            reason := objection(command, delivery, self._clock.now().utc, trusted=self._clock.is_trusted())
        ) is not None:
            text = f"{message.topic}: {reason}"
            host.on_bad_command(MessageError(text, "" if message.retain else command.id, command.command))
            return
        if command.command != "status":
            await self._accept(command, host)
        host.on_command(command)

    def _is_live(self) -> bool:
        return self._live_from_s is None or asyncio.get_running_loop().time() >= self._live_from_s

    def _expect(self, command_id: str, reply_to: str | None, message: Inbound) -> None:
        if command_id and (reply_to or message.correlation):
            self._outbox.expect(command_id, Route(reply_to, message.correlation))

    async def _accept(self, command: Command, host: LinkHost) -> None:
        """Record the command on disk before it is carried out: it is never executed twice, even after a power cut."""
        self.publish(
            Reply(
                id=command.id,
                command=command.command,
                result="accepted",
                state=_chart_state(host.state_message()),
                time=iso(self._clock.now().utc),
            )
        )
        await self._outbox.flush()

    # -- sending -----------------------------------------------------------------------------------------------------

    async def _write(self, connection: Connection, host: LinkHost) -> None:
        """Send the newest state, then replies and events, each until acknowledged; then telemetry; last, *offline*."""
        wait_s: float | None
        while True:
            wait_s = None
            now_s = asyncio.get_running_loop().time()
            if now_s >= self._retry_deferred_at_s:
                self._outbox.retry_deferred()
                self._retry_deferred_at_s = math.inf
            refused_s = [self._refusals.wait_s("reply", now_s), self._refusals.wait_s("event", now_s)]
            reply = self._outbox.first_reply() if not refused_s[0] else None
            event = self._outbox.first_event() if not refused_s[1] else None
            if self._state is not None:
                state, self._state = self._state, None
                await self._send_state(connection, state, host)
            elif self._skips_outbox:
                await self._publish_offline(connection, host)  # what else waits is kept, and sent after the next start
            elif reply is not None:
                await self._send_waiting(connection, reply, host)
            elif event is not None and not (wait_s := self._pause_s()):
                await self._send_waiting(connection, event, host)
            elif self._telemetry is not None:
                await self._send_telemetry(connection)
            elif self._close_reason is not None and event is None:
                await self._publish_offline(connection, host)
            else:
                self._work.clear()
                self.is_idle = wait_s is None and not any(refused_s)
                await self._wait_for_work(_soonest(wait_s, *refused_s, self._retry_deferred_at_s - now_s))

    async def _wait_for_work(self, at_most_s: float | None) -> None:
        if at_most_s is None:
            await self._work.wait()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._work.wait()

    async def _send_telemetry(self, connection: Connection) -> None:
        telemetry, self._telemetry = self._telemetry, None
        if telemetry is not None:
            await connection.publish(self._contract.encode(telemetry))

    async def _publish_offline(self, connection: Connection, host: LinkHost) -> None:
        last = offline(host.state_message(), self._close_reason or "", iso(self._clock.now().utc))
        await self._send_state(connection, last, host)
        self._closed.set()
        await asyncio.Event().wait()  # nothing more is sent; the caller cancels this task

    def _pause_s(self) -> float:
        """The last messages before a disconnect are not paced: there are only a few seconds for them."""
        return 0.0 if self._close_reason is not None else self._pace.wait_s(asyncio.get_running_loop().time())

    async def _send_waiting(self, connection: Connection, one: Waiting, host: LinkHost) -> None:
        out = self._contract.encode(one.message)
        route, self._in_flight = one.route, one
        try:
            await connection.publish(
                Envelope(route.reply_to or out.topic, out.payload, out.qos, out.retain, route.correlation)
            )
        except PublishRefused as error:
            self._on_refused(one, str(error), host, is_permanent=error.is_permanent or route != Route())
        else:
            self._refusals.accept(_kind(one), one.number)
            self._outbox.done(one)
        self._in_flight = None

    def _suspect_message_in_flight(self, error: str, host: LinkHost) -> None:
        """The connection was lost. A message that was being sent, and was so several times in a row, makes way."""
        one, self._in_flight = self._in_flight, None
        if one is not None and self._refusals.is_suspect(one.number):
            reason = f"the connection was lost {LOSSES_MAX} times while it was sent: {error}"
            self._on_refused(one, reason, host, is_permanent=True)

    def _on_refused(self, one: Waiting, reason: str, host: LinkHost, *, is_permanent: bool) -> None:
        """A message that will never be accepted makes way for the others; otherwise all of its kind wait."""
        if not is_permanent:
            if self._refusals.refuse(_kind(one), reason, asyncio.get_running_loop().time()):
                host.on_refused(_kind(one), "", reason)
        elif not self._outbox.yield_to_refusal(one, reason):
            self._retry_deferred_at_s = asyncio.get_running_loop().time() + RETRY_DEFERRED_S
            host.on_refused(_kind(one), one.message.id, reason)

    async def _send_state(self, connection: Connection, message: StateMessage, host: LinkHost) -> None:
        try:
            await connection.publish(self._contract.encode(message))
        except PublishRefused as error:
            if self._refusals.refuse("state", str(error), asyncio.get_running_loop().time()):
                host.on_refused("state", "", str(error))
        else:
            self._refusals.accept("state")


def _kind(one: Waiting) -> What:
    return "reply" if isinstance(one.message, Reply) else "event"


def _soonest(*waits_s: float | None) -> float | None:
    """The shortest of these waits; None when there is none to wait for."""
    return min((wait_s for wait_s in waits_s if wait_s and wait_s < math.inf), default=None)


def _chart_state(message: StateMessage) -> CameraState:
    return "off" if message.state == "offline" else message.state


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _stop_if_cancelled() -> None:
    """Cancel again where a library hid a cancellation by raising another error while it cleaned up."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _first_failure(*jobs: Coroutine[None, None, None]) -> None:
    """Run the jobs side by side until one fails; cancel the others, in order, and raise what it raised.

    A task group would do, but cancels in the order of a set, which differs from run to run, and hides a cancellation
    that comes together with a failure. asyncio.wait would take 0.6 KB more for each of thousands of cameras.
    """
    tasks = [asyncio.ensure_future(job) for job in jobs]
    over = LightEvent()
    for task in tasks:
        task.add_done_callback(lambda _: over.set())
    try:
        await over.wait()
    finally:
        done = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()

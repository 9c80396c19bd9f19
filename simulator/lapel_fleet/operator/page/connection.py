"""The page's connection to the broker: reconnects without limit, and sends commands with their account on record."""

import random
import uuid
from collections.abc import Callable, Sequence

import msgspec

from lapel.clock import Clock, iso
from lapel.errors import LinkError
from lapel.link.backoff import Backoff
from lapel.link.broker_address import Broker
from lapel.link.messages import Command, StateMessage
from lapel.worker import Worker
from lapel_fleet.operator.operator import Operator, operator
from lapel_fleet.operator.outcomes import Outcome, OutcomeTally
from lapel_fleet.operator.page.history import History
from lapel_fleet.operator.received import Received

_BACKOFF_S = (0.5, 30.0)
_KINDS = ("event", "reply", "telemetry", "command")


class FleetConnection:
    """Receives a fleet's messages while it runs, and sends commands while it is connected."""

    def __init__(
        self,
        brokers: Sequence[Broker],
        agency: str,
        clock: Clock,
        rng: random.Random,
        history: History,
        worker: Worker,
        on_message: Callable[[Received, StateMessage | None], None],
    ) -> None:
        self._brokers, self._agency, self._clock, self._rng = brokers, agency, clock, rng
        self._history, self._worker, self._on_message = history, worker, on_message
        self._states: dict[str, StateMessage | None] = {}
        self._connected: Operator | None = None
        self.error = "not connected yet"
        """Why there is no connection; empty while there is one."""
        self.commands_changed = 0
        """Counts the changes of accounts, so that pages notice them."""

    async def run(self, on_first: Callable[[], None]) -> None:
        """Connect and reconnect until cancelled. Raises LinkError when the first connection fails."""
        backoff, is_first = Backoff(self._rng, *_BACKOFF_S), True
        client_id = await self._worker.run(self._history.client_id)
        while True:
            try:
                async with operator(
                    self._brokers, self._agency, self._clock,
                    on_message=self._on_message, kinds=_KINDS, states=self._states, client_id=client_id,
                ) as connected:  # fmt: skip
                    backoff.reset()
                    self._connected, self.error = connected, ""
                    if is_first:
                        on_first()
                        is_first = False
                    await connected.until(lambda: False)
            except LinkError as error:
                if is_first:
                    raise
                self.error = str(error)
            finally:
                self._connected = None
            await self._clock.sleep(backoff.next_s())

    async def begin(self, camera: str, command: Command) -> OutcomeTally:
        """Put a command to one camera on record; `finish` sends it. Raises LinkError when there is no connection, and
        StorageError when the history cannot be written: what is not on record is not sent.
        """
        if self._connected is None:
            raise LinkError(f"the broker is away ({self.error})")
        tally = self._connected.tally([camera])
        outcome = tally.outcomes[camera]
        if not outcome.id:
            outcome.id = f"unsent-{uuid.uuid4().hex[:12]}"
        await self._note(outcome, command)
        return tally

    async def finish(self, command: Command, tally: OutcomeTally) -> None:
        """Send the command and wait for its account. Raises StorageError when that cannot be written."""
        if self._connected is None:
            tally.close("the broker was lost")
        elif not tally.is_settled:
            await self._connected.send(command, tally)
        for outcome in tally.outcomes.values():
            await self._note_result(outcome)

    async def _note(self, outcome: Outcome, command: Command) -> None:
        row = (
            outcome.id, outcome.camera, command.command, command.reason, command.sender,
            iso(self._clock.now().utc), outcome.result or "", outcome.reason, None,
        )  # fmt: skip
        await self._worker.run(lambda: self._history.write({"commands": [row]}))
        self.commands_changed += 1

    async def _note_result(self, outcome: Outcome) -> None:
        result, reason, took_s = outcome.result or "no answer", outcome.reason, outcome.took_s
        await self._worker.run(lambda: self._history.set_result(outcome.id, result, reason, took_s))
        self.commands_changed += 1


def command_of(name: str, reason: str, sender: str, ttl_s: float) -> Command:
    """The command without id and time. Raises msgspec.ValidationError for what the contract forbids."""
    fields = {"id": "-", "command": name, "reason": reason, "sender": sender, "ttl_s": ttl_s}
    return msgspec.convert(fields, Command)

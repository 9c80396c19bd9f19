"""Watches a fleet: reports messages and state changes, also after outages of the broker."""

import random
from collections.abc import Callable, Sequence
from typing import get_args

from lapel.clock import Clock
from lapel.config import suggestion
from lapel.errors import ConfigError, LinkError
from lapel.link.backoff import Backoff
from lapel.link.broker_address import Broker
from lapel.link.messages import EventKind, EventMessage, StateMessage
from lapel_fleet.operator.operator import Operator, operator
from lapel_fleet.operator.received import KINDS, Received, ReceivedMessage, kind_of
from lapel_fleet.operator.selector import Selector

DEFAULT_KINDS = ("state", "event")
_BACKOFF_S = (0.5, 30.0)
_EVENTS = get_args(EventKind)


def parse_kinds(texts: Sequence[str]) -> frozenset[str]:
    """Kinds of messages (`state`, `event`, …) or of events, separated by commas. Raises ConfigError."""
    kinds = frozenset(kind for text in texts for kind in text.split(","))
    for kind in sorted(kinds):
        if kind not in KINDS and kind not in _EVENTS:
            raise ConfigError(
                f"--kinds {kind!r}: no such kind of message or event{suggestion(kind, (*KINDS, *_EVENTS))}"
            )
    return kinds


class Watch:
    """Selects messages of a fleet and passes them on."""

    def __init__(
        self,
        selector: Selector,
        kinds: frozenset[str],
        report: Callable[[Received, StateMessage | None], None],
        note: Callable[[str], None],
    ) -> None:
        """`report` is called with each selected message and the camera's state before it; `note` with texts about the
        connection itself.
        """
        self.states: dict[str, StateMessage | None] = {}
        self._selector, self._kinds, self._report, self._note = selector, kinds, report, note
        self._is_first = True

    async def run(
        self,
        brokers: Sequence[Broker],
        agency: str,
        clock: Clock,
        rng: random.Random,
        on_states: Callable[[], None] = lambda: None,
    ) -> None:
        """Watch until cancelled. Raises LinkError when the first connection fails; later it reconnects. Calls
        `on_states` when the retained states have arrived for the first time.
        """
        backoff = Backoff(rng, *_BACKOFF_S)
        while True:
            try:
                async with operator(
                    brokers, agency, clock, on_message=self.receive, kinds=self._topics(), states=self.states
                ) as connected:
                    backoff.reset()
                    await self._follow(connected, on_states)
            except LinkError as error:
                if self._is_first:
                    raise
                self._note(f"the broker is away ({error}): messages may be missed meanwhile, except states")
            await clock.sleep(backoff.next_s())

    async def _follow(self, connected: Operator, on_states: Callable[[], None]) -> None:
        await connected.retained_states()
        if self._is_first:
            self._is_first = False
            on_states()
        else:
            self._note("the broker is back")
        await connected.until(lambda: False)

    def receive(self, received: Received, before: StateMessage | None) -> None:
        """Report a message; a retained state only if it differs from the known one: it changed during an outage."""
        if (
            isinstance(received, ReceivedMessage)
            and received.retained
            and (self._is_first or received.message == before)
        ):
            return
        if self._is_selected(received):
            self._report(received, before)

    def _is_selected(self, received: Received) -> bool:
        if not self._selector.fits(received.camera, self.states.get(received.camera)):
            return False
        if not isinstance(received, ReceivedMessage):
            return True
        if isinstance(received.message, EventMessage) and received.message.kind in self._kinds:
            return True
        return kind_of(received.message) in self._kinds

    def _topics(self) -> list[str]:
        """The kinds to subscribe to besides states, which the conditions of a selector need anyway."""
        kinds = {"event" if kind in _EVENTS else kind for kind in self._kinds}
        return sorted(kinds - {"state"})

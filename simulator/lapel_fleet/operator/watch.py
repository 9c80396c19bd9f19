"""Watching a fleet through as many outages of its broker as there are."""

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
from lapel_fleet.operator.received import KINDS, ClearedTopic, ReceivedMessage, UnreadableMessage, kind_of
from lapel_fleet.operator.selector import Selector

DEFAULT_KINDS = ("state", "event")
_BACKOFF_S = (0.5, 30.0)
_EVENTS = get_args(EventKind)

Said = ReceivedMessage | ClearedTopic | UnreadableMessage


def checked_kinds(texts: Sequence[str]) -> frozenset[str]:
    """`state`, `event`, …, or one kind of event; commas between. Raises ConfigError."""
    kinds = frozenset(kind for text in texts for kind in text.split(","))
    for kind in sorted(kinds):
        if kind not in KINDS and kind not in _EVENTS:
            raise ConfigError(f"--kinds {kind!r}: nothing is called so{suggestion(kind, (*KINDS, *_EVENTS))}")
    return kinds


class Watch:
    """What of all that is said is told, and to whom."""

    def __init__(
        self,
        selector: Selector,
        kinds: frozenset[str],
        tell: Callable[[Said, StateMessage | None], None],
        note: Callable[[str], None],
    ) -> None:
        """`tell` gets what happens, with the camera's state before it; `note` what happens to the watching itself."""
        self.states: dict[str, StateMessage | None] = {}
        self._selector, self._kinds, self._tell, self._note = selector, kinds, tell, note
        self._is_first = True

    async def run(
        self,
        brokers: Sequence[Broker],
        agency: str,
        clock: Clock,
        rng: random.Random,
        pictured: Callable[[], None] = lambda: None,
    ) -> None:
        """Until cancelled. Raises LinkError when the broker cannot be reached at first; later it is waited for.
        `pictured` is called when the first retained states are there.
        """
        backoff = Backoff(rng, *_BACKOFF_S)
        while True:
            try:
                async with operator(
                    brokers, agency, clock, hears=self.hear, kinds=self._topics(), states=self.states
                ) as sees:
                    backoff.reset()
                    await self._follow(sees, pictured)
            except LinkError as error:
                if self._is_first:
                    raise
                self._note(f"the broker is away ({error}): what cameras say meanwhile may be missed, states excepted")
            await clock.sleep(backoff.next_s())

    async def _follow(self, sees: Operator, pictured: Callable[[], None]) -> None:
        await sees.picture()
        if self._is_first:
            self._is_first = False
            pictured()
        else:
            self._note("the broker is back")
        await sees.until(lambda: False)

    def hear(self, said: Said, before: StateMessage | None) -> None:
        """A retained state is news only where it differs from what was known: then it changed while we were away."""
        if isinstance(said, ReceivedMessage) and said.retained and (self._is_first or said.message == before):
            return
        if self._is_wanted(said):
            self._tell(said, before)

    def _is_wanted(self, said: Said) -> bool:
        if not self._selector.fits(said.camera, self.states.get(said.camera)):
            return False
        if not isinstance(said, ReceivedMessage):
            return True
        if isinstance(said.message, EventMessage) and said.message.kind in self._kinds:
            return True
        return kind_of(said.message) in self._kinds

    def _topics(self) -> list[str]:
        """Besides states, which conditions of a selector need."""
        wanted = {"event" if kind in _EVENTS else kind for kind in self._kinds}
        return sorted(wanted - {"state"})
